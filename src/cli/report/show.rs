//! What one snapshot holds.

use std::time::Duration;

use super::{Text, settings, short};
use crate::cli::table::{Align, Table};
use crate::cli::units::{self, count, thousands};
use crate::model::Timestamp;
use crate::repository::format::{ConfigEntry, GroupState, HeldConfig};
use crate::show::{ShowReport, ShownHold, ShownPartition, ShownTopic};

/// Whether topics and groups were asked for by name, and so are shown in full.
#[derive(Debug, Clone, Copy)]
pub struct Detail {
    /// Partitions and settings of each topic.
    pub topics: bool,
    /// What each group committed.
    pub groups: bool,
    /// The cluster's own settings.
    pub settings: bool,
}

/// The snapshot, its topics and its groups.
pub fn snapshot(out: &mut Text, report: &ShowReport, detail: Detail) {
    let both = detail.topics == detail.groups && !detail.settings;
    if both {
        head(out, report);
    }
    if detail.settings {
        settings::all(out, report.settings.as_ref());
    }
    if both || detail.topics {
        if detail.topics {
            report.topics.iter().for_each(|one| topic(out, one));
        } else {
            topics(out, &report.topics);
        }
    }
    if both || detail.groups {
        if detail.groups {
            report.groups.iter().for_each(|one| group(out, one));
        } else {
            out.section("groups", report.groups.iter().map(group_line));
        }
    }
    if both || detail.topics {
        out.section("retention held until `ktape restore --release`", report.held.iter().map(hold));
    }
    if let Some(held) = report.settings.as_ref().filter(|_| both) {
        settings::sums(out, held);
    }
    if both {
        out.left_out("topic", &report.excluded.topics);
        out.left_out("group", &report.excluded.groups);
        out.incomplete(&report.incomplete);
    }
}

fn head(out: &mut Text, report: &ShowReport) {
    let parent = report.parent.as_ref().map(|parent| format!(", after {}", parent.sequence)).unwrap_or_default();
    out.line(format!("snapshot {} ({}) of cluster {}{parent}", report.sequence, short(&report.id), report.cluster_id));
    let times = (report.groups_captured, report.fences_taken, report.committed);
    out.line(format!("  groups read {}, data ends {}, committed {}", times.0, times.1, times.2));
    out.line(format!("  took {}", units::duration(Duration::from_millis(report.duration_ms))));
    out.line(format!("  id {}", report.id));
    let totals = &report.totals;
    let held = (count(totals.topics, "topic"), count(totals.partitions, "partition"), count(totals.groups, "group"));
    let stored = (units::size(totals.bytes), count(totals.segments, "segment"));
    out.line(format!("  {}, {}, {}, {} in {}", held.0, held.1, held.2, stored.0, stored.1));
}

fn topics(out: &mut Text, topics: &[ShownTopic]) {
    let columns = [
        ("TOPIC", Align::Left),
        ("PARTITIONS", Align::Right),
        ("REPLICAS", Align::Right),
        ("RECORDS", Align::Right),
        ("BYTES", Align::Right),
        ("STORED", Align::Right),
        ("NEW", Align::Right),
    ];
    let mut table = Table::new(&columns);
    for topic in topics {
        table.row(vec![
            topic.name.to_string(),
            topic.partitions.len().to_string(),
            topic.replication_factor.to_string(),
            thousands(topic.records),
            units::size(topic.bytes),
            units::size(topic.stored_bytes),
            topic.new_bytes.map_or_else(|| "?".to_owned(), units::size),
        ]);
    }
    out.table(&table);
}

fn topic(out: &mut Text, topic: &ShownTopic) {
    let sums = (count(topic.records, "record"), units::size(topic.bytes));
    out.line(format!("{} ({}), replicas {}, {}, {}", topic.name, topic.id, topic.replication_factor, sums.0, sums.1));
    out.section("  settings", topic.configs.iter().map(setting));
    let columns = [
        ("PARTITION", Align::Right),
        ("LOG START", Align::Right),
        ("FIRST", Align::Right),
        ("NEXT", Align::Right),
        ("HIGH WATERMARK", Align::Right),
        ("SEGMENTS", Align::Right),
        ("RECORDS", Align::Right),
        ("BYTES", Align::Right),
        ("STORED", Align::Right),
        ("TIMES", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for one in &topic.partitions {
        table.row(vec![
            one.partition.to_string(),
            one.log_start.to_string(),
            one.first.to_string(),
            one.next.to_string(),
            one.high_watermark.to_string(),
            thousands(one.segments),
            thousands(one.records),
            units::size(one.bytes),
            units::size(one.stored_bytes),
            times(one),
        ]);
    }
    out.table(&table);
    let missing = topic.partitions.iter().flat_map(|one| {
        let why = |gap| if gap { "gap: retention took them while the backup ran" } else { "expired between two runs" };
        one.missing
            .iter()
            .map(move |missing| format!("partition {} {}: {}", one.partition, missing.range, why(missing.gap)))
    });
    out.section("not in the repository", missing);
}

fn setting(entry: &ConfigEntry) -> String {
    format!("  {}={}", entry.name, entry.value.as_deref().unwrap_or("(hidden by the broker)"))
}

fn hold(one: &ShownHold) -> String {
    let setting = |config: &HeldConfig| format!("{}={}", config.name, config.held);
    let settings: Vec<String> = one.held.configs.iter().map(setting).collect();
    format!(
        "{} in cluster {}, restored {}: {} because {}",
        one.held.topic,
        one.cluster_id,
        one.finished,
        settings.join(" "),
        one.held.reason
    )
}

fn times(partition: &ShownPartition) -> String {
    let (first, last) = (partition.min_timestamp, partition.max_timestamp);
    if last < Timestamp(0) { String::new() } else { format!("{first} .. {last}") }
}

fn group_line(group: &GroupState) -> String {
    let state = if group.state.is_empty() { String::new() } else { format!(", {}", group.state) };
    format!("{}: {}{state}", group.id, count(group.offsets.len() as u64, "offset"))
}

fn group(out: &mut Text, group: &GroupState) {
    out.line(group_line(group));
    let mut table = Table::new(&[
        ("TOPIC", Align::Left),
        ("PARTITION", Align::Right),
        ("OFFSET", Align::Right),
        ("METADATA", Align::Left),
    ]);
    for one in &group.offsets {
        let metadata = one.committed.metadata.clone().unwrap_or_default();
        table.row(vec![one.topic.to_string(), one.partition.to_string(), one.committed.offset.to_string(), metadata]);
    }
    out.table(&table);
}
