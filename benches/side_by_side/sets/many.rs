//! Many nearly empty partitions: the first backup, and one with nothing new.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use ktape::batch::Codec;
use tempfile::TempDir;

use crate::Outcome;
use crate::common::records::Shape;
use crate::contender::{Amount, Contender, Measured, Row, Section};
use crate::flags::Flags;
use crate::goal::{Goal, Limit};
use crate::ktape_runs::{Ktape, complete};
use crate::measure::Used;
use crate::programs::{self, Load};
use crate::rounds;
use crate::scene::{Scene, expect};

/// Partitions of each topic; a controller makes no more in one request.
const EACH: usize = 1000;
const ON_KAFKA: usize = 10_000;
const ON_FAKE: usize = 100_000;
/// Heap of a broker with so many partitions, in MiB.
const HEAP: u32 = 2048;

const FIRST: &str = "ktape backup, the first";
const NOTHING_NEW: &str = "ktape backup, nothing new";

/// On a real broker.
pub(super) fn run(flags: &Flags) -> Outcome<Vec<Measured>> {
    let scene = Scene::start(HEAP)?;
    let partitions = flags.size.of(ON_KAFKA);
    let shape = Shape { value_bytes: 100, per_batch: 1, codec: Codec::None };
    for first in (0..partitions).step_by(EACH) {
        let load = Load { partitions: EACH.min(partitions - first), batches: 1, shape };
        scene.fill(&format!("many-{first:06}"), load)?;
    }
    let kept = Ktape::init(scene.bootstrap(), scene.folder(), "kept")?;
    first(&kept, partitions)?;
    let first = Contender::new(FIRST, records(partitions), |_| {
        let ktape = Ktape::init(scene.bootstrap(), scene.folder(), "first")?;
        let used = first(&ktape, partitions)?;
        ktape.remove()?;
        Ok(used)
    });
    let second = Contender::new(NOTHING_NEW, Amount::default(), |_| nothing_new(&kept, partitions));
    let section = Section {
        title: format!("`many`: {partitions} nearly empty partitions on one broker"),
        contenders: vec![first, second],
        missing: Vec::new(),
        goals: vec![
            Goal::plain("nothing new: seconds", Limit::AtMost(5.0), Row::wall, NOTHING_NEW),
            Goal::plain("first backup: peak MiB", Limit::AtMost(256.0), Row::peak_mib, FIRST),
            Goal::plain("nothing new: peak MiB", Limit::AtMost(256.0), Row::peak_mib, NOTHING_NEW),
        ],
    };
    Ok(vec![rounds::run(section, flags.rounds)?])
}

/// On the cluster in memory; the first backup only once.
pub(super) fn run_on_fake(flags: &Flags) -> Outcome<Vec<Measured>> {
    let folder = TempDir::with_prefix("ktape-bench-")?;
    let partitions = flags.size.of(ON_FAKE);
    let fake = Fake::start(partitions)?;
    let ktape = Ktape::init(&fake.bootstrap, folder.path(), "kept")?;
    let first = first(&ktape, partitions)?;
    let section = Section {
        title: format!("`fake`: {partitions} nearly empty partitions on the cluster in memory"),
        contenders: vec![Contender::new(NOTHING_NEW, Amount::default(), |_| nothing_new(&ktape, partitions))],
        missing: Vec::new(),
        goals: vec![Goal::plain("nothing new: seconds", Limit::AtMost(5.0), Row::wall, NOTHING_NEW)],
    };
    let mut measured = rounds::run(section, flags.rounds)?;
    measured.rows.insert(0, Row { name: FIRST, amount: records(partitions), samples: vec![first] });
    Ok(vec![measured])
}

fn first(ktape: &Ktape, partitions: usize) -> Outcome<Used> {
    rustix::fs::sync();
    let (used, report) = ktape.backup("many-*")?;
    complete(&report)?;
    expect("segments", ktape.stored()?.0, partitions as u64)?;
    Ok(used)
}

fn nothing_new(ktape: &Ktape, partitions: usize) -> Outcome<Used> {
    rustix::fs::sync();
    let (used, report) = ktape.backup("many-*")?;
    complete(&report)?;
    expect("fetched bytes", report["fetched_bytes"].as_u64().unwrap_or(1), 0)?;
    expect("partitions", report["totals"]["partitions"].as_u64().unwrap_or_default(), partitions as u64)?;
    Ok(used)
}

fn records(partitions: usize) -> Amount {
    Amount { bytes: 0, records: partitions as u64 }
}

/// The program with the cluster in memory; it ends when its standard input does.
struct Fake {
    process: Child,
    bootstrap: String,
}

impl Fake {
    fn start(partitions: usize) -> Outcome<Self> {
        let mut command = programs::command("fake", &[partitions.to_string()])?;
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let said: serde_json::Value = serde_json::from_str(&line)?;
        let bootstrap = said["bootstrap"].as_str().ok_or("the cluster in memory did not say where it is")?.to_owned();
        Ok(Self { process, bootstrap })
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
