//! The table, in Markdown.

use std::fmt::Write as _;

use crate::common::spread::Spread;
use crate::contender::{Measured, Row};
use crate::flags::Flags;
use crate::machine;
use crate::size::Size;

/// All sections, each with its rows and its goals.
pub(crate) fn of(flags: &Flags, sections: &[Measured]) -> String {
    let mut text =
        format!("\nsize {}, {} rounds, medians (least..most); {}\n", flags.size.name(), flags.rounds, machine::line());
    for section in sections {
        let _ = write!(text, "\n### {}\n\n", section.title);
        text += &rows(section);
        // A few MiB are over before anything has come up to speed.
        if flags.size != Size::Small && !section.verdicts.is_empty() {
            text += "\n";
            text += &goals(section);
        }
        for note in &section.notes {
            let _ = writeln!(text, "\n{note}");
        }
    }
    text
}

fn rows(section: &Measured) -> String {
    let mut text = String::from("| contender | wall s | CPU s | CPU s/GiB | MiB/s | 1,000 records/s | peak MiB |\n");
    text += "|---|---|---|---|---|---|---|\n";
    for row in &section.rows {
        let _ = writeln!(text, "| {} | {} |", row.name, cells(row).join(" | "));
    }
    for (name, why) in &section.missing {
        let _ = writeln!(text, "| {name} | missing: {why} | | | | | |");
    }
    text
}

fn cells(row: &Row) -> [String; 6] {
    [row.wall(), row.cpu(), row.cpu_per_gib(), row.mib_per_second(), row.kilo_records_per_second(), row.peak_mib()]
        .map(|spread| spread.as_ref().map_or_else(|| "-".to_owned(), Spread::shown))
}

fn goals(section: &Measured) -> String {
    let mut text = String::from("| goal | limit | measured | |\n|---|---|---|---|\n");
    for verdict in &section.verdicts {
        let value = verdict.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        let word = verdict.reached().map_or("not measured", |reached| if reached { "reached" } else { "missed" });
        let _ = writeln!(text, "| {} | {} | {value} | {word} |", verdict.what, verdict.limit());
    }
    text
}
