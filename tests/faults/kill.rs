//! `kill -9` of a backup at any point: the same command completes, and nothing is lost, doubled or locked.
//!
//! A producer writes all the time. Again and again a backup is started and killed as soon as its log says that it has
//! come to a chosen phase; after every third kill the same command runs to its end, and the repository must be sound
//! and hold exactly the bytes of the leader's log.
//!
//! The same on a server, where that is named, over a way on which one request in twelve has a mishap.
//!
//! `KTAPE_KILLS` is the number of kills, 3 unless told. The long run hits every phase at least twice:
//!
//! ```text
//! KTAPE_KILLS=30 cargo test --test main faults::kill -- --nocapture
//! ```
//!
//! The seed is printed; `KTAPE_TEST_SEED` repeats it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use ktape::repository;
use protocol_tests::tools::{Launch, PERF_PRODUCER, RunningTool, TIMEOUT};
use serde_json::Value;

use super::{Repository, cluster, ktape};
use crate::not_run::not_run;
use crate::object_stores::plain_server;
use crate::object_stores::way::{one_in_twelve, way_to};

/// Far more than a run takes, on a machine that is also building.
const DEADLINE: Duration = Duration::from_secs(240);
/// Kills between two runs that may complete.
const ROUND: usize = 3;
/// Bytes of each record of the producer.
const RECORD: &str = "1000";

/// Where a backup is killed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Phase {
    /// Batches come in, and lie in files without a name.
    Fetch,
    /// A segment is written and gets its name.
    Publish,
    /// A segment has its name, and its seal is nowhere.
    Seal,
    /// Seals are written down for the next run.
    Record,
    /// Parts are written.
    Index,
    /// The head is written.
    Commit,
}

const PHASES: [Phase; 6] = [Phase::Fetch, Phase::Publish, Phase::Seal, Phase::Record, Phase::Index, Phase::Commit];

impl Phase {
    /// As events in the log name it.
    fn word(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Publish => "publish",
            Self::Seal => "seal",
            Self::Record => "record",
            Self::Index => "index",
            Self::Commit => "commit",
        }
    }

    /// How many events of this phase a small run has, roughly.
    fn events(self) -> u64 {
        match self {
            Self::Publish | Self::Seal => 5,
            Self::Fetch | Self::Record => 1,
            Self::Index => 2,
            Self::Commit => 3,
        }
    }
}

#[test]
fn a_backup_killed_at_any_point_goes_on_when_it_is_run_again() {
    kill_again_and_again("kill", "3000", &Repository::init(), kills(3), Random::new());
}

/// After each kill the next run waits for 15 seconds, until the lock is dead: few kills.
#[test]
fn a_backup_to_s3_killed_at_any_point_goes_on_while_requests_fail() {
    let Some((server, place)) = plain_server() else {
        return not_run("kill -9 of backups to an S3 server", "KTAPE_TEST_S3 with a plain endpoint");
    };
    let random = Random::new();
    let url = way_to(server, one_in_twelve(random.seed as u32));
    let repository = Repository::init_at(format!("{place}?endpoint={url}"));
    kill_again_and_again("s3kill", "300", &repository, kills(2), random);
}

fn kills(few: usize) -> usize {
    std::env::var("KTAPE_KILLS").map_or(few, |text| text.parse().unwrap())
}

/// Topics begin with the word; what grows does so by `rate` records a second.
fn kill_again_and_again(word: &str, rate: &str, repository: &Repository, kills: usize, mut random: Random) {
    println!("{kills} kills, KTAPE_TEST_SEED={}", random.seed);
    let broker = cluster().bootstrap();
    let (filled_topic, growing, all) = (format!("{word}-plain"), format!("{word}-live"), format!("{word}-*"));
    // Plain records that are there from the first, more than a run seals before it writes seals down; and transactions
    // that go on all the time.
    let filled = produce(&filled_topic, &["--num-records", "90000", "--throughput", "-1"], None);
    filled.finish(TIMEOUT).unwrap();
    let live = produce(&growing, &["--num-records", "100000000", "--throughput", rate], Some(word));
    let place = repository.place();
    let flags = ["--topics", &all, "--segment-bytes", "1MiB", "--json", "-vv", "--log-format", "json"];
    let command = [&["backup", "--repository", &place, "--bootstrap-server", broker], &flags[..]].concat();

    let mut tally = Tally::default();
    let mut plan = Vec::new();
    for number in 1..=kills {
        if plan.is_empty() {
            plan = random.shuffled(&PHASES);
        }
        let phase = plan.pop().unwrap();
        kill_in(phase, &command, &mut random, &mut tally);
        println!("kill {number} of {kills}: {}", phase.word());
        if number % ROUND == 0 && number != kills {
            complete(&command, repository, &mut tally);
            compare(repository, &[]);
        }
    }
    drop(live);
    // The same transactional id again: what was left open is aborted, and the log has an end.
    let last = produce(&growing, &["--num-records", "500", "--throughput", "-1"], Some(word));
    last.finish(TIMEOUT).unwrap();
    complete(&command, repository, &mut tally);
    let bytes = compare(repository, &[&filled_topic, &growing]);
    println!("{} MiB are the bytes of the leader's log; {tally:?}", bytes >> 20);
    assert!(kills < 2 * PHASES.len() || PHASES.iter().all(|phase| tally.killed.get(phase) >= Some(&2)), "{tally:?}");
}

