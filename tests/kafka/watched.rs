//! A run of the binary whose log is read as it comes: it can be stopped in its tracks at a chosen point.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use protocol_tests::Cluster;
use protocol_tests::clock::Clock;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::Repository;

/// Far more than anything takes, on a machine that is also building.
const DEADLINE: Duration = Duration::from_secs(120);

/// A run under way; killed on drop.
pub struct Watched {
    process: Child,
    events: Receiver<Value>,
    log: Vec<String>,
}

/// How it ended.
pub struct Ended {
    pub code: Option<i32>,
    pub report: Value,
    pub log: String,
}

impl Watched {
    pub fn start(repository: &Repository, verb: &str, cluster: &Cluster, flags: &[&str]) -> Self {
        Self::start_alone(repository, verb, &[&["--bootstrap-server", cluster.bootstrap()], flags].concat())
    }

    /// With flags that say themselves where the cluster is.
    pub fn start_alone(repository: &Repository, verb: &str, flags: &[&str]) -> Self {
        Self::start_by(None, repository, verb, flags)
    }

    /// By a clock that is moved, if there is one.
    pub fn start_by(clock: Option<&Clock>, repository: &Repository, verb: &str, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ktape"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KTAPE_")) {
            command.env_remove(name);
        }
        command.arg(verb).arg("--repository").arg(repository.path());
        command.args(["--json", "-vv", "--log-format", "json"]).args(flags);
        if let Some(clock) = clock {
            clock.give(&mut command);
        }
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, events) = mpsc::channel();
        let stderr = process.stderr.take().unwrap();
        thread::spawn(move || read_events(stderr, &tell));
        Self { process, events, log: Vec::new() }
    }

    /// Waits for the `nth` event that is as wanted. False if the run ended before.
    pub fn wait_for(&mut self, nth: usize, wanted: impl Fn(&Value) -> bool) -> bool {
        let mut seen = 0;
        while seen < nth {
            match self.events.recv_timeout(DEADLINE) {
                Ok(event) => {
                    seen += usize::from(wanted(&event));
                    self.log.push(event.to_string());
                }
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => panic!("it hangs:\n{}", self.tail()),
            }
        }
        true
    }

    /// Waits until so many requests to an API have ended.
    #[track_caller]
    pub fn wait_for_requests(&mut self, api: &str, nth: usize) {
        let there = self.wait_for(nth, |event| event["message"] == "request ended" && event["api"] == api);
        assert!(there, "it ended before {nth} {api} requests had:\n{}", self.tail());
    }

    /// Waits until its phase is logged.
    pub fn wait_for_phase(&mut self, phase: &str) -> bool {
        self.wait_for(1, |event| event["phase"] == phase)
    }

    /// Stops it in its tracks.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits until it ends.
    #[track_caller]
    pub fn finish(mut self) -> Ended {
        let began = Instant::now();
        let status = loop {
            // The pipe of its log must not fill.
            self.log.extend(self.events.try_iter().map(|event| event.to_string()));
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < DEADLINE, "it does not end:\n{}", self.tail());
            thread::sleep(Duration::from_millis(20));
        };
        self.log.extend(self.events.iter().map(|event| event.to_string()));
        let mut text = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let mut document: Value = serde_json::from_str(&text).unwrap_or_default();
        let report = if document["report"].is_null() { document } else { document["report"].take() };
        Ended { code: status.code(), report, log: self.tail() }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    fn tail(&self) -> String {
        self.log[self.log.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Ended {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{:#}\n{}", self.report, self.log);
        self
    }

    /// Entries of a list of the report.
    pub fn list(&self, name: &str) -> &[Value] {
        self.report[name].as_array().map_or(&[], Vec::as_slice)
    }
}

fn read_events(stderr: ChildStderr, tell: &mpsc::Sender<Value>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
        // Nobody listens any more once the process is killed.
        let _ = tell.send(event);
    }
}
