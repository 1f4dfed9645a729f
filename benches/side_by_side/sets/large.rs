//! Batches of 10 MB: what they take of memory.

use ktape::batch::Codec;

use super::{HEAP, PARTITIONS, backups, restores};
use crate::Outcome;
use crate::common::records::Shape;
use crate::contender::{Measured, Row, Section};
use crate::flags::Flags;
use crate::goal::{Goal, Limit};
use crate::programs::Load;
use crate::rounds;
use crate::scene::Scene;

/// Batches of each partition.
const BATCHES: usize = 16;
const LARGE: Shape = Shape { value_bytes: 10_000_000, per_batch: 1, codec: Codec::None };

const BACKUP: &str = "ktape backup";
const RESTORE: &str = "ktape restore";

pub(super) fn run(flags: &Flags) -> Outcome<Vec<Measured>> {
    let scene = Scene::start(HEAP)?;
    let load = Load { partitions: PARTITIONS, batches: flags.size.of(BATCHES), shape: LARGE };
    let topic = scene.fill("large", load)?;
    let kept = restores::kept(&scene, &topic)?;
    let section = Section {
        title: format!("large: {} batches of 10 MB", topic.amount.records),
        contenders: vec![
            backups::backup(&scene, &topic, BACKUP),
            restores::restore(&scene, &topic, &kept, RESTORE),
            restores::reproduce(&scene, &topic, "bare re-produce"),
        ],
        missing: Vec::new(),
        goals: vec![
            Goal::plain("backup, peak MiB", Limit::AtMost(128.0), Row::peak_mib, BACKUP),
            Goal::plain("restore, peak MiB", Limit::AtMost(128.0), Row::peak_mib, RESTORE),
        ],
    };
    Ok(vec![rounds::run(section, flags.rounds)?])
}
