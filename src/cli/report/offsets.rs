//! Reports of `offsets`: as text, and as the CSV that Kafka's own tool reads.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::Text;
use crate::cli::table::{Align, Table};
use crate::cli::units::count;
use crate::offsets::{CommitReport, NotCommitted, Position, ShowReport, UndoReport};

/// What a snapshot holds, and where it lies.
pub fn show(out: &mut Text, report: &ShowReport) {
    offsets(out, &report.offsets, report.restore.is_some());
    let all = count(report.offsets.len() as u64, "committed offset");
    out.line(format!("{all} of snapshot {}, read {}", report.snapshot, report.captured));
    match (&report.restore, &report.target_cluster_id) {
        (Some(restore), Some(cluster)) => out.line(format!("translated by restore {restore} into cluster {cluster}")),
        _ => out.line("no finished restore of it is known, so nothing is translated"),
    }
}

fn offsets(out: &mut Text, offsets: &[Position], translated: bool) {
    let mut columns =
        vec![("GROUP", Align::Left), ("TOPIC", Align::Left), ("PARTITION", Align::Right), ("OFFSET", Align::Right)];
    if translated {
        columns.extend([("TARGET TOPIC", Align::Left), ("TARGET OFFSET", Align::Right), ("HOW", Align::Left)]);
    }
    let mut table = Table::new(&columns);
    for one in offsets {
        let mut row = vec![
            one.group.to_string(),
            one.source.topic.to_string(),
            one.source.partition.to_string(),
            one.source.committed.offset.to_string(),
        ];
        if translated {
            let left = || ["-".to_owned(), "-".to_owned(), one.left_out.clone().unwrap_or_default()];
            let target = |target: &crate::offsets::TargetPosition| {
                [target.topic.to_string(), target.offset.to_string(), target.origin.describe().to_owned()]
            };
            row.extend(one.target.as_ref().map_or_else(left, target));
        }
        table.row(row);
    }
    out.table(&table);
}

/// What a commit did.
pub fn committed(out: &mut Text, report: &CommitReport) {
    offsets(out, &report.offsets, true);
    let offsets: usize = report.groups.iter().map(|group| group.offsets).sum();
    let what = format!("{} of {}", count(offsets as u64, "offset"), count(report.groups.len() as u64, "group"));
    let (snapshot, cluster) = (report.snapshot, &report.target_cluster_id);
    if report.dry_run {
        out.line(format!("would commit {what}, of snapshot {snapshot}, to cluster {cluster}"));
    } else {
        out.line(format!("committed and read back: {what}, of snapshot {snapshot}, to cluster {cluster}"));
        if !report.state.is_empty() {
            out.line(format!("what was there before lies in {}; `ktape offsets undo` puts it back", report.state));
        }
    }
    failed(out, "NOT COMMITTED", &report.failed);
    out.section("to know", &report.notes);
}

/// What an undo did.
pub fn undone(out: &mut Text, report: &UndoReport) {
    let sum =
        |number: fn(&crate::offsets::UndoneGroup) -> usize| report.groups.iter().map(number).sum::<usize>() as u64;
    let (back, gone) = (sum(|group| group.put_back), sum(|group| group.removed));
    let groups = count(report.groups.len() as u64, "group");
    let what = format!("{} put back and {} removed, of {groups}", count(back, "offset"), count(gone, "offset"));
    let (whose, when) = (&report.undone, report.committed);
    let ending = match (report.dry_run, report.is_complete()) {
        (true, _) => "would undo",
        (false, true) => "undone:",
        (false, false) => "undone INCOMPLETELY:",
    };
    out.line(format!("{ending} {whose} of {when}: {what}"));
    failed(out, "NOT AS BEFORE", &report.failed);
}

fn failed(out: &mut Text, title: &str, failed: &[NotCommitted]) {
    out.section(title, failed.iter().map(|one| format!("group {} at {}: {}", one.group, one.partition, one.detail)));
}

/// Lines for `kafka-consumer-groups --reset-offsets --from-file` (Kafka class `ConsumerGroupCommand`):
/// `topic,partition,offset` of one group, `group,topic,partition,offset` of several.
pub fn csv(report: &ShowReport) -> String {
    let rows: Vec<(&str, &str, i32, i64)> =
        report.offsets.iter().filter_map(|one| row(one, report.restore.is_some())).collect();
    let groups: BTreeSet<&str> = rows.iter().map(|(group, ..)| *group).collect();
    let mut text = String::new();
    for (group, topic, partition, offset) in rows {
        // Writing to a string cannot fail.
        let _ = match groups.len() {
            1 => writeln!(text, "{topic},{partition},{offset}"),
            _ => writeln!(text, "{},{topic},{partition},{offset}", quoted(group)),
        };
    }
    text
}

fn row(one: &Position, translated: bool) -> Option<(&str, &str, i32, i64)> {
    if !translated {
        return Some((
            one.group.as_str(),
            one.source.topic.as_str(),
            one.source.partition,
            one.source.committed.offset,
        ));
    }
    let target = one.target.as_ref()?;
    Some((target.group.as_str(), target.topic.as_str(), one.source.partition, target.offset))
}

fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CommittedOffset, GroupId, Timestamp, TopicName};
    use crate::offsets::{Origin, TargetPosition};
    use crate::repository::format::GroupOffset;

    fn position(group: &str, target: Option<i64>) -> Position {
        let topic = TopicName::new("orders").unwrap();
        let committed = CommittedOffset { offset: 7, leader_epoch: -1, metadata: None };
        let target = target.map(|offset| TargetPosition {
            group: GroupId::new(group),
            topic: TopicName::new("back").unwrap(),
            offset,
            origin: Origin::Map,
        });
        let left_out = target.is_none().then(|| "its partition was not restored".to_owned());
        Position {
            group: GroupId::new(group),
            source: GroupOffset { topic, partition: 3, committed },
            target,
            left_out,
        }
    }

    fn report(offsets: Vec<Position>, restore: Option<&str>) -> ShowReport {
        ShowReport {
            snapshot: 1,
            snapshot_id: String::new(),
            captured: Timestamp(0),
            source_cluster_id: String::new(),
            restore: restore.map(str::to_owned),
            target_cluster_id: restore.map(str::to_owned),
            offsets,
        }
    }

    #[test]
    fn csv_has_a_column_for_groups_where_there_are_several() {
        let one = report(vec![position("a", Some(5)), position("a", None)], Some("r"));
        assert_eq!(csv(&one), "back,3,5\n");
        let two = report(vec![position("a", Some(5)), position("b, \"c\"", Some(6))], Some("r"));
        assert_eq!(csv(&two), "a,back,3,5\n\"b, \"\"c\"\"\",back,3,6\n");
        assert_eq!(csv(&report(vec![position("a", None)], None)), "orders,3,7\n");
    }

    #[test]
    fn the_table_shows_both_numbers() {
        let mut out = Text::default();
        show(&mut out, &report(vec![position("a", Some(5)), position("b", None)], Some("r")));
        assert!(out.as_str().contains("orders          3       7  back"), "{}", out.as_str());
        assert!(out.as_str().contains("its partition was not restored"), "{}", out.as_str());
    }
}
