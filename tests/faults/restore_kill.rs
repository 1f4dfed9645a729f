//! `kill -9` of a restore at any point, while brokers of the target die and come back: the same command completes, and
//! records, positions and settings are those of the source, judged by Kafka's own tools.
//!
//! A restore of the whole data set into three brokers is started and killed as soon as its log says that it has come to
//! a chosen phase, phase after phase, with other `--memory` each time. When batches are on their way a broker is
//! killed too, and started again.
//!
//! `KTAPE_KILLS` is the number of kills, 5 unless told: each phase once. The long run kills in every phase twice a
//! round, and begins anew with each round:
//!
//! ```text
//! KTAPE_KILLS=50 cargo test --test main restore_kill -- --nocapture
//! ```
//!
//! The seed is printed; `KTAPE_TEST_SEED` repeats it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use protocol_tests::judge::{Isolation, contents};
use protocol_tests::{Cluster, ClusterSpec, tools};
use serde_json::Value;

use super::kill::Random;
use super::{Ended, ktape};
use crate::kafka::round_trip::{self, LOADED};
use crate::kafka::{self, LATER};

/// Far more than a run takes, on a machine that is also building.
const DEADLINE: Duration = Duration::from_secs(180);
/// How long a broker stays dead.
const DEAD: Duration = Duration::from_millis(1_500);
/// Bytes of batches on their way: one batch at a time, or many.
const MEMORY: [&str; 2] = ["1MiB", "64MiB"];
/// The phases in their order, and how many events of each one attempt is sure to have.
const PHASES: [(&str, u64); 5] = [("create", 2), ("produce", 12), ("map", 12), ("commit", 10), ("configs", 1)];

#[test]
fn a_restore_killed_at_any_point_goes_on_when_it_is_run_again() {
    let kills: usize = std::env::var("KTAPE_KILLS").map_or(5, |text| text.parse().unwrap());
    let mut random = Random::new();
    println!("{kills} kills, KTAPE_TEST_SEED={}", random.seed);
    let from = kafka::source();
    let later = format!("{LATER}*");
    let rest = ["--exclude-topics", later.as_str(), "--exclude-groups", later.as_str()];
    let repository = kafka::Repository::init();
    let began = Instant::now();
    repository.back_up(from, &rest);
    let target = ClusterSpec::new(3).heap_mib(384).start().unwrap();
    let place = repository.path().display().to_string();
    let flags = ["restore", "--repository", &place, "--bootstrap-server", target.bootstrap()];
    let command = [&flags[..], &rest, &["--json", "-vv", "--log-format", "json"]].concat();

    let mut tally = Tally::default();
    while tally.kills() < kills {
        if tally.rounds > 0 {
            delete_all(&target);
        }
        round(&target, &command, kills, &mut random, &mut tally);
        let report = complete(&command, &mut tally);
        judge(from, &target, &report);
    }
    println!("{tally:?}");
    let twice = |(phase, _): &(&str, u64)| tally.killed.get(phase) >= Some(&2);
    assert!(kills < 2 * PHASES.len() || PHASES.iter().all(twice), "{tally:?}");
    // A kill may land a phase later than it was meant to.
    assert!(tally.killed.len() >= PHASES.len() - 2, "{tally:?}");
    assert!(tally.brokers > 0 && tally.resumed > 0, "{tally:?}");
    says_that_it_is_done(&command);
    println!("{:.0} s after the source was there", began.elapsed().as_secs_f32());
}

/// What became of the restores.
#[derive(Debug, Default)]
struct Tally {
    rounds: usize,
    /// By the last phase that was logged before the end.
    killed: BTreeMap<&'static str, usize>,
    /// Brokers that were killed.
    brokers: usize,
    /// Restores that said they went on.
    resumed: usize,
    attempts: usize,
}

impl Tally {
    fn kills(&self) -> usize {
        self.killed.values().sum()
    }
}

/// Kills in every phase, once or twice each.
fn round(target: &Cluster, command: &[&str], kills: usize, random: &mut Random, tally: &mut Tally) {
    let times = if kills < 2 * PHASES.len() { 1 } else { 2 };
    tally.rounds += 1;
    thread::scope(|scope| {
        for phase in PHASES {
            for _ in 0..times {
                let node = 1 + (random.below(3) as usize);
                let mut dead = false;
                let last = kill_in(phase, command, random, tally, || {
                    if phase.0 == "produce" {
                        target.kill(node).unwrap();
                        dead = true;
                    }
                });
                if dead {
                    tally.brokers += 1;
                    let back = scope.spawn(move || {
                        thread::sleep(DEAD);
                        target.restart(node).unwrap();
                    });
                    // The next attempt meets a dead broker at first; a second dead one would leave no majority.
                    if times > 1 {
                        back.join().unwrap();
                    }
                }
                println!("round {}, kill {}: {last}", tally.rounds, tally.kills());
            }
        }
    });
}

