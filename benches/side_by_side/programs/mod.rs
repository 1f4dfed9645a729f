//! The small programs: this binary again, with [`WORD`] first. Each prints one line of JSON about what it did.

mod admin;
mod clock;
mod digest;
mod fake;
mod link;
mod load;
mod output;
mod reproduce;
mod segments;
mod sender;
mod sink;

use std::process::Command;

use serde_json::Value;

use crate::Outcome;

/// The first argument of a program.
pub(crate) const WORD: &str = "program";

/// A command that runs one of the programs.
pub(crate) fn command<S: AsRef<str>>(name: &str, args: &[S]) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([WORD, name]).args(args.iter().map(AsRef::as_ref));
    Ok(command)
}

/// Runs the program that the arguments name.
pub(crate) fn run(args: &[String]) -> Outcome<()> {
    let (name, args) = args.split_first().ok_or("which program?")?;
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = match (name.as_str(), args.as_slice()) {
        ("create", [address, topic, partitions]) => admin::create(address, topic, partitions.parse()?)?,
        ("group", [address, topic]) => admin::group(address, topic)?,
        ("delete", [address, topic]) => admin::delete(address, topic)?,
        ("ends", [address, topic]) => admin::ends(address, topic)?,
        ("load", [address, topic, load]) => load::run(address, topic, &load.parse()?)?,
        (way @ ("sink" | "sink-synced" | "sink-direct"), [address, topic, partitions, file]) => {
            let way = match way {
                "sink" => output::Way::Cached,
                "sink-synced" => output::Way::Synced,
                _ => output::Way::Direct,
            };
            sink::run(address, topic, partitions.parse()?, file, way)?
        }
        ("reproduce", [address, topic, folders @ ..]) => reproduce::run(address, topic, folders)?,
        ("digest", files) if !files.is_empty() => digest::run(files)?,
        ("fake", [partitions]) => return fake::run(partitions.parse()?),
        _ => return Err(format!("no program {name} with {} arguments", args.len()).into()),
    };
    say(&said);
    Ok(())
}

fn say(what: &Value) {
    println!("{what}");
}

pub(crate) use load::Load;
pub(crate) use output::direct;
pub(crate) use segments::of as segments_of;
