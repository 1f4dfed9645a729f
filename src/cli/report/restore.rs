//! The report of a restore, and of a restore that was only planned.

use std::time::Duration;

use super::{Text, short};
use crate::cli::table::{Align, Table};
use crate::cli::units::{self, count, thousands};
use crate::restore::{Admitted, ReleaseReport, RestorePlanReport, RestoreReport};

/// What a restore did.
pub fn done(out: &mut Text, report: &RestoreReport) {
    let took = Duration::from_millis(report.finished.0.saturating_sub(report.started.0).max(0) as u64);
    let (source, target) = (&report.source_cluster_id, &report.target_cluster_id);
    let snapshot = format!("snapshot {} ({}) of cluster {source}", report.snapshot, short(&report.snapshot_id));
    let ending = if report.is_complete() { "restored" } else { "restored INCOMPLETELY" };
    out.line(format!("{ending}: {snapshot} into cluster {target} in {}", units::duration(took)));
    let mut table = Table::new(&[("TOPIC", Align::Left), ("PARTITIONS", Align::Right), ("RECORDS", Align::Right)]);
    for topic in &report.topics {
        let name = renamed(&topic.source, &topic.target);
        table.row(vec![name, topic.partitions.to_string(), thousands(topic.admitted.records)]);
    }
    out.table(&table);
    admitted(out, &report.admitted);
    let offsets: usize = report.groups.iter().map(|group| group.offsets).sum();
    let groups = (count(report.groups.len() as u64, "group"), count(offsets as u64, "offset"));
    out.line(format!("groups: {} with {} committed and read back", groups.0, groups.1));
    out.section(
        "moved into the restored data",
        report.adjusted.iter().map(|one| {
            format!("group {} at {}: {} -> {}, {}", one.group, one.partition, one.source, one.target, one.reason)
        }),
    );
    out.section(
        "not committed",
        report.lost.iter().map(|one| format!("group {} at {}: {}", one.group, one.partition, one.detail)),
    );
    out.section(
        "retention held until `ktape restore --release`",
        report.held.iter().map(|one| format!("{}: {}", one.topic, one.reason)),
    );
    out.section(
        "settings not put back",
        report.configs_left_out.iter().map(|one| format!("{}: {}: {}", one.topic, one.name, one.reason)),
    );
    out.section("INCOMPLETE", &report.incomplete);
    out.section("to know", &report.notes);
}

/// What a release did.
pub fn released(out: &mut Text, report: &ReleaseReport) {
    let (number, cluster) = (count(report.released.len() as u64, "topic"), &report.target_cluster_id);
    let verb = if report.dry_run { "would be released" } else { "released" };
    out.line(format!("{verb}: {number} of cluster {cluster}"));
    out.section("settings", report.released.iter().map(|one| format!("{}: {}", one.topic, one.configs.join(" "))));
    out.section("nothing to do", &report.settled);
    out.section("FAILED", &report.failed);
}

fn renamed(source: &str, target: &str) -> String {
    if source == target { source.to_owned() } else { format!("{source} -> {target}") }
}

fn admitted(out: &mut Text, admitted: &Admitted) {
    let (kept, anew) = (thousands(admitted.reheadered), thousands(admitted.reencoded));
    out.line(format!(
        "batches: {kept} with their records untouched under a new header, {anew} decoded and written anew"
    ));
    let dropped = [
        (admitted.dropped_aborted, "of aborted transactions"),
        (admitted.dropped_control, "transaction markers"),
        (admitted.dropped_empty, "without records"),
        (admitted.dropped_out_of_range, "outside of the snapshot"),
    ];
    let dropped: Vec<String> =
        dropped.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    if !dropped.is_empty() {
        out.line(format!("  left out, as a reader of committed records sees none of them: {}", dropped.join(", ")));
    }
}

/// What a restore would do.
pub fn plan(out: &mut Text, plan: &RestorePlanReport) {
    let columns = [
        ("TOPIC", Align::Left),
        ("PARTITIONS", Align::Right),
        ("REPLICAS", Align::Right),
        ("BYTES", Align::Right),
        ("IN THE TARGET", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for topic in &plan.topics {
        let there = if topic.exists { "there, empty" } else { "will be created" };
        let name = renamed(&topic.source, &topic.target);
        let numbers = [topic.partitions.to_string(), topic.replication_factor.to_string(), units::size(topic.bytes)];
        let [partitions, replicas, bytes] = numbers;
        table.row(vec![name, partitions, replicas, bytes, there.to_owned()]);
    }
    out.table(&table);
    let groups = plan.groups.iter().map(|group| match group.left_out {
        0 => format!("{}: {}", group.id, count(group.commits as u64, "offset")),
        without => format!("{}: {}, {without} not committed", group.id, count(group.commits as u64, "offset")),
    });
    out.section("groups", groups);
    let snapshot = format!("snapshot {} ({}) of {}", plan.snapshot, short(&plan.snapshot_id), plan.taken);
    let way = format!("from cluster {} into cluster {}", plan.source_cluster_id, plan.target_cluster_id);
    let sums = (count(plan.topics.len() as u64, "topic"), count(plan.groups.len() as u64, "group"));
    out.line(format!("would restore {snapshot} {way}: {}, {}, {}", sums.0, sums.1, units::size(plan.bytes)));
    if let Some(minutes) = plan.offsets_retention_minutes.and_then(|minutes| u64::try_from(minutes).ok()) {
        let kept = units::duration(Duration::from_secs(minutes.saturating_mul(60)));
        out.line(format!("the target forgets a group's offsets after {kept} without a consumer"));
    }
    out.section("to know", &plan.notes);
}