/// What became of the backups.
#[derive(Debug, Default)]
struct Tally {
    /// By the last phase that was logged before the end.
    killed: BTreeMap<Phase, u32>,
    completed: u32,
    taken_over: u64,
    /// A killed run wrote down seals that no snapshot has taken in.
    recorded: bool,
}

impl Tally {
    fn kill(&mut self, phase: Phase, recorded: bool) {
        *self.killed.entry(phase).or_default() += 1;
        // Once it commits nobody can tell whether there is a snapshot now.
        self.recorded = phase != Phase::Commit && (self.recorded || recorded);
    }

    fn complete(&mut self, report: &Value) {
        let taken_over = report["taken_over_segments"].as_u64().unwrap();
        assert!(taken_over > 0 || !self.recorded, "what a killed run had recorded was not taken over: {report:#}");
        self.completed += 1;
        self.taken_over += taken_over;
        self.recorded = false;
    }
}

/// Kafka's own producer, on four partitions that it creates itself.
fn produce(topic: &str, how_many: &[&str], transactional_id: Option<&str>) -> RunningTool {
    let tools = cluster().tools();
    tools.load(&[&format!("topic:{topic}:4")]).unwrap();
    let mut args = vec!["--bootstrap-server", tools.bootstrap(), "--topic", topic, "--record-size", RECORD];
    args.extend(how_many);
    // Small batches, so that segments roll between many.
    args.extend(["--command-property", "batch.size=65536", "linger.ms=5"]);
    if let Some(id) = transactional_id {
        args.extend(["--transactional-id", id, "--transaction-duration-ms", "150"]);
    }
    tools.start(PERF_PRODUCER, &args, &Launch::default()).unwrap()
}

/// Starts backups until one is killed in `phase`: what it logged last tells.
fn kill_in(phase: Phase, command: &[&str], random: &mut Random, tally: &mut Tally) {
    let deadline = Instant::now() + DEADLINE;
    let mut nth = 1 + random.below(phase.events());
    while Instant::now() < deadline {
        let mut run = Run::start(command);
        if run.wait_for(phase, nth) && phase == Phase::Fetch {
            thread::sleep(Duration::from_millis(random.below(40)));
        }
        match run.kill() {
            End::Killed(last, recorded) => {
                tally.kill(last, recorded);
                if last == phase {
                    return;
                }
            }
            End::Completed(report) => tally.complete(&report),
        }
        // It had fewer events of this phase, or was too quick.
        nth = 1;
    }
    panic!("no backup could be killed in phase {} within {DEADLINE:?}: {tally:?}", phase.word());
}

/// The same command, left alone; then the repository must be sound.
fn complete(command: &[&str], repository: &Repository, tally: &mut Tally) {
    let began = Instant::now();
    let output = ktape().args(command).output().unwrap();
    let ended = super::Ended::of(&output).exits(0);
    let report = ended.report();
    assert!(report["snapshot"]["sequence"].as_u64().is_some(), "{report:#}");
    tally.complete(&report);
    let found = repository.verify().exits(0).report();
    let left: Vec<&Value> = found["left_overs"].as_array().unwrap().iter().map(|left| &left["kind"]).collect();
    assert!(!left.contains(&&Value::from("unknown")), "{found:#}");
    println!(
        "completed and verified in {:.1} s: snapshot {}, {} segments taken over, {} left over",
        began.elapsed().as_secs_f32(),
        report["snapshot"]["sequence"],
        report["taken_over_segments"],
        left.len()
    );
}

