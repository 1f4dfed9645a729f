//! The program as a process whose wall clock jumps between its runs and during them, ten years ahead or back, while a
//! cluster in memory is backed up, and its repository pruned, copied and restored. Whatever the clock does, nothing is lost
//! and nothing differs in silence.
//!
//! `KTAPE_CAMPAIGN` is the number of seeds, always other ones; without it there are ten, always the same.
//!
//! ```text
//! KTAPE_CAMPAIGN=100 cargo test --workspace --test main campaign::clock -- --nocapture
//! ```

pub mod jumps;
mod steps;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ktape::repository::Repository as Opened;
use protocol_tests::clock::Clock;
use protocol_tests::fake::{Fake, Random};

use self::jumps::DECADE;
use super::history::Moment;
use super::world::{Known, Tally};
use super::{Seeds, shape};
use crate::kafka::Repository;
use crate::kafka::watched::Watched;

/// Worlds at a time: a restore waits some seconds until it believes that what was there is gone.
const AT_ONCE: usize = 4;
/// Seconds that a run may take.
const SOON: u64 = 600;

#[test]
fn nothing_differs_in_silence_when_the_clock_jumps() {
    if jumps::are_possible() {
        Seeds::get("KTAPE_CAMPAIGN", 10).live(AT_ONCE, World::live);
    }
}

/// Else nothing here would mean anything.
#[test]
fn the_clock_of_a_run_is_moved_and_that_of_its_disk_if_wanted() {
    for of_disk in [false, true].into_iter().filter(|_| jumps::are_possible()) {
        let clock = Clock::make(of_disk).unwrap();
        let (source, repository) = (shape::source(&mut Random::new(1)), Repository::init());
        for (number, ahead) in (1..).zip([DECADE, -DECADE, 0]) {
            clock.set(ahead).unwrap();
            let run = Watched::start_by(Some(&clock), &repository, "backup", &["-b", &source.bootstrap()]);
            run.finish().exits(0);
            let head = open(&repository).head(number).unwrap().head;
            assert_about(head.committed.0 / 1_000, ahead);
            let file = repository.path().join(format!("snapshots/{number:010}.json"));
            let written = file.metadata().unwrap().modified().unwrap();
            let written = written.duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
            assert_about(written, if of_disk { ahead } else { 0 });
        }
    }
}

/// That a time in seconds is that of a clock which is so far ahead.
#[track_caller]
fn assert_about(time: i64, ahead: i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    assert!((now + ahead).abs_diff(time) < SOON, "{time} is not about {now} and {ahead}");
}

fn open(repository: &Repository) -> Opened {
    Opened::open(&repository.path().display().to_string()).unwrap()
}

/// A cluster in memory, its repository in a folder, a second one for copies, and a clock.
struct World {
    seed: u64,
    random: Random,
    clock: Clock,
    source: Arc<Fake>,
    repository: Repository,
    away: Repository,
    /// By number.
    known: BTreeMap<u64, Known>,
    tally: Tally,
}

impl World {
    /// From beginning to end; panics where something is not as it should be.
    fn live(seed: u64) -> Tally {
        let mut random = Random::new(seed);
        let clock = jumps::of_world(&mut random);
        let source = shape::source(&mut random);
        let (repository, away) = (Repository::init(), Repository::init());
        let (known, tally) = (BTreeMap::new(), Tally::default());
        let mut world = Self { seed, random, clock, source, repository, away, known, tally };
        for step in 0..5 + world.random.below(4) {
            let before = Moment::of(&world.source);
            // The others need something to work on.
            match if step == 0 { 7 } else { world.random.below(8) } {
                0 => world.prune(),
                1 => world.copy(),
                2 => world.kill_a_backup(&before),
                3 | 4 => world.prune_while_backing_up(&before),
                _ => world.back_up(&before),
            }
            shape::go_on(&world.source, &mut world.random);
        }
        world.restore();
        world.look();
        world.tally
    }
}
