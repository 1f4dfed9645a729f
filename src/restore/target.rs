//! Asks the target whether it can take what the plan holds. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::configs;
use super::error::RestoreError;
use super::options::RestoreOptions;
use super::plan::{PlannedTopic, RestorePlan};
use crate::cluster::{BrokerConfig, Cluster, Metadata, NewTopic, OffsetSpec};
use crate::model::{GroupId, OffsetRange, TopicName, TopicPartition};

/// Which limits on message timestamps a topic of the target has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// `message.timestamp.before.max.ms` and `message.timestamp.after.max.ms` (KIP-937, 3.6+).
    before_and_after: bool,
    /// `message.timestamp.difference.max.ms` (until 3.9).
    difference: bool,
}

impl Limits {
    /// From the names that a broker has for them.
    fn of_broker(configs: &[BrokerConfig]) -> Self {
        let has = |name: &str| configs.iter().any(|config| config.name == name);
        let before_and_after = has("log.message.timestamp.after.max.ms");
        Self { before_and_after, difference: !before_and_after && has("log.message.timestamp.difference.max.ms") }
    }

    /// Topic settings to lift while restoring.
    pub fn lifted(self) -> Vec<&'static str> {
        let mut names = Vec::new();
        if self.before_and_after {
            names.extend(["message.timestamp.after.max.ms", "message.timestamp.before.max.ms"]);
        }
        if self.difference {
            names.push("message.timestamp.difference.max.ms");
        }
        names
    }
}

/// Checks everything that can be known before the first change, and fills in what the plan wants to know.
pub(super) async fn check(
    cluster: &Cluster,
    options: &RestoreOptions,
    plan: &mut RestorePlan,
) -> Result<(), RestoreError> {
    let metadata = cluster.metadata().await?;
    check_topics(cluster, &metadata, &mut plan.topics).await?;
    check_replicas(&metadata, &plan.topics)?;
    check_groups(cluster, plan).await?;
    if let Some(node) = metadata.brokers.keys().next() {
        let configs = cluster.describe_broker_configs(*node).await?;
        plan.limits = Limits::of_broker(&configs);
        let minutes = configs.iter().find(|config| config.name == "offsets.retention.minutes");
        plan.offsets_retention_minutes = minutes.and_then(|config| config.value.as_deref()?.parse().ok());
    }
    check_creation(cluster, plan).await?;
    note_retention(plan, options);
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

/// The topics to create, as they are while restoring.
pub(super) fn new_topics(plan: &RestorePlan) -> Vec<NewTopic> {
    let absent = plan.topics.iter().filter(|topic| !topic.exists);
    absent
        .map(|topic| NewTopic {
            name: topic.target.clone(),
            partitions: i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX),
            replication_factor: topic.replication_factor,
            configs: configs::while_restoring(topic, plan.limits),
        })
        .collect()
}

async fn check_creation(cluster: &Cluster, plan: &RestorePlan) -> Result<(), RestoreError> {
    for (topic, answer) in cluster.create_topics(new_topics(plan), true).await {
        if let Err(error) = answer {
            return Err(cannot_create(topic, &error));
        }
    }
    Ok(())
}

/// The target's refusal to create a topic.
pub(super) fn cannot_create(topic: TopicName, error: &dyn std::error::Error) -> RestoreError {
    RestoreError::CannotCreate { topic, reason: error.to_string() }
}

/// Tells which topics will lose restored data to their own retention as soon as it is put back.
fn note_retention(plan: &mut RestorePlan, options: &RestoreOptions) {
    let now = crate::model::Timestamp::now().0;
    for topic in &plan.topics {
        let set = options.topic_configs.iter().rev().find(|one| {
            one.name == "retention.ms" && one.topic.as_deref().is_none_or(|name| name == topic.target.as_str())
        });
        let effective = topic.state.effective.iter().find(|entry| entry.name == "retention.ms");
        let value = set.map(|one| one.value.as_str()).or(effective.and_then(|entry| entry.value.as_deref()));
        let Some(retention) = value.and_then(|text| text.parse::<i64>().ok()).filter(|ms| *ms >= 0) else { continue };
        let compacted = topic
            .state
            .effective
            .iter()
            .any(|entry| entry.name == "cleanup.policy" && entry.value.as_deref() == Some("compact"));
        if !compacted && topic.max_timestamp.0 >= 0 && now.saturating_sub(topic.max_timestamp.0) > retention {
            plan.notes.push(format!(
                "topic {}: its newest record ({}) is older than retention.ms={retention}; the target will delete it",
                topic.target, topic.max_timestamp
            ));
        }
    }
}
