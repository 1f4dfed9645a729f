//! `cargo bench --bench micro`: what every byte passes, as ratios to the bare work in the same run.
//!
//! ```text
//! cargo bench --bench micro -- [--rounds 15] [--json FILE]
//! ```
//!
//! All cases go over the same few batches, about as many bytes as a fetch brings. Rounds are interleaved: whatever the
//! machine does meanwhile happens to all cases.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that shows what it measures")]

#[path = "../common/mod.rs"]
mod common;

mod bare;
mod batches;
mod case;
mod segment;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;

use case::{Case, Timed};
use common::spread::Spread;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Rounds that a median is worth.
const ROUNDS: usize = 15;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("micro: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let (mut rounds, mut json) = (ROUNDS, None);
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(flag) = args.next() {
        let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--rounds" => rounds = value.parse().ok().filter(|rounds| *rounds > 0).ok_or("--rounds: a number")?,
            "--json" => json = Some(value),
            _ => return Err(format!("no flag {flag}; there are --rounds and --json").into()),
        }
    }
    let timed = measure(rounds)?;
    println!("{}", table(&timed));
    if let Some(path) = json {
        std::fs::write(path, serde_json::to_string_pretty(&document(&timed))? + "\n")?;
    }
    Ok(())
}

fn measure(rounds: usize) -> Outcome<Vec<Timed>> {
    let folder = tempfile::TempDir::with_prefix("ktape-bench-")?;
    let mut cases: Vec<Case> = Vec::new();
    cases.extend(bare::cases(&folder.path().join("bare"))?);
    cases.extend(batches::cases()?);
    cases.push(segment::case(&folder.path().join("repository"))?);
    let mut samples = vec![Vec::with_capacity(rounds); cases.len()];
    // One more in front, so that all pages are there and all files were made once.
    for round in 0..=rounds {
        for (case, samples) in cases.iter_mut().zip(&mut samples) {
            let begun = Instant::now();
            (case.work)()?;
            if round > 0 {
                samples.push(begun.elapsed().as_secs_f64());
            }
        }
    }
    let spreads = samples.into_iter().map(|samples| Spread::of(samples).ok_or("no rounds"));
    let timed = cases.iter().zip(spreads).map(|(case, seconds)| Ok(Timed::new(case, seconds?)));
    timed.collect()
}

fn table(timed: &[Timed]) -> String {
    let mut text = String::from("| case | MiB/s | time, as a multiple of |\n|---|---|---|\n");
    for case in timed {
        let ratio = case.ratio(timed).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2} x ({})", case.over()));
        let _ = writeln!(text, "| {} | {} | {ratio} |", case.name, case.mib_per_second().shown());
    }
    text
}

fn document(timed: &[Timed]) -> serde_json::Value {
    let cases = timed.iter().map(|case| {
        json!({
            "case": case.name,
            "mib_per_s": case.mib_per_second().json(),
            "over": case.over,
            "ratio": case.ratio(timed),
        })
    });
    json!({ "version": 1, "cases": cases.collect::<Vec<_>>() })
}
