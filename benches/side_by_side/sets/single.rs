//! Batches of one record, against the same records in large batches.

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

/// Records of a large batch, which is just below 1 MiB.
const TOGETHER: usize = 9000;
/// Large batches of each partition.
const BATCHES: usize = 14;

const SINGLE: &str = "ktape restore, one-record batches";
const PACKED: &str = "ktape restore, large batches";

pub(super) fn run(flags: &Flags) -> Outcome<Vec<Measured>> {
    let scene = Scene::start(HEAP)?;
    let batches = flags.size.of(BATCHES);
    let shape = |per_batch| Shape { value_bytes: 100, per_batch, codec: Codec::None };
    let single = Load { partitions: PARTITIONS, batches: batches * TOGETHER, shape: shape(1) };
    let packed = Load { partitions: PARTITIONS, batches, shape: shape(TOGETHER) };
    let (single, packed) = (scene.fill("single", single)?, scene.fill("packed", packed)?);

    let mut backup = backups::section(&scene, &single);
    backup.title = format!("backup of `single`: {} batches of one record of 100 bytes", single.amount.records);
    let mut measured = vec![rounds::run(backup, flags.rounds)?];

    let (kept, kept_packed) = (restores::kept(&scene, &single)?, restores::kept(&scene, &packed)?);
    let restore = Section {
        title: format!("restore of `single`: {} records of 100 bytes", single.amount.records),
        contenders: vec![
            restores::restore(&scene, &single, &kept, SINGLE),
            restores::restore(&scene, &packed, &kept_packed, PACKED),
            restores::reproduce(&scene, &single, "bare re-produce, one-record batches"),
            restores::reproduce(&scene, &packed, "bare re-produce, large batches"),
        ],
        missing: Vec::new(),
        goals: vec![Goal::ratio(
            "records/s over those of the same records in large batches",
            Limit::AtLeast(0.5),
            Row::kilo_records_per_second,
            SINGLE,
            &[PACKED],
        )],
    };
    measured.push(rounds::run(restore, flags.rounds)?);
    Ok(measured)
}
