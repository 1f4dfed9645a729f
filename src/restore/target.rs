//! Asks the target whether it can take what the plan holds. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::{Duration, Instant};

use super::configs;
use super::error::RestoreError;
use super::hold;
use super::limits::Limits;
use super::options::RestoreOptions;
use super::plan::{PlannedTopic, RestorePlan};
use super::rights;
use crate::cluster::{Cluster, ErrorCode, Metadata, NewTopic, OffsetSpec};
use crate::model::{GroupId, OffsetRange, Timestamp, TopicName, TopicPartition};

/// How long a topic that exists may not be shown.
const NOT_YET_KNOWN: Duration = Duration::from_secs(10);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// What an earlier attempt has done: it is not checked again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SoFar {
    /// All topics exist, and may hold records.
    pub topics: bool,
    /// Positions are committed: consumers may run since.
    pub groups: bool,
}

/// Checks everything that can be known before the first change, and fills in what the plan wants to know.
pub(super) async fn check(
    cluster: &Cluster,
    options: &RestoreOptions,
    plan: &mut RestorePlan,
    so_far: SoFar,
) -> Result<(), RestoreError> {
    let mut metadata = cluster.metadata().await?;
    if so_far.topics {
        plan.topics.iter_mut().for_each(|topic| topic.exists = true);
    } else {
        check_topics(cluster, &metadata, &mut plan.topics).await?;
    }
    check_replicas(&metadata, &plan.topics)?;
    if !so_far.groups {
        check_groups(cluster, plan).await?;
    }
    if !so_far.topics {
        rights::check(cluster, plan).await?;
    }
    plan.limits = match rights::broker_limits(cluster, &metadata).await? {
        Some(limits) => limits,
        None => rights::assumed_limits(cluster, plan).await?,
    };
    plan.offsets_retention_minutes = plan.limits.offsets_retention_minutes;
    check_sizes(plan)?;
    let begun = Instant::now();
    while let Some(topic) = check_creation(cluster, plan).await? {
        if begun.elapsed() >= NOT_YET_KNOWN {
            return Err(cannot_create(topic, "it exists, but the brokers do not show it"));
        }
        tokio::time::sleep(PAUSE).await;
        metadata = cluster.refresh(&metadata).await?;
        check_topics(cluster, &metadata, &mut plan.topics).await?;
    }
    let now = latest_time(cluster, plan).await;
    note_settings(plan, options, now);
    Ok(())
}

/// Topics must be absent, or empty with the same number of partitions.
async fn check_topics(cluster: &Cluster, metadata: &Metadata, topics: &mut [PlannedTopic]) -> Result<(), RestoreError> {
    let mut partitions = Vec::new();
    for topic in topics.iter_mut() {
        let Some(found) = metadata.topics.get(&topic.target) else { continue };
        topic.exists = true;
        if found.partitions.len() != topic.partitions.len() {
            return Err(RestoreError::PartitionCount {
                topic: topic.target.clone(),
                found: found.partitions.len(),
                needed: topic.partitions.len(),
            });
        }
        partitions.extend(found.partitions.keys().map(|one| TopicPartition::new(topic.target.clone(), *one)));
    }
    if partitions.is_empty() {
        return Ok(());
    }
    let starts = offsets(cluster, &partitions, OffsetSpec::Earliest).await?;
    let ends = offsets(cluster, &partitions, OffsetSpec::LogEnd).await?;
    for at in partitions {
        let (Some(base), Some(next)) = (starts.get(&at).copied(), ends.get(&at).copied()) else { continue };
        if base != next {
            let range = OffsetRange { base, next };
            return Err(RestoreError::NotEmpty { topic: at.topic, partition: at.partition, range });
        }
    }
    Ok(())
}

/// One offset of each partition; an error of any is the error of all.
pub(super) async fn offsets(
    cluster: &Cluster,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
) -> Result<BTreeMap<TopicPartition, i64>, RestoreError> {
    let mut offsets = BTreeMap::new();
    for (at, answer) in cluster.list_offsets(partitions, spec).await? {
        offsets.insert(at, answer?.offset);
    }
    Ok(offsets)
}

fn check_replicas(metadata: &Metadata, topics: &[PlannedTopic]) -> Result<(), RestoreError> {
    let brokers = metadata.brokers.len();
    for topic in topics.iter().filter(|topic| !topic.exists) {
        if usize::try_from(topic.replication_factor).is_ok_and(|needed| needed > brokers) {
            let (topic, needed) = (topic.target.clone(), topic.replication_factor);
            return Err(RestoreError::TooFewBrokers { topic, needed, brokers });
        }
    }
    Ok(())
}

