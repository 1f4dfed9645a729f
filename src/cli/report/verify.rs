//! The report of a verification.

use super::Text;
use crate::cli::units::{self, count, thousands};
use crate::verify::{Finding, VerifyReport};

/// What was found.
pub fn found(out: &mut Text, report: &VerifyReport) {
    let looked = (count(report.snapshots.len() as u64, "snapshot"), count(report.segments, "segment"));
    out.line(format!("{}: {}, {}, {}", report.location, looked.0, looked.1, units::size(report.bytes)));
    let part = report.part.map(|part| format!(" (part {part})")).unwrap_or_default();
    if report.fast {
        out.line("looked at documents and sizes only");
    } else {
        let read = (count(report.segments_read, "segment"), units::size(report.bytes_read));
        out.line(format!("read {}{part}, {}, {} batches", read.0, read.1, thousands(report.batches_read)));
    }
    if !report.signed.is_empty() {
        out.line(format!("signatures checked: {}", count(report.signed.len() as u64, "snapshot")));
    }
    out.section("DAMAGED", report.damage.iter().map(finding));
    let unlisted = report.damage_total.saturating_sub(report.damage.len() as u64);
    if unlisted > 0 {
        out.line(format!("  and {} more", thousands(unlisted)));
    }
    if !report.damaged_snapshots.is_empty() {
        let numbers: Vec<String> = report.damaged_snapshots.iter().map(u64::to_string).collect();
        out.line(format!("snapshots that are damaged or name something that is: {}", numbers.join(", ")));
    }
    out.section("to know", &report.remarks);
    if report.left_overs_total > 0 {
        let sums = (count(report.left_overs_total, "object"), units::size(report.left_over_bytes));
        out.line(format!("left over from runs that were cut off, harmless: {}, {}", sums.0, sums.1));
    }
    match (report.is_sound(), report.complete) {
        (false, _) => out.line("the repository is DAMAGED"),
        (true, false) => out.line("stopped before the end; what was read is sound"),
        (true, true) => out.line("all that was looked at is sound"),
    }
}

fn finding(finding: &Finding) -> String {
    let byte = finding.position.map(|position| format!(" at byte {position}")).unwrap_or_default();
    let data = match (&finding.partition, &finding.range, finding.offset) {
        (Some(partition), _, Some(offset)) => format!(" ({partition} from offset {offset})"),
        (Some(partition), Some(range), None) => format!(" ({partition} offsets {range})"),
        _ => String::new(),
    };
    format!("{}{byte}{data}: {}", finding.object, finding.detail)
}
