//! Carries a plan out: fetch, seal, then commit a snapshot that names exactly what is there.

use std::collections::BTreeMap;

use super::Context;
use super::error::BackupError;
use super::fetch::{Fetch, Fetched, Stop};
use super::partition::Fetching;
use super::plan::{BackupPlan, PlannedPartition, PlannedTopic};
use super::report::{BackupReport, CommittedSnapshot, Note, SettingsReport, StopReason};
use super::resume::{Broken, Continuation};
use super::writers::Writers;
use crate::cluster::Cluster;
use crate::model::{Timestamp, TopicPartition};
use crate::repository::Journal;
use crate::repository::format::{
    Excluded, FORMAT_VERSION, GroupsPart, Incomplete, IncompleteKind, PartRef, PartitionState, Seal, SnapshotHead,
    TopicState, Totals,
};
use crate::repository::{Repository, Run};

/// Bytes of segments in one batch of the journal: that much at most is fetched again after a kill.
const JOURNAL_BYTES: u64 = 64 << 20;

/// Fetches what the plan lacks and commits the snapshot.
pub(super) async fn execute(
    context: Context<'_>,
    mut plan: BackupPlan,
    run: Run,
    started: Timestamp,
) -> Result<BackupReport, BackupError> {
    let run_id = run.id().to_owned();
    let fetching = to_fetch(&plan);
    context.progress.total(plan.estimated_bytes().unwrap_or(0), fetching.len() as u64);
    context.progress.note("fetching");
    let (fetched, stop) = fetch(context, run, fetching).await?;
    let mut done: BTreeMap<TopicPartition, Fetched> =
        fetched.into_iter().map(|one| (one.partition.at.clone(), one)).collect();

    let mut outcome = Outcome::default();
    outcome.incomplete.append(&mut plan.incomplete);
    context.progress.note("writing the index");
    let topics = plan.topics.drain(..).map(|topic| state_of(context, topic, &mut done, &mut outcome));
    let topics = topics.collect::<Result<Vec<_>, _>>()?;
    let mut report = BackupReport {
        snapshot: None,
        cluster_id: plan.cluster_id.clone(),
        parent: plan.parent.as_ref().map(|parent| parent.sequence),
        started,
        finished: started,
        stopped: stop.map(reason),
        totals: outcome.totals,
        fetched_bytes: outcome.fetched_bytes,
        taken_over_segments: outcome.taken_over,
        incomplete: Vec::new(),
        expired: outcome.expired,
        new_lineages: outcome.new_lineages,
        changes: std::mem::take(&mut plan.changes),
        open_transactions: std::mem::take(&mut plan.open_transactions),
        adopted: plan.adopted.clone(),
        excluded_topics: plan.excluded_topics.clone(),
        excluded_groups: plan.groups.excluded.clone(),
        settings: SettingsReport::of(&plan.settings.part),
    };
    if stop.is_none() {
        outcome.incomplete.extend(changed_topics(context.cluster, &topics, &mut report.changes).await?);
        if context.options.accept_gaps {
            let gaps = outcome.incomplete.iter_mut().filter(|one| one.kind == IncompleteKind::Gap);
            gaps.for_each(|one| one.accepted = true);
        }
        let head = head(context, &plan, topics, &outcome.incomplete, &mut report.totals, &run_id, started)?;
        tracing::debug!(phase = "commit", run = run_id, "commit");
        let snapshot = context.repository.commit(head)?;
        let key = context.options.sign_key.as_ref();
        key.map_or(Ok(()), |key| context.repository.sign(&snapshot, key))?;
        let signed = key.is_some();
        report.snapshot = Some(CommittedSnapshot { sequence: snapshot.head.sequence, id: snapshot.id, signed });
    }
    report.incomplete = outcome.incomplete;
    report.finished = Timestamp::now();
    Ok(report)
}

fn reason(stop: Stop) -> StopReason {
    match stop {
        Stop::Cancelled => StopReason::Interrupted,
        Stop::OutOfTime => StopReason::OutOfTime,
    }
}

/// Partitions whose fence lies beyond what is stored, and those whose topic may have been made anew without anybody
/// telling: their last batch is looked at. Nothing is asked of the others.
fn to_fetch(plan: &BackupPlan) -> Vec<Fetching> {
    let mut fetching = Vec::new();
    for topic in &plan.topics {
        for partition in &topic.partitions {
            let Some(bounds) = partition.bounds else { continue };
            let at = TopicPartition::new(topic.name.clone(), partition.partition);
            let one = Fetching::new(at, topic.id, bounds, partition.continuation.clone());
            if partition.offsets_to_fetch() > 0 || one.is_to_be_proved() {
                fetching.push(one);
            }
        }
    }
    fetching
}