/// Starts the restore, and kills it once its log has come to the phase. What it logged last counts.
fn kill_in(
    (name, events): (&'static str, u64),
    command: &[&str],
    random: &mut Random,
    tally: &mut Tally,
    when_there: impl FnOnce(),
) -> &'static str {
    tally.attempts += 1;
    let memory = MEMORY[tally.attempts % MEMORY.len()];
    let mut run = Run::start(&[command, &["--memory", memory]].concat());
    if run.wait_for(name, 1) {
        when_there();
        run.wait_for(name, random.below(events));
        thread::sleep(Duration::from_millis(random.below(15)));
    }
    let last = run.kill();
    // Batches leave and maps are completed at the same time.
    let last = if last == Some("map") && name == "produce" { Some(name) } else { last };
    if let Some(last) = last {
        *tally.killed.entry(last).or_default() += 1;
    }
    last.unwrap_or("it was done already")
}

/// The same command, left alone.
fn complete(command: &[&str], tally: &mut Tally) -> Value {
    let began = Instant::now();
    let report = Ended::of(&ktape().args(command).output().unwrap()).exits(0).report();
    tally.resumed += usize::from(report["resumed"] == true);
    assert_eq!(report["incomplete"].as_array().map(Vec::len), Some(0), "{report:#}");
    println!("completed in {:.1} s", began.elapsed().as_secs_f32());
    report
}

fn judge(from: &Cluster, target: &Cluster, report: &Value) {
    let (from, to) = (from.tools(), target.tools());
    let read = || {
        let shown = from.read(LOADED, Isolation::ReadCommitted).unwrap();
        (shown, to.read(LOADED, Isolation::ReadUncommitted).unwrap())
    };
    let (mut shown, mut back) = read();
    // On a machine that is busy the consumer takes a pause for the end of the logs. What differs, differs again.
    for _ in 0..2 {
        if !shown.is_empty() && contents(&shown) == contents(&back) {
            break;
        }
        (shown, back) = read();
    }
    assert!(shown.len() > 100, "{}", shown.len());
    round_trip::assert_same_records(&shown, &back, Isolation::ReadUncommitted);
    round_trip::assert_groups_go_on(&from, &to, report);
    round_trip::assert_topics_are_as_they_were(&from, &to);
}

fn says_that_it_is_done(command: &[&str]) {
    let report = Ended::of(&ktape().args(command).output().unwrap()).exits(0).report();
    assert_eq!(report["was_finished"], true);
}

/// Then the same command begins anew.
fn delete_all(target: &Cluster) {
    let tools = target.tools();
    tools.admin(tools::TOPICS, &["--delete", "--topic", "(?!__).*"]).unwrap();
    let deadline = Instant::now() + DEADLINE;
    while !tools.admin(tools::TOPICS, &["--list", "--exclude-internal"]).unwrap().stdout.trim().is_empty() {
        assert!(Instant::now() < deadline, "topics are not deleted");
    }
}

/// A restore under way whose log is read as it comes.
struct Run {
    process: Child,
    events: Receiver<&'static str>,
    last: Option<&'static str>,
}

impl Run {
    fn start(command: &[&str]) -> Self {
        let mut process = ktape().args(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, events) = mpsc::channel();
        let stderr = process.stderr.take().unwrap();
        thread::spawn(move || read_events(stderr, &tell));
        Self { process, events, last: None }
    }

    /// Waits for so many events of a phase. False if it ended before, or is past it: an attempt before had done that.
    fn wait_for(&mut self, phase: &str, count: u64) -> bool {
        let mut seen = 0;
        while seen < count {
            match self.events.recv_timeout(DEADLINE) {
                Ok(event) => {
                    seen += u64::from(event == phase);
                    self.last = Some(event);
                    // Batches and maps come together; all else comes in order, so no more of this phase will come.
                    let together = |name: &str| if name == "map" { place("produce") } else { place(name) };
                    if together(event) > together(phase) {
                        return false;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => panic!("the restore hangs, last in its log: {:?}", self.last),
            }
        }
        true
    }

    /// SIGKILL. Gives the phase it had logged last, unless it was done already.
    fn kill(mut self) -> Option<&'static str> {
        self.process.kill().unwrap();
        let status = self.process.wait().unwrap();
        while let Ok(event) = self.events.recv() {
            self.last = Some(event);
        }
        if status.signal() == Some(9) {
            return self.last;
        }
        assert_eq!(status.code(), Some(0), "{}", self.ended());
        None
    }

    fn ended(self) -> String {
        let Output { status, stdout, .. } = self.process.wait_with_output().unwrap();
        format!("{status}\n{}", String::from_utf8_lossy(&stdout))
    }
}

fn place(phase: &str) -> Option<usize> {
    PHASES.iter().position(|(name, _)| *name == phase)
}

/// Sends the phase of every event that has one, until the process has ended. What it says to a person is shown.
fn read_events(stderr: ChildStderr, tell: &mpsc::Sender<&'static str>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let Ok(event) = serde_json::from_str::<Value>(&line) else {
            println!("{line}");
            continue;
        };
        let found = PHASES.iter().find(|(name, _)| event["phase"] == **name);
        if let Some((name, _)) = found {
            // Nobody listens any more once the process is killed.
            let _ = tell.send(name);
        }
    }
}
