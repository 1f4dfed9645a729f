//! `cargo quickstart`: a real Kafka broker is filled, backed up, emptied and restored, before your eyes.
#![expect(clippy::print_stdout, reason = "a program that shows what it does")]

mod compare;
mod narrator;
mod session;

use std::process::ExitCode;
use std::time::Instant;

use protocol_tests::prerequisites;

fn main() -> ExitCode {
    let begin = Instant::now();
    println!("ktape quick start: a real Kafka broker, backed up, emptied, and brought back.\n");
    let outcome = prerequisites::check_with_compiler().map_err(Into::into).and_then(|()| session::run());
    match outcome {
        Ok(()) => {
            println!("\nAll of it took {} s.", begin.elapsed().as_secs());
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("\nThe quick start ended early: {error}");
            ExitCode::FAILURE
        }
    }
}
