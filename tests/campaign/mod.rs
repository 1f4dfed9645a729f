//! Random faults while a cluster is backed up, and its repository pruned, copied and restored. Whatever happens, what is
//! there in the end is what was there before, or is reported as incomplete by name: never different in silence.
//!
//! `KTAPE_CAMPAIGN` is the number of seeds, always other ones; without it there are a hundred, always the same.
//! `KTAPE_TEST_SEED` repeats one. Faults strike by the number of a request, so a world is nearly the same each time:
//!
//! ```text
//! KTAPE_CAMPAIGN=2000 cargo test --workspace --test main campaign:: -- --nocapture
//! ```
//!
//! A seed is a world: an in-memory cluster that follows Kafka's rules and a repository in memory. The judge of what was
//! taken and brought back is the cluster's own codec, not ktape's.

mod captured;
mod faults;
mod history;
mod judge;
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

#[test]
fn nothing_ever_differs_in_silence() {
    let variable = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64;
    let repeated = variable("KTAPE_TEST_SEED");
    let many = variable("KTAPE_CAMPAIGN");
    let first = repeated.unwrap_or(if many.is_some() { since_1970 } else { 1 });
    let seeds = if repeated.is_some() { 1 } else { many.unwrap_or(100) };
    if repeated.is_some() {
        // As RUST_LOG has it.
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).try_init();
    }
    println!("{seeds} worlds from KTAPE_TEST_SEED={first}");
    let (next, failed, tally) = (AtomicU64::new(0), Mutex::new(Vec::new()), Mutex::new(Tally::default()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = first + next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        break;
                    }
                    if let Ok(lived) = catch_unwind(AssertUnwindSafe(|| World::live(seed))) {
                        tally.lock().unwrap().add(&lived);
                    } else {
                        println!("KTAPE_TEST_SEED={seed} differs");
                        failed.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    println!("{:#?}", tally.lock().unwrap());
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {seeds} worlds differ: KTAPE_TEST_SEED={failed:?}", failed.len());
}
