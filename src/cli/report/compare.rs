//! The report of a comparison with a cluster.

use std::time::Duration;

use super::{SHOWN_MAX, Text, short};
use crate::cli::units::{self, count, thousands};
use crate::compare::{Against, CompareReport, Difference, GroupWhat, Kind, Since, Verdict, What};

/// What was found.
pub fn found(out: &mut Text, report: &CompareReport) {
    let took = Duration::from_millis(report.finished.0.saturating_sub(report.started.0).max(0) as u64);
    let snapshot = format!("snapshot {} ({})", report.snapshot, short(&report.snapshot_id));
    let cluster = match &report.against {
        Against::Source => format!("its source, cluster {}", report.cluster_id),
        Against::Target { restore, restored } => {
            format!("cluster {}, into which {restore} restored it until {restored}", report.cluster_id)
        }
    };
    out.line(format!("{snapshot} compared with {cluster} in {}", units::duration(took)));
    body(out, report);
}

/// The same without the title, for reports that hold a comparison.
pub fn body(out: &mut Text, report: &CompareReport) {
    let data = (count(report.topics, "topic"), count(report.partitions, "partition"), count(report.records, "record"));
    out.line(format!("equal: {} in {}, {}, {}", data.2, data.0, data.1, units::size(report.bytes)));
    let (bytes, decoded) = (thousands(report.batches_by_bytes), thousands(report.records_one_by_one));
    out.line(format!("  {bytes} batches by their bytes, {decoded} records one by one"));
    let (groups, offsets) = (count(report.groups, "group"), count(report.offsets, "committed offset"));
    out.line(format!("equal: {offsets} of {groups}"));
    shortened(out, "DIFFERENT", report.differences.iter().map(difference));
    let not_compared = report.not_compared.iter().map(|one| format!("{}: {}", one.subject, one.reason));
    shortened(out, "NOT COMPARED", not_compared);
    shortened(out, "changed since, which is no difference", report.since.iter().map(since));
    out.section("to know", &report.notes);
    let total = count(report.differences_total, "difference");
    out.line(match report.verdict() {
        Verdict::Equal => "everything is equal".to_owned(),
        Verdict::Different => format!("DIFFERENT: {total}"),
        Verdict::Incomplete => "what was compared is equal, but NOT EVERYTHING could be compared".to_owned(),
        Verdict::Stopped => "stopped before the end; what was compared is equal".to_owned(),
    });
}

fn shortened(out: &mut Text, title: &str, items: impl ExactSizeIterator<Item = String>) {
    let more = items.len().saturating_sub(SHOWN_MAX);
    out.section(title, items.take(SHOWN_MAX));
    if more > 0 {
        out.line(format!("  and {more} more (`--json` names all)"));
    }
}

/// One difference on one line.
pub fn difference(one: &Difference) -> String {
    let group = one.group.as_ref().map(|group| format!("group {group} at ")).unwrap_or_default();
    let number = |offset: Option<i64>| offset.map_or("none".to_owned(), |offset| offset.to_string());
    let (source, target) = (number(one.source_offset), number(one.target_offset));
    let renamed = if one.topic == one.target { String::new() } else { format!(" (from {})", one.topic) };
    let further = if one.further > 0 { format!("; and {} more there", thousands(one.further)) } else { String::new() };
    let place =
        format!("{group}{}-{}{renamed}, source offset {source}, target offset {target}", one.target, one.partition);
    format!("{place}: {}: {}{further}", what(one.what), one.detail)
}

fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Record(What::Missing) => "missing",
        Kind::Record(What::Extra) => "extra",
        Kind::Record(What::Key) => "key",
        Kind::Record(What::Value) => "value",
        Kind::Record(What::Header) => "header",
        Kind::Record(What::Timestamp) => "timestamp",
        Kind::Record(What::Unreadable) => "unreadable",
        Kind::Group(GroupWhat::Position) => "position",
        Kind::Group(GroupWhat::Metadata) => "metadata",
    }
}

fn since(one: &Since) -> String {
    let numbers = [
        (one.expired_offsets, "offsets expired"),
        (one.compacted_records, "records compacted"),
        (one.decided_records, "records of transactions that were open in the snapshot"),
        (one.written_offsets, "offsets written since"),
    ];
    let told =
        numbers.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{} {what}", thousands(*number)));
    let told: Vec<String> = told.chain(one.detail.clone()).collect();
    format!("{}: {}", one.subject, told.join(", "))
}
