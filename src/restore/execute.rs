//! Carries a plan out: topics, records, positions, settings; in this order, each checked before the next.

use std::collections::HashMap;

use super::Context;
use super::error::RestoreError;
use super::groups;
use super::plan::RestorePlan;
use super::preserve;
use super::records::{self, Restored};
use super::report::{RestoreReport, RestoredTopic};
use super::settings;
use super::source::Admitted;
use super::state::State;
use super::topics;
use super::wide;
use crate::model::{Timestamp, TopicName};
use crate::repository::format::RestoreTopics;

/// Restores what the plan holds, from wherever an earlier attempt was cut off.
pub(super) async fn execute(
    context: Context<'_>,
    mut plan: RestorePlan,
    mut state: State,
) -> Result<RestoreReport, RestoreError> {
    let Context { cluster, options, progress, .. } = context;
    if state.topics.is_none() {
        progress.note("creating topics");
        topics::make(cluster, &mut plan, &mut state).await?;
    }
    let topics = state.topics.clone().unwrap_or_default();
    progress.note("restoring records");
    let mut records = records::restore(context, &mut plan, &mut state).await?;
    progress.note("committing group offsets");
    let groups = groups::restore(cluster, &plan.groups, &records.translations(), &mut state).await?;

    progress.note("putting topic settings back");
    let settings = settings::put_back(cluster, options, &plan).await?;
    progress.note("adding settings of the cluster");
    let of_cluster = wide::apply(cluster, std::mem::take(&mut plan.settings)).await;
    let held = settings::held(&plan, &topics);
    let mut incomplete = std::mem::take(&mut plan.passed_over);
    incomplete.extend(settings.failed);
    let restored = report_topics(&plan, &topics, &records.restored);
    let mut admitted = Admitted::default();
    for topic in &restored {
        admitted.add(&topic.admitted);
    }
    incomplete.extend(restored.iter().flat_map(without_outcome));
    let mut notes = std::mem::take(&mut plan.notes);
    notes.retain(|note| !incomplete.contains(note));
    notes.extend(restored.iter().filter_map(open_at_cut));
    notes.append(&mut records.notes);
    notes.extend(what_next(&plan));
    let report = RestoreReport {
        snapshot: plan.snapshot.head.sequence,
        snapshot_id: plan.snapshot.id.clone(),
        source_cluster_id: plan.snapshot.head.cluster_id.clone(),
        target_cluster_id: plan.target_cluster_id.clone(),
        started: state.started(),
        finished: Timestamp::now(),
        state: state.shown(options),
        topics: restored,
        cuts: std::mem::take(&mut plan.cuts),
        admitted,
        groups: groups.groups,
        adjusted: groups.adjusted,
        lost: groups.lost,
        configs_left_out: settings.left_out,
        held,
        settings: of_cluster,
        incomplete,
        notes,
        preserved: preserve::preserved(&topics),
        translated: topics.translated.clone(),
        resumed: state.resumed,
        was_finished: false,
    };
    state.done(&report, report.held.clone())?;
    Ok(report)
}

fn report_topics(plan: &RestorePlan, topics: &RestoreTopics, restored: &[Restored]) -> Vec<RestoredTopic> {
    let mut admitted: HashMap<&TopicName, Admitted> = HashMap::new();
    for one in restored {
        admitted.entry(&one.source.topic).or_default().add(&one.ended.admitted);
    }
    let both = plan.topics.iter().zip(&topics.topics);
    both.map(|(topic, target)| RestoredTopic {
        source: topic.state.name.to_string(),
        target: topic.target.to_string(),
        created: target.created,
        partitions: topic.partitions.len(),
        admitted: admitted.remove(&topic.state.name).unwrap_or_default(),
    })
    .collect()
}

/// Data that is not restored because its transactions have no outcome in the snapshot: a loss, unlike aborted data.
fn without_outcome(topic: &RestoredTopic) -> Vec<String> {
    let losses = [
        (topic.admitted.dropped_lost, "whose outcome lies in offsets that were never backed up"),
        (topic.admitted.dropped_open, "that were still open where the snapshot's data ends"),
    ];
    let told = losses.into_iter().filter(|(batches, _)| *batches > 0);
    told.map(|(batches, why)| {
        format!("topic {}: {batches} batches of transactions {why} are not restored", topic.target)
    })
    .collect()
}

/// Data that is not restored because its transactions end behind the cut: it follows from what was asked for.
fn open_at_cut(topic: &RestoredTopic) -> Option<String> {
    let batches = topic.admitted.dropped_open_at_cut;
    let left = || {
        format!("topic {}: {batches} batches of transactions that are open at the cut are not restored", topic.target)
    };
    (batches > 0).then(left)
}

/// What to do next, from what was found.
fn what_next(plan: &RestorePlan) -> Vec<String> {
    let mut notes = Vec::new();
    let names: Vec<&str> = plan.topics.iter().map(|topic| topic.state.name.as_str()).collect();
    let any = |test: fn(&&&str) -> bool| names.iter().any(|name| test(&name));
    let moved: Vec<&str> =
        plan.topics.iter().filter(|topic| preserve::moves(topic)).map(|topic| topic.state.name.as_str()).collect();
    if moved.iter().any(|name| name.ends_with("-changelog")) {
        notes.push("Kafka Streams changelogs are among the topics and offsets moved: delete the applications' local state before starting them".to_owned());
    }
    if moved.iter().any(|name| name.starts_with("connect-")) {
        notes.push("Kafka Connect's topics are among the topics: sources that keep Kafka offsets in them (MirrorMaker) must be checked".to_owned());
    }
    if any(|name| **name == "_schemas") {
        notes.push(
            "a schema registry's topic is among the topics: start the registry after the restore, not before"
                .to_owned(),
        );
    }
    if let Some(minutes) = plan.offsets_retention_minutes.filter(|_| !plan.groups.is_empty()) {
        notes.push(format!("the target forgets committed offsets of groups without members after {minutes} minutes"));
    }
    notes
}