async fn fetch(
    context: Context<'_>,
    run: Run,
    partitions: Vec<Fetching>,
) -> Result<(Vec<Fetched>, Option<Stop>), BackupError> {
    if partitions.is_empty() {
        return Ok((Vec::new(), None));
    }
    let run_id = run.id().to_owned();
    let (journal, options) = (Journal::new(run, JOURNAL_BYTES), context.options);
    let writers = Writers::start(context.repository, journal, options.segment_bytes, options.memory_bytes / 2);
    let Context { cluster, options, progress, cancel, .. } = context;
    Fetch::new(cluster, options, run_id, partitions, progress, cancel).await?.run(writers).await
}

/// What is gathered while the topics' states are put together.
#[derive(Debug, Default)]
struct Outcome {
    totals: Totals,
    fetched_bytes: u64,
    taken_over: u64,
    incomplete: Vec<Incomplete>,
    expired: Vec<Note>,
    new_lineages: Vec<Note>,
}

fn state_of(
    context: Context<'_>,
    topic: PlannedTopic,
    done: &mut BTreeMap<TopicPartition, Fetched>,
    outcome: &mut Outcome,
) -> Result<TopicState, BackupError> {
    let mut partitions = Vec::with_capacity(topic.partitions.len());
    for planned in topic.partitions {
        let at = TopicPartition::new(topic.name.clone(), planned.partition);
        let fetched = done.remove(&at);
        partitions.push(partition_state(context.repository, &at, planned, fetched, outcome)?);
    }
    outcome.totals.topics += 1;
    outcome.totals.partitions += partitions.len() as u64;
    Ok(TopicState {
        name: topic.name,
        id: topic.id,
        replication_factor: topic.replication_factor,
        configs: topic.configs,
        effective: topic.effective,
        partitions,
    })
}

fn partition_state(
    repository: &Repository,
    at: &TopicPartition,
    planned: PlannedPartition,
    fetched: Option<Fetched>,
    outcome: &mut Outcome,
) -> Result<PartitionState, BackupError> {
    let mut bounds = planned.bounds;
    let (mut continuation, sealed, reached) = match fetched {
        Some(Fetched { mut partition, seals }) => {
            outcome.incomplete.append(&mut partition.incomplete);
            let reached = partition.is_done() && !partition.damaged;
            bounds = Some(partition.bounds);
            (partition.continuation, seals, reached)
        }
        None => (planned.continuation, Vec::new(), true),
    };
    note_events(at, &continuation, outcome);
    count(&continuation, &sealed, outcome);
    // What is sealed counts, not what was fetched: a partition that was given up may have less.
    let stored_end = sealed.last().map_or(continuation.next, |seal| seal.next);
    let mut seals = std::mem::take(&mut continuation.taken_over);
    seals.extend(sealed);
    let stored = std::mem::take(&mut continuation.segments);
    let stored = match bounds {
        Some(bounds) => repository.without_expired(stored, bounds.log_start)?,
        None => stored,
    };
    let segments = repository.append_seals(stored, seals)?;
    outcome.totals.segments += segments.parts.iter().map(|part| part.seals).sum::<u64>() + segments.tail.len() as u64;
    outcome.totals.bytes += segments.parts.iter().map(|part| part.size).sum::<u64>();
    outcome.totals.bytes += segments.tail.iter().map(|seal| seal.size).sum::<u64>();
    let Some(bounds) = bounds else {
        return Ok(unreached(planned.partition, continuation, segments, planned.fenced));
    };
    // There may be no batch between the last one and the fence.
    let next = if reached { bounds.fence } else { stored_end };
    // Nor does a gap count behind which nothing was sealed: the next run finds it anew.
    continuation.missing.retain(|one| one.range.next <= next);
    Ok(PartitionState {
        partition: planned.partition,
        lineage: continuation.lineage,
        fenced: if reached { None } else { planned.fenced },
        log_start: bounds.log_start,
        last_stable: bounds.last_stable,
        high_watermark: bounds.high_watermark,
        fence: bounds.fence,
        next,
        first: continuation.first,
        missing: continuation.missing,
        segments,
    })
}

