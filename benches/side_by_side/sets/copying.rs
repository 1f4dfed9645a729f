//! Sets that are copied out of the cluster and back: a backup half and a restore half over the same topic.

use super::{HEAP, PARTITIONS, backups, restores};
use crate::Outcome;
use crate::common::records::Shape;
use crate::contender::Measured;
use crate::flags::Flags;
use crate::programs::Load;
use crate::rounds;
use crate::scene::Scene;

pub(super) fn run(flags: &Flags, name: &str, what: &str, shape: Shape, batches: usize) -> Outcome<Vec<Measured>> {
    let scene = Scene::start(HEAP)?;
    let topic = scene.fill(name, Load { partitions: PARTITIONS, batches: flags.size.of(batches), shape })?;
    let mib = topic.amount.bytes >> 20;
    let mut backup = backups::section(&scene, &topic);
    backup.title = format!("backup of `{name}`: {mib} MiB of {what}");
    let mut measured = vec![rounds::run(backup, flags.rounds)?];
    let kept = restores::kept(&scene, &topic)?;
    let mut restore = restores::section(&scene, &topic, &kept);
    restore.title = format!("restore of `{name}`: {mib} MiB of {what}");
    measured.push(rounds::run(restore, flags.rounds)?);
    Ok(measured)
}
