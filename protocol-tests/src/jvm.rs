//! A Java process that cannot outlive us.
//!
//! Each JVM runs under a small shell whose standard input is a pipe from this process. Whatever ends this process,
//! SIGKILL included, closes the pipe, and the shell then kills the JVM.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{HarnessError, io, on};
use crate::prerequisites;

/// Arguments: files for standard output, error and input; a folder to remove or nothing; program; its arguments.
/// A line on the pipe means an orderly end, its end without one that we are gone: then the folder goes too.
/// The watcher closes its outputs, so that whoever reads the shell's output sees its end.
const SUPERVISOR: &str = r#"
exec 3<&0
out=$1 err=$2 in=$3 folder=$4; shift 4
"$@" <"$in" >>"$out" 2>>"$err" 3<&- &
pid=$!
(
  if read -r word <&3; then kill -9 $pid; exit; fi
  kill -9 $pid
  [ -z "$folder" ] || rm -rf "$folder" || { sleep 1; rm -rf "$folder"; }
) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
echo $pid
wait $pid; status=$?
[ -z "$folder" ] || [ $status -ne 137 ] || { wait $watcher; exit $status; }
kill $watcher
exit $status
"#;

const PAUSE: Duration = Duration::from_millis(20);
const OUTPUT_TAIL: usize = 6_000;

/// Flags that keep a small JVM quick to start and light.
const LIGHT: &[&str] = &["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.awt.headless=true"];

/// How to start a JVM.
#[derive(Clone, Debug)]
pub struct JvmSpec {
    /// Largest heap in MiB.
    pub heap_mib: u32,
    /// The class path as the launcher takes it.
    pub class_path: String,
    /// System properties and further flags.
    pub flags: Vec<String>,
    /// The class whose `main` is run.
    pub main: String,
    /// Arguments of `main`.
    pub args: Vec<String>,
    /// Where standard output is appended.
    pub stdout: PathBuf,
    /// Where standard error is appended; may be the same file.
    pub stderr: PathBuf,
    /// What is read as standard input.
    pub stdin: PathBuf,
    /// What to remove when this process dies without a chance to do it.
    pub folder: Option<PathBuf>,
}

/// A running JVM, killed on drop.
#[derive(Debug)]
pub struct Jvm {
    supervisor: Child,
    lifeline: Option<ChildStdin>,
    pid: Pid,
    what: String,
    log: PathBuf,
}

impl Jvm {
    /// Starts it.
    ///
    /// # Errors
    /// `sh` or `java` cannot be run.
    pub fn start(spec: &JvmSpec) -> Result<Self, HarnessError> {
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "jvm"])
            .args([&spec.stdout, &spec.stderr, &spec.stdin])
            .arg(spec.folder.as_deref().unwrap_or(Path::new("")))
            .arg(prerequisites::java())
            .arg(format!("-Xmx{}m", spec.heap_mib))
            .args(LIGHT)
            .args(spec.folder.as_deref().map(temporary_files_in))
            .args(&spec.flags)
            .args(["-cp", &spec.class_path, &spec.main])
            .args(&spec.args)
            // A group of its own: Ctrl-C reaches us, and our end reaches the JVM.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(io("run sh"))?;
        let lifeline = supervisor.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = supervisor.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(io("read the pid of a JVM"))?;
        }
        let pid = line.trim().parse().ok().and_then(Pid::from_raw).ok_or_else(|| HarnessError::Output {
            what: "the JVM's supervisor".into(),
            output: format!("no pid but {line:?}"),
        })?;
        Ok(Self { supervisor, lifeline, pid, what: spec.main.clone(), log: spec.stderr.clone() })
    }

    /// Process id of the JVM itself.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.supervisor.try_wait(), Ok(None))
    }

    /// Waits for it to end by itself.
    ///
    /// # Errors
    /// It has not ended after `timeout`; then it is killed.
    pub fn wait(&mut self, timeout: Duration) -> Result<i32, HarnessError> {
        if let Some(status) = self.wait_until(Instant::now() + timeout)? {
            return Ok(status.code().unwrap_or(-1));
        }
        self.kill()?;
        Err(HarnessError::Deadline { what: self.what.clone(), after: timeout, output: self.log_tail() })
    }

    /// SIGKILL, then waits until it is gone.
    ///
    /// # Errors
    /// The supervisor cannot be waited for.
    pub fn kill(&mut self) -> Result<(), HarnessError> {
        self.signal(Signal::KILL);
        if let Some(mut lifeline) = self.lifeline.take() {
            let _ = lifeline.write_all(b"end\n");
        }
        self.supervisor.wait().map(drop).map_err(io("wait for a killed JVM"))
    }

    /// SIGTERM, then waits until it is gone; SIGKILL after `timeout`.
    ///
    /// # Errors
    /// It needed the SIGKILL.
    pub fn terminate(&mut self, timeout: Duration) -> Result<(), HarnessError> {
        self.signal(Signal::TERM);
        self.wait(timeout).map(drop)
    }

    /// Stops it in its tracks, as a machine does that hangs: connections stay open and nothing answers.
    pub fn pause(&mut self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`Self::pause`].
    pub fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    fn signal(&mut self, signal: Signal) {
        if self.is_running() {
            let _ = kill_process(self.pid, signal);
        }
    }

    fn wait_until(&mut self, deadline: Instant) -> Result<Option<ExitStatus>, HarnessError> {
        loop {
            if let Some(status) = self.supervisor.try_wait().map_err(io("wait for a JVM"))? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            sleep(PAUSE);
        }
    }
}

/// Codecs unpack native libraries into the folder of temporary files, and only an orderly end removes them.
fn temporary_files_in(folder: &Path) -> String {
    format!("-Djava.io.tmpdir={}", folder.display())
}

impl Drop for Jvm {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The last few thousand bytes of a log, from the start of a line.
pub fn tail(path: &Path) -> String {
    let bytes = match fs::read(path).map_err(on("read", path)) {
        Ok(bytes) => bytes,
        Err(error) => return error.to_string(),
    };
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(OUTPUT_TAIL)..]).into_owned();
    match text.split_once('\n') {
        Some((_, rest)) if bytes.len() > OUTPUT_TAIL => rest.to_owned(),
        _ => text,
    }
}