/// A partition that no leader answered for: what is stored of it, and nothing more.
fn unreached(
    partition: i32,
    continuation: Continuation,
    segments: crate::repository::format::SegmentList,
    fenced: Option<Timestamp>,
) -> PartitionState {
    PartitionState {
        partition,
        lineage: continuation.lineage,
        fenced,
        log_start: continuation.first,
        last_stable: continuation.next,
        high_watermark: continuation.next,
        fence: continuation.next,
        next: continuation.next,
        first: continuation.first,
        missing: continuation.missing,
        segments,
    }
}

fn note_events(at: &TopicPartition, continuation: &Continuation, outcome: &mut Outcome) {
    let reason = match continuation.broken {
        Some(Broken::Truncated) => "the log does not continue what was stored",
        Some(Broken::TombstonesMayBeGone) => {
            "compacted, and tombstones written since the last snapshot may already be gone"
        }
        Some(Broken::SegmentMissing) => "the newest segment of the last snapshot is missing or not whole",
        None => "",
    };
    if !reason.is_empty() {
        outcome
            .new_lineages
            .push(Note { subject: at.to_string(), detail: format!("read again from its log start: {reason}") });
    }
    if let Some(range) = continuation.expired {
        let detail = format!("offsets {range} expired between two runs");
        outcome.expired.push(Note { subject: at.to_string(), detail });
    }
}

fn count(continuation: &Continuation, sealed: &[Seal], outcome: &mut Outcome) {
    outcome.taken_over += continuation.taken_over.len() as u64;
    outcome.fetched_bytes += sealed.iter().map(|seal| seal.size).sum::<u64>();
    for seal in continuation.taken_over.iter().chain(sealed) {
        outcome.totals.new_segments += 1;
        outcome.totals.new_bytes += seal.size;
        outcome.totals.new_records += seal.records;
    }
}

/// Topics that went away, or were made anew, while they were read; and those that grew, which is no loss: what is new
/// lies after the fences.
async fn changed_topics(
    cluster: &Cluster,
    topics: &[TopicState],
    notes: &mut Vec<Note>,
) -> Result<Vec<Incomplete>, BackupError> {
    let before = cluster.metadata().await?;
    let now = cluster.refresh(&before).await?;
    let changed = topics.iter().filter_map(|topic| {
        let detail = match now.topics.get(&topic.name) {
            Some(found) if found.id == topic.id => {
                let (were, are) = (topic.partitions.len(), found.partitions.len());
                if are > were {
                    let detail =
                        format!("grew from {were} to {are} partitions meanwhile: the next backup takes the new");
                    notes.push(Note { subject: topic.name.to_string(), detail });
                }
                return None;
            }
            Some(found) => {
                format!("was deleted and created anew (id {}) while it was backed up: this is the old one", found.id)
            }
            None => "was deleted while it was backed up".to_owned(),
        };
        Some(Incomplete::new(IncompleteKind::TopicChanged, topic.name.to_string(), detail))
    });
    Ok(changed.collect())
}

fn head(
    context: Context<'_>,
    plan: &BackupPlan,
    topics: Vec<TopicState>,
    incomplete: &[Incomplete],
    totals: &mut Totals,
    run: &str,
    started: Timestamp,
) -> Result<SnapshotHead, BackupError> {
    let repository = context.repository;
    totals.groups = plan.groups.groups.len() as u64;
    let groups = GroupsPart { groups: plan.groups.groups.clone() };
    let excluded = Excluded { topics: plan.excluded_topics.clone(), groups: plan.groups.excluded.clone() };
    let left_out = !(excluded.topics.is_empty() && excluded.groups.is_empty());
    let mut head = SnapshotHead {
        format: FORMAT_VERSION,
        // The repository gives it the next free number.
        sequence: 0,
        repository_id: repository.document().repository_id.clone(),
        cluster_id: plan.cluster_id.clone(),
        run: run.to_owned(),
        run_horizon: plan.run_horizon.clone().unwrap_or_default(),
        parent: plan.parent.clone(),
        origin: None,
        started,
        groups_captured: plan.groups_captured,
        fences_taken: plan.fences_taken,
        committed: Timestamp::now(),
        selection: context.options.selection.clone(),
        topics: repository.write_topics(topics)?,
        groups: PartRef::default(),
        group_names: None,
        settings: Some(repository.put_private_part(&plan.settings.part)?),
        keys: 0,
        excluded: if left_out { Some(repository.put_part(&excluded)?) } else { None },
        incomplete: incomplete.to_vec(),
        totals: *totals,
        ktape_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    repository.put_groups(&mut head, &groups)?;
    Ok(head)
}
