//! `kill -9` and failing requests while a repository is pruned, merged and copied: whatever happens, `verify` passes
//! and no snapshot that is there has lost a byte.
//!
//! `KTAPE_KILLS` is the number of kills of each verb and place, 2 unless told:
//!
//! ```text
//! KTAPE_KILLS=50 cargo test --test main faults::kept -- --nocapture
//! ```
//!
//! The seed is printed; `KTAPE_TEST_SEED` repeats it. The tests on S3 need a server, see `store_contract`.

mod copy;
mod flaky;
mod prune;
mod saved;
mod spot;
mod struck;

use self::flaky::Fate;
use self::spot::Spot;
use super::kill::Random;
use super::{Ended, run};

/// Kills in a row before the command is left alone: in a bucket each waits until the lock of the one before is dead.
fn row(spot: &Spot) -> u64 {
    if matches!(spot, Spot::Folder(_)) { 3 } else { 1 }
}

fn kills() -> usize {
    std::env::var("KTAPE_KILLS").map_or(2, |text| text.parse().unwrap())
}

/// One request of eight is lost in some way; the one at `end` and all after it are refused.
fn lossy(seed: u64, end: u64) -> impl FnMut(u64) -> Fate + Send + 'static {
    let mut random = Random::seeded(seed);
    move |nth| match random.below(24) {
        _ if nth >= end => Fate::Refuse,
        0 => Fate::Cut,
        1 => Fate::LoseAnswer,
        2 => Fate::Busy,
        _ => Fate::Pass,
    }
}

fn run_all(command: &[String]) -> Ended {
    run(&command.iter().map(String::as_str).collect::<Vec<_>>())
}
