//! `cargo soak`: backups of a cluster that is written to, for as long as asked, while their memory, descriptors and
//! threads are watched.
//!
//! ```text
//! cargo soak [--minutes N] [--every SECONDS]
//! ```
//!
//! Two things go on at once: a backup every few seconds into one repository, pruned and merged now and then, as a timer
//! would do it; and one long backup of another topic that a quota holds up, so that a single process lives as long as
//! the soak. It ends with code 1 if what a process needs grew, a backup was not complete, or `verify` finds damage.
#![expect(clippy::print_stdout, reason = "a program that shows what it measures")]

mod flags;
mod long;
mod runs;
mod samples;
mod session;
mod trend;

use std::process::ExitCode;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let outcome = flags::Flags::read(std::env::args().skip(1)).and_then(|flags| session::run(&flags));
    match outcome {
        Ok(faults) if faults.is_empty() => {
            println!("\nflat: memory, descriptors and threads did not grow, and every backup was complete");
            ExitCode::SUCCESS
        }
        Ok(faults) => {
            println!("\nnot flat:");
            for fault in faults {
                println!("  {fault}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("\nthe soak ended early: {error}");
            ExitCode::FAILURE
        }
    }
}
