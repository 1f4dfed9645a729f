//! How far from right the wall clock of a run is, and when that changes.

use std::thread;
use std::time::Duration;

use protocol_tests::clock::Clock;
use protocol_tests::fake::Random;

use crate::not_run::not_run;

const HOUR: i64 = 3_600;
const MONTH: i64 = 30 * 24 * HOUR;
pub const DECADE: i64 = 3_652 * 24 * HOUR;
/// Seconds that it is ahead.
const AHEAD: [i64; 7] = [0, HOUR, -HOUR, MONTH, -MONTH, DECADE, -DECADE];

/// Whether the program heeds a clock that is moved; else that is said.
pub fn are_possible() -> bool {
    let possible = !cfg!(target_env = "musl") && std::env::var_os("KTAPE_STATIC_BINARY").is_none();
    if !possible {
        not_run("jumps of the clock", "a program that is not static");
    }
    possible
}

/// A clock for a world. Every other disk has it too.
pub fn of_world(random: &mut Random) -> Clock {
    Clock::make(random.once_in(2)).unwrap()
}

/// What the clock does during one run: seconds ahead at first, and after a while.
#[derive(Debug)]
pub struct Jumps {
    pub first: i64,
    pub later: Option<(Duration, i64)>,
}

impl Jumps {
    /// A jump during the run, if there is one, is within so many milliseconds.
    pub fn plan(random: &mut Random, within: u64) -> Self {
        let first = ahead(random);
        let later = random.once_in(2).then(|| (Duration::from_millis(random.below(within)), ahead(random)));
        Self { first, later }
    }

    /// Before the run starts.
    pub fn begin(&self, clock: &Clock) {
        clock.set(self.first).unwrap();
    }

    /// While it runs.
    pub fn happen(&self, clock: &Clock) {
        if let Some((when, ahead)) = self.later {
            thread::sleep(when);
            clock.set(ahead).unwrap();
        }
    }
}

pub fn ahead(random: &mut Random) -> i64 {
    *random.pick(&AHEAD).unwrap()
}
