//! The report of a prune.

use super::{Text, short};
use crate::cli::table::{Align, Table};
use crate::cli::units::{self, count};
use crate::prune::{Count, KeepReason, PruneReport};

/// What was done, or would be.
pub fn done(out: &mut Text, report: &PruneReport) {
    let would = if report.dry_run { "would be " } else { "" };
    out.line(format!("{}: {}", report.location, count((report.kept.len() + report.removed.len()) as u64, "snapshot")));
    snapshots(out, report);
    let merged = &report.merged;
    if merged.into > 0 {
        let (from, into) = (count(merged.from, "object"), count(merged.into, "object"));
        out.line(format!("{would}merged: {from} of {} into {into}", units::size(merged.bytes)));
    }
    let freed = [
        ("segments that no snapshot names", report.freed.segments),
        ("segments that were merged into larger objects", report.freed.merged),
        ("parts of snapshots", report.freed.parts),
        ("journals and signatures", report.freed.others),
    ];
    let lines = freed.iter().filter(|(_, count)| count.objects > 0);
    out.section(&format!("{would}removed"), lines.map(|(what, count)| format!("{what}: {}", sum(count))));
    let total = report.freed.total();
    out.line(format!("{would}freed: {} in {}", units::size(total.bytes), count(total.objects, "object")));
    if report.waiting.objects > 0 {
        let hint = "named by no snapshot, too young or needed by a run under way, stays for now";
        out.line(format!("{hint}: {}", sum(&report.waiting)));
    }
    out.section("COULD NOT BE REMOVED", report.stuck.iter().map(|one| format!("{}: {}", one.object, one.reason)));
    let unlisted = report.stuck_total.saturating_sub(report.stuck.len() as u64);
    if unlisted > 0 {
        out.line(format!("  and {} more", units::thousands(unlisted)));
    }
    out.section("to know", &report.remarks);
    match (report.dry_run, report.complete) {
        (_, false) => out.line("stopped before the end; the same command goes on"),
        (true, true) => out.line("nothing was changed; add --confirm to do it"),
        (false, true) => {}
    }
}

fn snapshots(out: &mut Text, report: &PruneReport) {
    let mut table =
        Table::new(&[("SNAPSHOT", Align::Right), ("ID", Align::Left), ("TAKEN", Align::Left), ("", Align::Left)]);
    let kept = report.kept.iter().map(|one| {
        let reasons: Vec<&str> = one.reasons.iter().map(|reason| text(*reason)).collect();
        (one.sequence, &one.id, one.taken, format!("stays: {}", reasons.join(", ")))
    });
    let word = if report.dry_run { "would go" } else { "removed" };
    let removed = report.removed.iter().map(|one| (one.sequence, &one.id, one.taken, word.to_owned()));
    let mut rows: Vec<_> = kept.chain(removed).collect();
    rows.sort_by_key(|row| row.0);
    for (sequence, id, taken, what) in rows {
        table.row(vec![sequence.to_string(), short(id).to_owned(), taken.to_string(), what]);
    }
    if !(report.kept.is_empty() && report.removed.is_empty()) {
        out.table(&table);
    }
}

fn text(reason: KeepReason) -> &'static str {
    match reason {
        KeepReason::NoRule => "no rule was given",
        KeepReason::Newest => "newest",
        KeepReason::NewestComplete => "newest complete",
        KeepReason::Last => "last",
        KeepReason::Hourly => "hourly",
        KeepReason::Daily => "daily",
        KeepReason::Weekly => "weekly",
        KeepReason::Monthly => "monthly",
        KeepReason::Within => "within",
        KeepReason::Restore => "a restore of it has not ended",
        KeepReason::Run => "a backup that may be under way builds on it",
    }
}

fn sum(sum: &Count) -> String {
    format!("{}, {}", count(sum.objects, "object"), units::size(sum.bytes))
}
