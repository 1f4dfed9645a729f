//! The list of snapshots.

use std::time::Duration;

use super::Text;
use crate::cli::table::{Align, Table};
use crate::cli::units::{self, count, thousands};
use crate::list::ListReport;

/// One line a snapshot, oldest first.
pub fn snapshots(out: &mut Text, report: &ListReport) {
    if report.snapshots.is_empty() && report.unreadable.is_empty() {
        out.line(format!("{}: no snapshot yet", report.location));
        return;
    }
    let mut table = Table::new(&[
        ("SNAPSHOT", Align::Right),
        ("ID", Align::Left),
        ("TAKEN", Align::Left),
        ("TOOK", Align::Right),
        ("TOPICS", Align::Right),
        ("PARTITIONS", Align::Right),
        ("GROUPS", Align::Right),
        ("BYTES", Align::Right),
        ("NEW", Align::Right),
        ("NEW RECORDS", Align::Right),
        ("", Align::Left),
    ]);
    for one in &report.snapshots {
        table.row(vec![
            one.sequence.to_string(),
            one.short_id().to_owned(),
            one.fences_taken.to_string(),
            units::duration(Duration::from_millis(one.duration_ms)),
            thousands(one.topics),
            thousands(one.partitions),
            thousands(one.groups),
            units::size(one.bytes),
            units::size(one.new_bytes),
            thousands(one.new_records),
            if one.complete { String::new() } else { format!("INCOMPLETE, {}", count(one.losses as u64, "reason")) },
        ]);
    }
    out.table(&table);
    if let Some(growth) = &report.growth {
        let over = units::duration(Duration::from_millis(growth.over_ms));
        let (new, day) = (units::size(growth.new_bytes), units::size(growth.new_bytes_per_day));
        out.line(format!("{new} new in {over} after the first: {day} a day"));
    }
    let incarnations: Vec<_> = report.snapshots.chunk_by(|a, b| a.cluster_id == b.cluster_id).collect();
    if incarnations.len() > 1 {
        let of = |run: &&[crate::list::ListedSnapshot]| {
            let (first, last) = (run.first()?, run.last()?);
            Some(format!("snapshots {} to {}: cluster {}", first.sequence, last.sequence, last.cluster_id))
        };
        out.section("of more than one cluster", incarnations.iter().filter_map(of));
    }
    out.section("UNREADABLE", report.unreadable.iter().map(|one| format!("{}: {}", one.sequence, one.problem)));
}
