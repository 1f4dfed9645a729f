//! Random faults while a cluster is backed up, and its repository pruned, copied and restored. Whatever happens, what is
//! there in the end is what was there before, or is reported as incomplete by name: never different in silence.
//!
//! `KTAPE_CAMPAIGN` is the number of seeds, always other ones; without it there are a hundred, always the same.
//! `KTAPE_TEST_SEED` repeats one. Faults strike by the number of a request, so a world is nearly the same each time:
//!
//! ```text
//! KTAPE_CAMPAIGN=2000 cargo test --workspace --test main campaign::nothing -- --nocapture
//! ```
//!
//! A seed is a world: an in-memory cluster that follows Kafka's rules and a repository in memory. The judge of what was
//! taken and brought back is the cluster's own codec, not ktape's. [`real`] has the same on real brokers, whose logs are
//! read from their disks; in [`clock`] the program's wall clock jumps.

mod captured;
mod clock;
mod faults;
mod history;
mod judge;
mod real;
mod restored;
mod shape;
mod steps;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use self::world::{Tally, World};

/// Worlds at a time: most of the time goes into waiting for brokers that hang.
const AT_ONCE: usize = 4;

/// What is lived through: one seed after the other.
struct Seeds {
    first: u64,
    count: u64,
}

impl Seeds {
    /// As many as a variable says, always other ones; else always the same ones.
    fn get(count: &str, otherwise: u64) -> Self {
        let variable = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64;
        let seeds = match (variable("KTAPE_TEST_SEED"), variable(count)) {
            (Some(first), _) => {
                // As RUST_LOG has it.
                let filter = tracing_subscriber::EnvFilter::from_default_env();
                let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).try_init();
                Self { first, count: 1 }
            }
            (None, Some(count)) => Self { first: since_1970, count },
            (None, None) => Self { first: 1, count: otherwise },
        };
        println!("{} worlds from KTAPE_TEST_SEED={}", seeds.count, seeds.first);
        seeds
    }

    /// Lives them through, some at a time, and says which differ.
    fn live(&self, at_once: usize, live: impl Fn(u64) -> Tally + Sync) {
        let (next, failed, tally) = (AtomicU64::new(0), Mutex::new(Vec::new()), Mutex::new(Tally::default()));
        let one_after_another = || {
            loop {
                let seed = self.first + next.fetch_add(1, Ordering::Relaxed);
                if seed >= self.first + self.count {
                    break;
                }
                if let Ok(lived) = catch_unwind(AssertUnwindSafe(|| live(seed))) {
                    tally.lock().unwrap().add(&lived);
                } else {
                    println!("KTAPE_TEST_SEED={seed} differs");
                    failed.lock().unwrap().push(seed);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(one_after_another);
            }
        });
        println!("{:#?}", tally.lock().unwrap());
        let failed = failed.into_inner().unwrap();
        assert!(failed.is_empty(), "{} of {} worlds differ: KTAPE_TEST_SEED={failed:?}", failed.len(), self.count);
    }
}

#[test]
fn nothing_ever_differs_in_silence() {
    Seeds::get("KTAPE_CAMPAIGN", 100).live(AT_ONCE, World::live);
}
