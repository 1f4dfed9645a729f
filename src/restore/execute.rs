//! Carries a plan out: topics, records, positions, settings; in this order, each checked before the next.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Context;
use super::configs;
use super::error::RestoreError;
use super::groups::{self, Translations};
use super::plan::{PlannedTopic, RestorePlan};
use super::produce::{Produce, Work};
use super::readers::Ended;
use super::report::{RestoreReport, RestoredTopic};
use super::settings;
use super::source::{Admitted, Source};
use super::state::State;
use super::target;
use crate::batch::{Codec, CodecSet};
use crate::cluster::{Cluster, ConfigChange, Metadata, OffsetSpec, ProducerIdentity};
use crate::model::{Timestamp, TopicId, TopicName, TopicPartition};
use crate::repository::format::{RestoreTopics, TargetPartition, TargetTopic};

/// How long new topics may take until all their partitions have leaders.
const CREATION_DEADLINE: Duration = Duration::from_secs(60);
/// Pause between two looks at new topics.
const CREATION_PAUSE: Duration = Duration::from_millis(200);

/// Restores what the plan holds.
pub(super) async fn execute(
    context: Context<'_>,
    mut plan: RestorePlan,
    started: Timestamp,
) -> Result<RestoreReport, RestoreError> {
    let Context { cluster, repository, options, progress, .. } = context;
    let producer = cluster.init_producer_id().await?;
    let state = State::begin(repository, &plan, options, producer, started)?;
    progress.note("creating topics");
    let topics = create_topics(cluster, &plan).await?;
    state.topics(&topics)?;

    progress.note("restoring records");
    let (ended, produce_notes) = produce(context, &mut plan, &topics, producer, &state).await?;
    check_log_ends(cluster, &ended).await?;

    progress.note("committing group offsets");
    let translations: Translations = ended
        .iter()
        .map(|one| ((one.source.topic.clone(), one.source.partition), one.ended.positions.clone()))
        .collect();
    let groups = groups::restore(cluster, &plan.groups, &translations).await;

    progress.note("putting topic settings back");
    let settings = settings::put_back(cluster, options, &plan).await?;
    let held = settings::held(&plan, &topics);
    let mut incomplete = std::mem::take(&mut plan.passed_over);
    incomplete.extend(settings.failed);
    state.done(held.clone())?;
    let restored = report_topics(&plan, &topics, &ended);
    let mut admitted = Admitted::default();
    for topic in &restored {
        admitted.add(&topic.admitted);
    }
    incomplete.extend(restored.iter().flat_map(without_outcome));
    let mut notes = std::mem::take(&mut plan.notes);
    notes.retain(|note| !incomplete.contains(note));
    notes.extend(restored.iter().filter_map(open_at_cut));
    notes.extend(produce_notes);
    notes.extend(what_next(&plan));
    Ok(RestoreReport {
        snapshot: plan.snapshot.head.sequence,
        snapshot_id: plan.snapshot.id.clone(),
        source_cluster_id: plan.snapshot.head.cluster_id.clone(),
        target_cluster_id: plan.target_cluster_id.clone(),
        started,
        finished: Timestamp::now(),
        state: state.folder().path().to_owned(),
        topics: restored,
        cuts: std::mem::take(&mut plan.cuts),
        admitted,
        groups: groups.groups,
        adjusted: groups.adjusted,
        lost: groups.lost,
        configs_left_out: settings.left_out,
        held,
        incomplete,
        notes,
    })
}

/// Creates what is absent, makes what is there but empty ready, and waits until every partition has a leader.
async fn create_topics(cluster: &Cluster, plan: &RestorePlan) -> Result<RestoreTopics, RestoreError> {
    for (topic, answer) in cluster.create_topics(target::new_topics(plan), false).await {
        answer.map_err(|error| target::cannot_create(topic, &error))?;
    }
    let ready = |topic: &PlannedTopic| {
        let configs = configs::while_restoring(topic, plan.limits);
        let changes = configs.into_iter().map(|(name, value)| ConfigChange { name, value: Some(value) });
        (topic.target.clone(), changes.collect())
    };
    let existing: Vec<_> = plan.topics.iter().filter(|topic| topic.exists).map(ready).collect();
    for (_, answer) in cluster.alter_topic_configs(existing).await {
        answer?;
    }
    let metadata = wait_for_leaders(cluster, &plan.topics).await?;
    let partitions: Vec<TopicPartition> = plan
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|one| TopicPartition::new(topic.target.clone(), one.partition)))
        .collect();
    let ends = target::offsets(cluster, &partitions, OffsetSpec::LogEnd).await?;
    let topics = plan.topics.iter().map(|topic| TargetTopic {
        source: topic.state.name.clone(),
        target: topic.target.clone(),
        id: metadata.topics.get(&topic.target).map_or(TopicId::ZERO, |found| found.id),
        created: !topic.exists,
        partitions: topic
            .partitions
            .iter()
            .map(|one| TargetPartition {
                partition: one.partition,
                keep: one.keep,
                base: ends.get(&TopicPartition::new(topic.target.clone(), one.partition)).copied().unwrap_or(0),
                preserved: false,
            })
            .collect(),
    });
    Ok(RestoreTopics { topics: topics.collect() })
}

