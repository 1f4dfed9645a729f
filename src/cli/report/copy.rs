//! The report of a copy, and of a copy that was only planned.

use std::time::Duration;

use super::{Text, short};
use crate::cli::table::{Align, Table};
use crate::cli::units::{self, count};
use crate::copy::{CopyPlan, CopyReport};

/// What was copied.
pub fn done(out: &mut Text, report: &CopyReport) {
    for one in &report.snapshots {
        let number =
            if one.copy_sequence == one.sequence { String::new() } else { format!(" as {}", one.copy_sequence) };
        let size = format!("{}, {}", count(one.segments, "segment"), units::size(one.bytes));
        out.line(format!("snapshot {}{number} ({}): {size}", one.sequence, short(&one.copy_id)));
    }
    if report.already_there > 0 {
        out.line(format!("already there: {}", count(report.already_there, "snapshot")));
    }
    let took = Duration::from_millis(report.finished.0.saturating_sub(report.started.0).max(0) as u64);
    let copied = (count(report.segments, "segment"), units::size(report.bytes), units::duration(took));
    out.line(format!("copied {} of {} to {} in {}", copied.0, copied.1, report.to, copied.2));
    if report.taken_over_segments > 0 {
        let taken = count(report.taken_over_segments, "segment");
        out.line(format!("  taken over from a copy that was cut off: {taken}"));
    }
    for one in &report.not_copied {
        if one.removed {
            out.line(format!("snapshot {} was not copied: it was removed from the source meanwhile", one.sequence));
        } else {
            out.section(&format!("DAMAGED: snapshot {} was not copied", one.sequence), &one.damage);
        }
    }
    if !report.complete {
        out.line("stopped early: run the same command again, it goes on from here");
    }
}

/// What would be copied.
pub fn planned(out: &mut Text, plan: &CopyPlan) {
    let columns =
        [("SNAPSHOT", Align::Right), ("TAKEN", Align::Left), ("SEGMENTS", Align::Right), ("SIZE", Align::Right)];
    let mut table = Table::new(&columns);
    for one in &plan.snapshots {
        let (taken, segments) = (one.fences_taken.to_string(), units::thousands(one.segments));
        table.row(vec![one.sequence.to_string(), taken, segments, units::size(one.bytes)]);
    }
    if !plan.snapshots.is_empty() {
        out.table(&table);
    }
    let (snapshots, segments) = (count(plan.snapshots.len() as u64, "snapshot"), count(plan.segments, "segment"));
    out.line(format!("would copy {snapshots} with {segments} of {} to {}", units::size(plan.bytes), plan.to));
    if plan.already_there > 0 {
        out.line(format!("already there: {}", count(plan.already_there, "snapshot")));
    }
    if let Some(free) = plan.free_bytes {
        out.line(format!("free there: {}", units::size(free)));
    }
}