/// The newest snapshot's segments of every partition, one after the other, are how the leader's log begins, and all of
/// it in the topics that are `whole`. Gives the number of bytes compared.
fn compare(repository: &Repository, whole: &[&str]) -> usize {
    let opened = repository::Repository::open(&repository.place()).unwrap();
    let newest = opened.latest().unwrap().unwrap();
    assert!(newest.head.incomplete.is_empty(), "{:?}", newest.head.incomplete);
    let (mut bytes, mut partitions) = (0, 0);
    for topic in opened.topics(&newest.head).unwrap() {
        let topic = topic.unwrap();
        for partition in &topic.partitions {
            let seals = opened.seals(&partition.segments);
            let mut kept = Vec::new();
            for seal in seals {
                opened.read_plain(&seal.unwrap(), 0).unwrap().read_to_end(&mut kept).unwrap();
            }
            let log = log_of(topic.name.as_str(), partition.partition);
            let at = format!("{}-{}", topic.name, partition.partition);
            assert!(log.starts_with(&kept), "{at}: {} bytes are not the beginning of its log", kept.len());
            if whole.contains(&topic.name.as_str()) {
                assert_eq!(kept.len(), log.len(), "{at}: not the whole log");
            }
            assert_eq!((partition.next, &partition.missing[..]), (partition.fence, &[][..]), "{at}");
            bytes += kept.len();
            partitions += 1;
        }
    }
    assert_eq!(partitions, 8);
    bytes
}

fn log_of(topic: &str, partition: i32) -> Vec<u8> {
    let folder = cluster().replica_folder(1, topic, partition);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    files.iter().flat_map(|path| fs::read(path).unwrap()).collect()
}

/// A backup under way whose log is read as it comes.
struct Run {
    process: Child,
    events: Receiver<Phase>,
    last: Option<Phase>,
    recorded: bool,
}

/// How a backup ended.
enum End {
    /// In the phase it had logged last, and whether it had written seals down.
    Killed(Phase, bool),
    /// By itself, with its report.
    Completed(Value),
}

impl Run {
    fn start(command: &[&str]) -> Self {
        let mut process = ktape().args(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, events) = mpsc::channel();
        let stderr = process.stderr.take().unwrap();
        thread::spawn(move || read_events(stderr, &tell));
        Self { process, events, last: None, recorded: false }
    }

    /// Waits for the `nth` event of a phase. False if the run ended before.
    fn wait_for(&mut self, phase: Phase, nth: u64) -> bool {
        let mut seen = 0;
        while seen < nth {
            match self.events.recv_timeout(DEADLINE) {
                Ok(event) => {
                    seen += u64::from(event == phase);
                    self.note(event);
                }
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => panic!("the backup hangs, last in its log: {:?}", self.last),
            }
        }
        true
    }

    fn note(&mut self, event: Phase) {
        self.recorded |= event == Phase::Record;
        self.last = Some(event);
    }

    /// SIGKILL.
    fn kill(mut self) -> End {
        self.process.kill().unwrap();
        let status = self.process.wait().unwrap();
        // What it had logged when it died.
        while let Ok(event) = self.events.recv() {
            self.note(event);
        }
        if status.signal() == Some(9) {
            return End::Killed(self.last.unwrap_or(Phase::Fetch), self.recorded);
        }
        let output = self.process.wait_with_output().unwrap();
        End::Completed(super::Ended::of(&output).exits(0).report())
    }
}

/// Sends the phase of every event that has one, until the process has ended.
fn read_events(stderr: ChildStderr, tell: &mpsc::Sender<Phase>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
        let word = match (event["phase"].as_str(), event["message"].as_str()) {
            (Some(phase), _) => phase,
            (None, Some("fetching")) => Phase::Fetch.word(),
            _ => continue,
        };
        for phase in PHASES.into_iter().filter(|phase| phase.word() == word) {
            // Nobody listens any more once the process is killed.
            let _ = tell.send(phase);
        }
    }
}

/// `SplitMix64`: small, and the same on every machine.
pub(super) struct Random {
    pub(super) seed: u64,
    state: u64,
}

impl Random {
    pub(super) fn new() -> Self {
        let given = std::env::var("KTAPE_TEST_SEED").ok().map(|text| text.parse().unwrap());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Self::seeded(given.unwrap_or(now.as_micros() as u64))
    }

    pub(super) fn seeded(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn shuffled<T: Copy>(&mut self, all: &[T]) -> Vec<T> {
        let mut all = all.to_vec();
        for end in (1..all.len()).rev() {
            all.swap(end, self.below(end as u64 + 1) as usize);
        }
        all
    }
}
