//! Repositories with a long past: does a run cost what it did in the beginning?

use std::time::Instant;

use ktape::batch::Codec;

use super::{HEAP, PARTITIONS};
use crate::Outcome;
use crate::common::records::Shape;
use crate::contender::{Amount, Contender, Measured, Row, Section};
use crate::flags::Flags;
use crate::goal::{Goal, Limit};
use crate::ktape_runs::{Ktape, complete};
use crate::measure::Used;
use crate::programs::Load;
use crate::rounds;
use crate::scene::Scene;

/// Runs of a long past.
const PAST: usize = 1000;
/// A little data: one batch for each partition.
const LITTLE: Load =
    Load { partitions: PARTITIONS, batches: 1, shape: Shape { value_bytes: 100, per_batch: 10, codec: Codec::None } };

const SECOND: &str = "the 2nd run";
const THOUSANDTH: &str = "a run after the last of many";
/// What "costs the same" may mean, given what single runs differ by.
const SAME: f64 = 1.5;

/// Nothing changes between the runs.
pub(super) fn snapshots(flags: &Flags) -> Outcome<Vec<Measured>> {
    run(flags, "snapshots", "of what does not change", |_, _| Ok(()))
}

/// A little is added before each run.
pub(super) fn runs(flags: &Flags) -> Outcome<Vec<Measured>> {
    run(flags, "runs", "with a little new data each", |scene, topic| scene.add(topic, LITTLE))
}

fn run(flags: &Flags, name: &str, what: &str, between: impl Fn(&Scene, &str) -> Outcome<()>) -> Outcome<Vec<Measured>> {
    let scene = Scene::start(HEAP)?;
    let past = flags.size.of(PAST);
    let topics = ["new", "old"].map(|age| format!("{name}-{age}"));
    let [new, old] = &topics;
    for topic in &topics {
        scene.fill(topic, LITTLE)?;
    }
    let ktape = Ktape::init(scene.bootstrap(), scene.folder(), "old")?;
    let begun = Instant::now();
    for _ in 0..past {
        between(&scene, old)?;
        backup(&ktape, old)?;
    }
    let past_took = begun.elapsed();
    let section = Section {
        title: format!("`{name}`: {past} runs {what}"),
        contenders: vec![
            Contender::new(SECOND, Amount::default(), |_| {
                let ktape = Ktape::init(scene.bootstrap(), scene.folder(), "new")?;
                backup(&ktape, new)?;
                between(&scene, new)?;
                let used = backup(&ktape, new)?;
                ktape.remove()?;
                Ok(used)
            }),
            Contender::new(THOUSANDTH, Amount::default(), |_| {
                between(&scene, old)?;
                backup(&ktape, old)
            }),
        ],
        missing: Vec::new(),
        goals: vec![
            Goal::ratio("time over that of the 2nd", Limit::AtMost(SAME), Row::wall, THOUSANDTH, &[SECOND]),
            Goal::ratio("CPU over that of the 2nd", Limit::AtMost(SAME), Row::cpu, THOUSANDTH, &[SECOND]),
        ],
    };
    let mut measured = rounds::run(section, flags.rounds)?;
    let (files, bytes) = ktape.stored()?;
    let each = files as f64 / PARTITIONS as f64;
    measured.notes.push(format!(
        "In the end {files} segments, {each:.0} for each partition, of {bytes} bytes; the past took {:.0} s.",
        past_took.as_secs_f64()
    ));
    Ok(vec![measured])
}

fn backup(ktape: &Ktape, topic: &str) -> Outcome<Used> {
    rustix::fs::sync();
    let (used, report) = ktape.backup(topic)?;
    complete(&report)?;
    Ok(used)
}
