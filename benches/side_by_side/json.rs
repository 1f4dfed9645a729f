//! The same figures for programs.

use serde_json::{Value, json};

use crate::common::spread::Spread;
use crate::contender::{Measured, Row};
use crate::flags::Flags;
use crate::goal::Verdict;
use crate::machine;

/// Version of this document.
const VERSION: u32 = 1;

/// The whole run.
pub(crate) fn of(flags: &Flags, sections: &[Measured]) -> Value {
    json!({
        "version": VERSION,
        "ktape": env!("CARGO_PKG_VERSION"),
        "size": flags.size.name(),
        "rounds": flags.rounds,
        "machine": machine::facts(),
        "sections": sections.iter().map(section).collect::<Vec<_>>(),
    })
}

fn section(section: &Measured) -> Value {
    let missing = section.missing.iter().map(|(name, why)| json!({ "contender": name, "why": why }));
    json!({
        "title": section.title,
        "contenders": section.rows.iter().map(row).collect::<Vec<_>>(),
        "missing": missing.collect::<Vec<_>>(),
        "goals": section.verdicts.iter().map(verdict).collect::<Vec<_>>(),
        "notes": section.notes,
    })
}

fn row(row: &Row) -> Value {
    let seconds: Vec<_> =
        row.samples.iter().map(|used| [used.wall.as_secs_f64(), used.cpu.as_secs_f64(), used.peak as f64]).collect();
    let spread = |spread: Option<Spread>| spread.map(|spread| spread.json());
    json!({
        "name": row.name,
        "bytes": row.amount.bytes,
        "records": row.amount.records,
        "wall_s": spread(row.wall()),
        "cpu_s": spread(row.cpu()),
        "cpu_s_per_gib": spread(row.cpu_per_gib()),
        "mib_per_s": spread(row.mib_per_second()),
        "kilo_records_per_s": spread(row.kilo_records_per_second()),
        "peak_mib": spread(row.peak_mib()),
        "rounds_wall_cpu_peak": seconds,
    })
}

fn verdict(verdict: &Verdict) -> Value {
    json!({
        "goal": verdict.what,
        "limit": verdict.limit(),
        "measured": verdict.value,
        "reached": verdict.reached(),
    })
}
