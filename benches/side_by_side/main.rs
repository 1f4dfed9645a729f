//! `cargo bench --bench side_by_side`: ktape beside what else moves the same bytes, on one real broker in one run.
//!
//! ```text
//! cargo bench --bench side_by_side -- [--sets plain,lz4] [--rounds 7] [--size small|medium|full] [--json FILE]
//! ```
//!
//! Each contender is a process of its own over the same bytes; wall time is taken around it, CPU time and peak memory
//! are the kernel's count of it. Rounds are interleaved: the first of all contenders, the second of all, and so on. What
//! a contender brought is looked at after each round, so that one that did nothing cannot win. What is not installed is
//! named as missing. The small programs that stand for the least work possible are this binary, run again
//! ([`programs`]).
//!
//! Brokers, repositories and copies lie in the folder of temporary files, which `TMPDIR` names.
//!
//! Under `cargo test` it runs once over a few MiB, which shows that it works, and nothing about speed.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that shows what it measures")]

#[path = "../common/mod.rs"]
mod common;

mod contender;
mod flags;
mod goal;
mod json;
mod kafka_tools;
mod ktape_runs;
mod machine;
mod measure;
mod programs;
mod rounds;
mod scene;
mod sets;
mod size;
mod table;

use std::process::ExitCode;

use flags::{Asked, Flags};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.split_first() {
        Some((first, rest)) if first == programs::WORD => programs::run(rest),
        _ => Asked::read(&args).and_then(|asked| match asked {
            Asked::Nothing => {
                nothing();
                Ok(())
            }
            Asked::Smoke => smoke(),
            Asked::Measure(flags) => measure(&flags).map(drop),
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("side_by_side: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the sets, prints the table and writes the JSON; gives how many contenders ran.
fn measure(flags: &Flags) -> Outcome<usize> {
    let mut sections = Vec::new();
    for set in &flags.sets {
        sections.extend(set.run(flags)?);
    }
    println!("{}", table::of(flags, &sections));
    if let Some(path) = &flags.json {
        std::fs::write(path, serde_json::to_string_pretty(&json::of(flags, &sections))? + "\n")?;
    }
    Ok(sections.iter().map(|section| section.rows.len()).sum())
}

/// What `cargo test` wants: once over a little, and a line that the test runner's readers know.
fn smoke() -> Outcome<()> {
    println!("\nrunning 1 test");
    let ran = measure(&Flags::smoke())?;
    println!("test side_by_side::{ran}_contenders_brought_what_they_should ... ok\n");
    println!("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
    Ok(())
}

fn nothing() {
    println!("\nrunning 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out");
}