async fn wait_for_leaders(cluster: &Cluster, topics: &[PlannedTopic]) -> Result<Arc<Metadata>, RestoreError> {
    let deadline = Instant::now() + CREATION_DEADLINE;
    let mut metadata = cluster.metadata().await?;
    loop {
        metadata = cluster.refresh(&metadata).await?;
        let Some(at) = without_leader(&metadata, topics) else { return Ok(metadata) };
        if Instant::now() >= deadline {
            let cause = format!("no leader after {} s", CREATION_DEADLINE.as_secs());
            return Err(RestoreError::Partition { partition: at, offset: -1, cause });
        }
        tokio::time::sleep(CREATION_PAUSE).await;
    }
}

fn without_leader(metadata: &Metadata, topics: &[PlannedTopic]) -> Option<TopicPartition> {
    topics.iter().find_map(|topic| {
        topic.partitions.iter().find_map(|one| {
            let at = TopicPartition::new(topic.target.clone(), one.partition);
            metadata.partition(&at).is_none_or(|found| found.leader < 0).then_some(at)
        })
    })
}

/// One restored partition.
struct Restored {
    source: TopicPartition,
    target: TopicPartition,
    ended: Ended,
}

async fn produce(
    context: Context<'_>,
    plan: &mut RestorePlan,
    topics: &RestoreTopics,
    producer: ProducerIdentity,
    state: &State,
) -> Result<(Vec<Restored>, Vec<String>), RestoreError> {
    let codecs = target_codecs(context.cluster);
    let mut positions = positions(plan);
    let (mut work, mut bytes) = (Vec::new(), 0);
    for (topic, target) in plan.topics.iter_mut().zip(&topics.topics) {
        for (partition, planned) in topic.partitions.iter_mut().zip(&target.partitions) {
            let source = TopicPartition::new(topic.state.name.clone(), partition.partition);
            bytes += partition.bytes;
            work.push(Work {
                at: TopicPartition::new(target.target.clone(), partition.partition),
                topic_id: target.id,
                positions: positions.remove(&source).unwrap_or_default(),
                source: Source {
                    at: source,
                    segments: std::mem::take(&mut partition.segments),
                    keep: partition.keep,
                    producer,
                    target_codecs: codecs,
                    target_base: planned.base,
                    from: planned.base,
                },
            });
        }
    }
    context.progress.total(bytes, work.len() as u64);
    let produced = Produce::new(context, state.folder(), &work, false).await?.run().await?;
    let pairs = work.into_iter().zip(produced.ended);
    let restored = pairs.map(|(work, ended)| Restored { source: work.source.at, target: work.at, ended });
    Ok((restored.collect(), produced.notes))
}

fn target_codecs(cluster: &Cluster) -> CodecSet {
    if cluster.features().zstd { CodecSet::ALL } else { CodecSet::ALL.without(Codec::Zstd) }
}

/// Source offsets to translate, by partition.
fn positions(plan: &RestorePlan) -> HashMap<TopicPartition, Vec<i64>> {
    let mut positions: HashMap<TopicPartition, Vec<i64>> = HashMap::new();
    for commit in plan.groups.iter().flat_map(|group| &group.commits) {
        let at = TopicPartition::new(commit.offset.topic.clone(), commit.offset.partition);
        positions.entry(at).or_default().push(commit.offset.committed.offset);
    }
    positions
}

/// What the leaders hold must be what was sent, all of it decided.
async fn check_log_ends(cluster: &Cluster, restored: &[Restored]) -> Result<(), RestoreError> {
    let partitions: Vec<TopicPartition> = restored.iter().map(|one| one.target.clone()).collect();
    let ends = target::offsets(cluster, &partitions, OffsetSpec::LogEnd).await?;
    for one in restored {
        let found = ends.get(&one.target).copied().unwrap_or(-1);
        if found != one.ended.log_end {
            let planned = one.ended.log_end;
            return Err(RestoreError::ForeignWriter { partition: one.target.clone(), planned, found });
        }
    }
    Ok(())
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
    if any(|name| name.ends_with("-changelog")) {
        notes.push("Kafka Streams changelogs are among the topics and offsets moved: delete the applications' local state before starting them".to_owned());
    }
    if any(|name| name.starts_with("connect-")) {
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