/// A group with members would not see what is committed for it. Only groups that the target lists are asked about:
/// asking for the coordinator of another would create `__consumer_offsets`.
async fn check_groups(cluster: &Cluster, plan: &mut RestorePlan) -> Result<(), RestoreError> {
    let listing = cluster.list_groups().await;
    for (node, error) in &listing.unanswered {
        plan.notes.push(format!("broker {node} did not list its groups, so active ones may be overlooked: {error}"));
    }
    let listed: BTreeSet<&GroupId> = listing.groups.iter().map(|group| &group.id).collect();
    let shared: Vec<GroupId> =
        plan.groups.iter().map(|group| &group.id).filter(|id| listed.contains(id)).cloned().collect();
    let mut active = Vec::new();
    for (id, answer) in cluster.describe_groups(&shared).await {
        if answer?.members > 0 {
            active.push(format!("{:?}", id.as_str()));
        }
    }
    if !active.is_empty() {
        return Err(RestoreError::ActiveGroups(active.join(", ")));
    }
    if !shared.is_empty() {
        plan.notes.push(format!("{} of the groups exist in the target; their offsets will be replaced", shared.len()));
    }
    Ok(())
}

/// One topic as it is to be created.
pub(super) fn new_topic(plan: &RestorePlan, name: &TopicName) -> Option<NewTopic> {
    plan.topics.iter().find(|topic| topic.target == *name).map(|topic| created(topic, plan.limits))
}

/// The topics to create, as they are while restoring.
pub(super) fn new_topics(plan: &RestorePlan) -> Vec<NewTopic> {
    let absent = plan.topics.iter().filter(|topic| !topic.exists);
    absent.map(|topic| created(topic, plan.limits)).collect()
}

fn created(topic: &PlannedTopic, limits: Limits) -> NewTopic {
    NewTopic {
        name: topic.target.clone(),
        partitions: i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX),
        replication_factor: topic.replication_factor,
        configs: configs::while_restoring(topic, limits),
    }
}

/// Gives a topic that is there although it was not a moment ago: a request of an attempt that was cut off came late, or
/// the broker that was asked lags behind.
async fn check_creation(cluster: &Cluster, plan: &RestorePlan) -> Result<Option<TopicName>, RestoreError> {
    let mut appeared = None;
    for (topic, answer) in cluster.create_topics(new_topics(plan), true).await {
        match answer {
            Ok(_) => {}
            Err(error) if error.code() == Some(ErrorCode::TOPIC_ALREADY_EXISTS) => appeared = Some(topic),
            Err(error) if error.code().is_some_and(ErrorCode::is_authorization) => return Err(error.into()),
            Err(error) => return Err(cannot_create(topic, error)),
        }
    }
    Ok(appeared)
}

/// The target's refusal to create a topic.
pub(super) fn cannot_create(topic: TopicName, reason: impl Display) -> RestoreError {
    RestoreError::CannotCreate { topic, reason: reason.to_string() }
}

/// No topic setting makes a broker take a larger request.
fn check_sizes(plan: &RestorePlan) -> Result<(), RestoreError> {
    for topic in &plan.topics {
        if let Some(limit) = plan.limits.refuses_batch(topic.max_batch) {
            return Err(RestoreError::BatchTooLarge { topic: topic.target.clone(), bytes: topic.max_batch, limit });
        }
    }
    Ok(())
}

/// What time it is at the latest, for all that is known: this host's clock may be behind, and the target deletes by its own.
async fn latest_time(cluster: &Cluster, plan: &RestorePlan) -> Timestamp {
    // Not every broker tells, nor everybody.
    let theirs = cluster.read_clock().await.ok().flatten().map(|reading| reading.theirs);
    [Some(Timestamp::now()), Some(plan.snapshot.head.committed), theirs].into_iter().flatten().max().unwrap_or_default()
}

/// Decides what retention to hold, and tells what else the target's settings will do.
fn note_settings(plan: &mut RestorePlan, options: &RestoreOptions, now: Timestamp) {
    let limits = plan.limits.with_defaults(plan.settings.new_defaults());
    for topic in &mut plan.topics {
        topic.hold = hold::hold(topic, &options.topic_configs, limits, now);
        if let Some(hold) = &topic.hold {
            plan.notes.push(format!(
                "topic {}: its retention will be held until `restore --release`: {}",
                topic.target, hold.reason
            ));
        }
        let insync = configs::final_value(topic, &options.topic_configs, "min.insync.replicas");
        let insync = insync.and_then(|text| text.parse().ok()).or(limits.min_insync_replicas);
        if let Some(needed) = insync.filter(|needed| (1..*needed).contains(&i64::from(topic.replication_factor))) {
            plan.notes.push(format!(
                "topic {}: min.insync.replicas={needed} is more than its {} replica(s): afterwards producers with \
                 acks=all will be refused",
                topic.target, topic.replication_factor
            ));
        }
    }
    for group in &plan.groups {
        let texts = group.commits.iter().filter_map(|commit| commit.offset.committed.metadata.as_deref());
        plan.notes.extend(texts.filter_map(|text| limits.refuses_metadata(&group.id, text)).take(1));
    }
}
