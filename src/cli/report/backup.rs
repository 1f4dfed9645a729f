//! The report of a backup, and of a backup that was only planned.

use std::time::Duration;

use super::{Text, short};
use crate::backup::{AdoptedFrom, BackupReport, Note, PlanReport, SettingsReport};
use crate::cli::table::{Align, Table};
use crate::cli::units::{self, count};
use crate::repository::format::{Incomplete, NotCapturedReason, SettingsKind};

/// What a run did.
pub fn snapshot(out: &mut Text, report: &BackupReport) {
    let cluster = &report.cluster_id;
    match &report.snapshot {
        Some(made) => {
            let signed = if made.signed { ", signed" } else { "" };
            out.line(format!("snapshot {} ({}) of cluster {cluster}{signed}", made.sequence, short(&made.id)));
        }
        None => out.line(format!("no snapshot of cluster {cluster}: stopped before one could be committed")),
    }
    out.adopted(report.adopted.as_ref());
    sums(out, report);
    out.section("changed", report.changes.iter().map(note));
    out.section("open transactions", report.open_transactions.iter().map(note));
    let expired = "expired: retention deleted these between runs, before they were backed up";
    out.section(expired, report.expired.iter().map(note));
    out.section("read again from the log start", report.new_lineages.iter().map(note));
    out.left_out("topic", &report.excluded_topics);
    out.left_out("group", &report.excluded_groups);
    out.incomplete(&report.incomplete);
    if report.stopped.is_some() || report.snapshot.is_none() {
        out.line("stopped early: run the same command again, it goes on from here");
    }
}

fn sums(out: &mut Text, report: &BackupReport) {
    let totals = &report.totals;
    let took = Duration::from_millis(report.finished.0.saturating_sub(report.started.0).max(0) as u64);
    let new = (count(totals.new_records, "record"), count(totals.new_segments, "segment"));
    let fetched = (units::size(report.fetched_bytes), units::duration(took));
    out.line(format!("  new  {} in {}, fetched {} in {}", new.0, new.1, fetched.0, fetched.1));
    let held = (count(totals.topics, "topic"), count(totals.partitions, "partition"), count(totals.groups, "group"));
    let stored = (units::size(totals.bytes), count(totals.segments, "segment"));
    out.line(format!("  all  {}, {}, {}, {} in {}", held.0, held.1, held.2, stored.0, stored.1));
    settings(out, &report.settings, &report.incomplete);
    if report.taken_over_segments > 0 {
        let taken = count(report.taken_over_segments, "segment");
        out.line(format!("  taken over from a run that was killed: {taken}"));
    }
}

/// What there is of the cluster's own settings.
fn settings(out: &mut Text, report: &SettingsReport, losses: &[Incomplete]) {
    let kinds = [
        (report.acls, "ACL"),
        (report.quotas, "quota limit"),
        (report.cluster_configs, "cluster-wide config"),
        (report.group_configs, "group config"),
        (report.client_metrics, "client metrics subscription"),
        (report.scram_users, "SCRAM user"),
    ];
    let mut held: Vec<String> =
        kinds.iter().filter(|(number, _)| *number > 0).map(|(number, noun)| count(*number as u64, noun)).collect();
    if let Some(users) = held.last_mut().filter(|_| report.scram_users > 0) {
        users.push_str(" (without secrets, which no broker tells)");
    }
    if !held.is_empty() {
        out.line(format!("  settings  {}", held.join(", ")));
    }
    let is_loss = |kind: SettingsKind| losses.iter().any(|one| one.subject == kind.to_string());
    let missed = report.not_captured.iter();
    let missed = missed.filter(|one| one.reason != NotCapturedReason::NoAuthorizer && !is_loss(one.kind));
    out.section("settings not in the snapshot", missed.map(|one| format!("{}: {}", one.kind, one.detail)));
}

fn note(note: &Note) -> String {
    format!("{}: {}", note.subject, note.detail)
}

/// What a run would do.
pub fn plan(out: &mut Text, plan: &PlanReport) {
    let columns = [("TOPIC", Align::Left), ("PARTITIONS", Align::Right), ("OFFSETS TO FETCH", Align::Right)];
    let mut table = Table::new(&columns);
    for topic in &plan.topics {
        let offsets = units::thousands(topic.offsets_to_fetch.max(0) as u64);
        table.row(vec![topic.name.clone(), topic.partitions.to_string(), offsets]);
    }
    out.table(&table);
    let which = plan.parent.map_or("the first snapshot".to_owned(), |parent| format!("a snapshot after {parent}"));
    let (topics, groups) = (count(plan.topics.len() as u64, "topic"), count(plan.groups.len() as u64, "group"));
    let offsets = count(plan.offsets_to_fetch.max(0) as u64, "offset");
    out.line(format!("would make {which} of cluster {}: {topics}, {groups}, {offsets} to fetch", plan.cluster_id));
    if let Some(bytes) = plan.estimated_bytes {
        out.line(format!("about {} to fetch, by the sizes of the leaders' logs", units::size(bytes)));
    }
    if let Some(free) = plan.free_bytes {
        out.line(format!("free where the repository lies: {}", units::size(free)));
    }
    settings(out, &plan.settings, &plan.incomplete);
    out.adopted(plan.adopted.as_ref());
    out.section("changed", plan.changes.iter().map(note));
    out.section("open transactions", plan.open_transactions.iter().map(note));
    out.left_out("topic", &plan.excluded_topics);
    out.left_out("group", &plan.excluded_groups);
    out.incomplete(&plan.incomplete);
}

impl Text {
    fn adopted(&mut self, from: Option<&AdoptedFrom>) {
        if let Some(AdoptedFrom { cluster_id, last_snapshot }) = from {
            self.line(format!(
                "adopted: this repository belonged to cluster {cluster_id} up to snapshot {last_snapshot}, which stays restorable"
            ));
        }
    }
}
