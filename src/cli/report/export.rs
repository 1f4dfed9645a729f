//! The summary of an export.

use crate::cli::units::{count, thousands};
use crate::export::ExportReport;

/// A line for what was written, and one for each thing that was not.
pub fn summary(report: &ExportReport) -> String {
    let from = format!("{} of {} in snapshot {}", count(report.partitions, "partition"), report.topic, report.snapshot);
    let mut lines = vec![format!("{} from {from}", count(report.records, "record"))];
    let unwritten = [
        (report.aborted_records, "of aborted transactions"),
        (report.open_records, "of transactions that were open when the snapshot was taken, or at --until"),
        (report.undecided_records, "of transactions whose outcome is lost"),
    ];
    for (number, which) in unwritten.iter().filter(|(number, _)| *number > 0) {
        lines.push(format!("{} {which}", thousands(*number)));
    }
    for cut in report.cuts.iter().filter(|cut| cut.behind > 0) {
        let record = format!("offset {}, whose record is from {}", cut.offset, cut.timestamp);
        let behind = count(cut.behind, "record");
        lines.push(format!(
            "partition {} ends before {record}; at least {behind} up to --until lie behind it",
            cut.partition
        ));
    }
    for missing in &report.missing {
        lines.push(format!("INCOMPLETE: partition {} lacks offsets {}", missing.partition, missing.range));
    }
    if report.cancelled {
        lines.push("stopped before the end".to_owned());
    }
    lines.join("\n")
}
