//! Carries a comparison out: several partitions at a time, then the groups.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::Context;
use super::error::CompareError;
use super::groups::{self, Translations};
use super::partition::{self, Compared, Job};
use super::plan::{Plan, PlannedPartition};
use super::report::{CompareReport, Difference, Kind, NotCompared, Since};
use crate::model::Timestamp;
use crate::reader::{ReaderOptions, Readers};

/// How often the progress is told.
const TICK: Duration = Duration::from_millis(200);

/// Compares what the plan holds.
pub(super) async fn execute(
    context: Context<'_>,
    mut plan: Plan,
    started: Timestamp,
) -> Result<CompareReport, CompareError> {
    let mut report = begin(&plan, context, started);
    let partitions = std::mem::take(&mut plan.partitions);
    let bytes = partitions.iter().map(bytes_of).sum();
    context.progress.total(bytes, partitions.len() as u64);
    context.progress.note("comparing records");
    let mut translations = Translations::new();
    let mut topics = BTreeSet::new();
    for compared in records(context, &plan, partitions).await? {
        if let Some(positions) = &compared.positions {
            translations.insert(compared.planned.source.clone(), positions.clone());
        }
        topics.insert(compared.planned.source.topic.clone());
        take(&mut report, compared);
    }
    report.topics = topics.len() as u64;
    if !context.cancel.is_cancelled() {
        context.progress.note("comparing consumer groups");
        take_groups(&mut report, groups::compare(context, &plan, &translations).await?);
    }
    report.complete = !context.cancel.is_cancelled();
    report.not_compared.extend(plan.not_compared);
    report.notes.extend(plan.notes);
    report.finished = Timestamp::now();
    Ok(report)
}

fn begin(plan: &Plan, context: Context<'_>, started: Timestamp) -> CompareReport {
    CompareReport {
        snapshot: plan.snapshot.head.sequence,
        snapshot_id: plan.snapshot.id.clone(),
        source_cluster_id: plan.snapshot.head.cluster_id.clone(),
        cluster_id: context.cluster.cluster_id(),
        against: plan.against.clone(),
        started,
        finished: started,
        complete: false,
        topics: 0,
        partitions: 0,
        records: 0,
        bytes: 0,
        batches_by_bytes: 0,
        records_one_by_one: 0,
        groups: 0,
        offsets: 0,
        differences: Vec::new(),
        differences_total: 0,
        not_compared: Vec::new(),
        since: Vec::new(),
        notes: Vec::new(),
    }
}

fn bytes_of(planned: &PlannedPartition) -> u64 {
    let parts = planned.segments.parts.iter().map(|part| part.size);
    parts.chain(planned.segments.tail.iter().map(|seal| seal.size)).sum()
}

/// Compares the records of all partitions, in the order of their names.
async fn records(
    context: Context<'_>,
    plan: &Plan,
    partitions: Vec<PlannedPartition>,
) -> Result<Vec<Compared>, CompareError> {
    let readers = Readers::new(context.cluster, ReaderOptions::default());
    let mut positions = groups::positions(&plan.groups);
    let fetched = Arc::new(AtomicU64::new(0));
    let mut waiting = partitions.into_iter().map(|planned| Job {
        positions: positions.remove(&planned.source).unwrap_or_default(),
        restore: plan.known.as_ref().map(|known| (known.folder.clone(), known.released.contains(&planned.at.topic))),
        planned,
        repository: context.repository.clone(),
        cancel: context.cancel.clone(),
        fetched: Arc::clone(&fetched),
    });
    let (mut under_way, mut done, mut told) = (JoinSet::new(), Vec::new(), 0);
    let mut tick = tokio::time::interval(TICK);
    loop {
        while under_way.len() < context.options.partitions_at_a_time.max(1) && !context.cancel.is_cancelled() {
            let Some(job) = waiting.next() else { break };
            under_way.spawn(partition::compare(job, readers.clone()));
        }
        tokio::select! {
            ended = under_way.join_next() => match ended {
                None => break,
                Some(compared) => {
                    done.push(compared.map_err(|_| CompareError::Thread)??);
                    context.progress.partition_done();
                }
            },
            _ = tick.tick() => {}
        }
        let now = fetched.load(Ordering::Relaxed);
        context.progress.advance(now - told);
        told = now;
    }
    done.sort_by(|a, b| a.planned.source.cmp(&b.planned.source));
    Ok(done)
}

fn take(report: &mut CompareReport, compared: Compared) {
    let Compared { planned, mut tally, bytes, decided, cancelled, .. } = compared;
    report.records += tally.equal;
    report.bytes += bytes;
    report.batches_by_bytes += tally.by_bytes;
    report.records_one_by_one += tally.one_by_one;
    report.differences_total += tally.differences;
    match (tally.not_compared.take(), cancelled) {
        (Some(reason), _) => report.not_compared.push(NotCompared { subject: planned.at.to_string(), reason }),
        (None, true) => {}
        (None, false) => report.partitions += 1,
    }
    let since = Since {
        subject: planned.at.to_string(),
        expired_offsets: planned.expired + tally.expired,
        compacted_records: tally.compacted,
        written_offsets: u64::try_from(planned.high_watermark - planned.range.next).unwrap_or(0),
        decided_records: decided,
        detail: None,
    };
    if !since.is_empty() {
        report.since.push(since);
    }
    let further = tally.differences.saturating_sub(1);
    report.differences.extend(tally.first.map(|odd| Difference {
        group: None,
        topic: planned.source.topic.to_string(),
        target: planned.at.topic.to_string(),
        partition: planned.at.partition,
        source_offset: odd.source,
        target_offset: odd.target,
        what: Kind::Record(odd.what),
        detail: odd.detail,
        further,
    }));
}

fn take_groups(report: &mut CompareReport, outcome: groups::Outcome) {
    report.groups = outcome.groups;
    report.offsets = outcome.equal;
    report.differences_total += outcome.differences.len() as u64;
    report.differences.extend(outcome.differences);
    report.not_compared.extend(outcome.not_compared);
    report.since.extend(outcome.since);
}
