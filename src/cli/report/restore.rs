//! The report of a restore, and of a restore that was only planned.

use std::time::Duration;

use super::{SHOWN_MAX, Text, settings, short};
use crate::cli::table::{Align, Table};
use crate::cli::units::{self, count, thousands};
use crate::restore::{Admitted, PartitionCut, PreservePlan, ReleaseReport, RestorePlanReport, RestoreReport};

/// What a restore did.
pub fn done(out: &mut Text, report: &RestoreReport) {
    let took = Duration::from_millis(report.finished.0.saturating_sub(report.started.0).max(0) as u64);
    let (source, target) = (&report.source_cluster_id, &report.target_cluster_id);
    let snapshot = format!("snapshot {} ({}) of cluster {source}", report.snapshot, short(&report.snapshot_id));
    let ending = if report.is_complete() { "restored" } else { "restored INCOMPLETELY" };
    if report.was_finished {
        out.line(format!("this restore was finished at {}; nothing was changed now. It was:", report.finished));
    }
    let again = if report.resumed { ", going on after it was cut off" } else { "" };
    out.line(format!("{ending}: {snapshot} into cluster {target} in {}{again}", units::duration(took)));
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
    cuts(out, &report.cuts);
    if report.preserved > 0 {
        out.line(format!("offsets: {} with every record at the offset it had", count(report.preserved, "partition")));
    }
    out.section(
        "offsets translated instead of kept",
        report.translated.iter().map(|one| format!("{}: {}", one.partition, one.reason)),
    );
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
    settings::difference(out, &report.settings);
    out.section("INCOMPLETE", report.incomplete.iter().chain(&report.settings.incomplete));
    out.section("to know", report.notes.iter().chain(&report.settings.notes));
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
    if admitted.converted > 0 {
        out.line(format!("  {} of format v0 or v1 written as batches of v2", count(admitted.converted, "message")));
    }
    let dropped = [
        (admitted.dropped_aborted, "of aborted transactions"),
        (admitted.dropped_control, "transaction markers"),
        (admitted.dropped_empty, "without records"),
        (admitted.dropped_out_of_range, "outside of what is restored"),
    ];
    let dropped: Vec<String> =
        dropped.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    if !dropped.is_empty() {
        out.line(format!("  left out, as a reader of committed records sees none of them: {}", dropped.join(", ")));
    }
}

/// Partitions that are cut by time: those that leave most behind first, if there are many.
fn cuts(out: &mut Text, cuts: &[PartitionCut]) {
    let mut shown: Vec<&PartitionCut> = cuts.iter().collect();
    if cuts.len() > SHOWN_MAX {
        shown.sort_by_key(|one| std::cmp::Reverse((one.behind, one.jump_ms)));
        shown.truncate(SHOWN_MAX);
    }
    let more = cuts.len() - shown.len();
    let rest = (more > 0).then(|| format!("and {more} more (`--json` names all)"));
    let title = format!("cut by time, {}", count(cuts.len() as u64, "partition"));
    out.section(&title, shown.into_iter().map(cut).chain(rest));
}

fn cut(cut: &PartitionCut) -> String {
    let mut parts = Vec::new();
    if let Some(from) = cut.from {
        parts.push(format!("from offset {from}"));
    }
    if let Some(until) = cut.until {
        let record = cut.timestamp.map_or(String::new(), |time| format!(", whose record is from {time}"));
        parts.push(format!("up to before offset {until}{record}"));
    }
    if cut.behind > 0 {
        let behind = thousands(cut.behind);
        parts.push(format!("at least {behind} of {} records up to that time lie behind", thousands(cut.at_or_before)));
    }
    if let Some(jump) = cut.jump_ms.and_then(|jump| u64::try_from(jump).ok()) {
        parts.push(format!("largest jump {}", units::duration(Duration::from_millis(jump))));
    }
    format!("{}: {}", cut.partition, parts.join("; "))
}

/// What keeping offsets takes.
fn offsets(out: &mut Text, plan: &PreservePlan) {
    let number = |number: i64| thousands(number.max(0).unsigned_abs());
    let kept = plan.partitions.iter().filter(|one| one.translated.is_none()).count();
    let (requests, bytes) = (number(plan.filler_requests), units::size(plan.filler_bytes.max(0).unsigned_abs()));
    let most = if plan.markers_exact { "" } else { "up to " };
    let took = units::duration(Duration::from_secs(plan.seconds.max(0).unsigned_abs()));
    out.line(format!(
        "offsets: kept in {} of {}, with {requests} requests ({bytes}) of filler below log starts, which is deleted \
         again, and {most}{} markers ({}) in holes, whose time is the time of the restore; about {took}, an estimate",
        kept,
        count(plan.partitions.len() as u64, "partition"),
        number(plan.markers),
        units::size(plan.marker_bytes.max(0).unsigned_abs()),
    ));
    let translated = plan.partitions.iter().filter_map(|one| Some((&one.partition, one.translated.as_ref()?)));
    out.section(
        "offsets translated instead of kept",
        translated.map(|(partition, reason)| format!("{partition}: {reason}")),
    );
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
    cuts(out, &plan.cuts);
    if let Some(preserve) = &plan.preserve {
        offsets(out, preserve);
    }
    let groups = plan.groups.iter().map(|group| {
        let told = |number: usize, what| if number > 0 { format!(", {number} {what}") } else { String::new() };
        let moved = told(group.outside, "of them moved into the restored data");
        let without = told(group.left_out, "not committed");
        format!("{}: {}{moved}{without}", group.id, count(group.commits as u64, "offset"))
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
    settings::difference(out, &plan.settings);
    out.section("to know", plan.notes.iter().chain(&plan.settings.notes).chain(&plan.settings.incomplete));
}
