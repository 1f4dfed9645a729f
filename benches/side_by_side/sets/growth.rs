//! Twice the data.

use super::{HEAP, PARTITIONS, PLAIN, backups, restores};
use crate::Outcome;
use crate::contender::{Measured, Row, Section};
use crate::flags::Flags;
use crate::goal::{Goal, Limit};
use crate::programs::Load;
use crate::rounds;
use crate::scene::Scene;

/// Batches of each partition, once.
const BATCHES: usize = 128;

const ONCE: &str = "ktape backup";
const TWICE: &str = "ktape backup of twice as much";
const BACK_ONCE: &str = "ktape restore";
const BACK_TWICE: &str = "ktape restore of twice as much";

pub(super) fn run(flags: &Flags) -> Outcome<Vec<Measured>> {
    let scene = Scene::start(HEAP)?;
    let batches = flags.size.of(BATCHES);
    let load = |batches| Load { partitions: PARTITIONS, batches, shape: PLAIN };
    let (once, twice) = (scene.fill("once", load(batches))?, scene.fill("twice", load(batches * 2))?);
    let (kept_once, kept_twice) = (restores::kept(&scene, &once)?, restores::kept(&scene, &twice)?);
    let section = Section {
        title: format!("growth: {} MiB, and twice as much", once.amount.bytes >> 20),
        contenders: vec![
            backups::backup(&scene, &once, ONCE),
            backups::backup(&scene, &twice, TWICE),
            restores::restore(&scene, &once, &kept_once, BACK_ONCE),
            restores::restore(&scene, &twice, &kept_twice, BACK_TWICE),
        ],
        missing: Vec::new(),
        goals: vec![
            Goal::ratio("backup of twice as much over once: time", Limit::AtMost(2.1), Row::wall, TWICE, &[ONCE]),
            Goal::ratio(
                "restore of twice as much over once: time",
                Limit::AtMost(2.1),
                Row::wall,
                BACK_TWICE,
                &[BACK_ONCE],
            ),
        ],
    };
    Ok(vec![rounds::run(section, flags.rounds)?])
}
