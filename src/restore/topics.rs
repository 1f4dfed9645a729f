//! Makes the topics, and makes sure of them. Everything here may be done twice: a topic may have been created by an
//! attempt that was cut off, or by a request whose answer was lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::configs;
use super::error::RestoreError;
use super::plan::{PlannedTopic, RestorePlan};
use super::preserve;
use super::state::State;
use super::target;
use crate::cluster::{Cluster, ClusterError, ConfigChange, ErrorCode, Metadata, OffsetSpec, Outcome};
use crate::model::{Classify, OffsetRange, TopicId, TopicName, TopicPartition, describe};
use crate::repository::format::{RestoreTopics, TargetPartition, TargetTopic};

/// How long new topics may take until all their partitions have leaders.
const DEADLINE: Duration = Duration::from_secs(60);
/// Pause between two looks at new topics.
const PAUSE: Duration = Duration::from_millis(200);

/// Creates what is absent, makes what is there but empty ready, waits until every partition has a leader, and writes
/// down where each begins.
pub(super) async fn make(cluster: &Cluster, plan: &mut RestorePlan, state: &mut State) -> Result<(), RestoreError> {
    tracing::debug!(phase = "create", topics = plan.topics.len(), "creating topics");
    let found = create(cluster, plan).await?;
    tracing::debug!(phase = "create", "topics are there");
    let ready = |topic: &PlannedTopic| {
        let configs = configs::while_restoring(topic, plan.limits);
        let changes = configs.into_iter().map(|(name, value)| ConfigChange { name, value: Some(value) });
        (topic.target.clone(), changes.collect())
    };
    let found: Vec<_> = plan.topics.iter().filter(|topic| found.contains(&topic.target)).map(ready).collect();
    for (_, answer) in cluster.alter_topic_configs(found).await {
        answer?;
    }
    let metadata = wait_for_leaders(cluster, &plan.topics).await?;
    let bases = bases(cluster, plan).await?;
    preserve::decide_again(cluster, &mut plan.topics, &bases).await?;
    let base = |topic: &PlannedTopic, partition: i32| {
        bases.get(&TopicPartition::new(topic.target.clone(), partition)).copied().unwrap_or(0)
    };
    let topics = plan.topics.iter().map(|topic| TargetTopic {
        source: topic.state.name.clone(),
        target: topic.target.clone(),
        id: metadata.topics.get(&topic.target).map_or(TopicId::ZERO, |found| found.id),
        again: false,
        created: !state.existed(&topic.target),
        partitions: topic
            .partitions
            .iter()
            .map(|one| {
                let preserved = one.preserving.as_ref().is_some_and(|it| it.why_not.is_none());
                let base = if preserved { one.keep.base } else { base(topic, one.partition) };
                TargetPartition { partition: one.partition, keep: one.keep, base, preserved }
            })
            .collect(),
    });
    let topics = RestoreTopics { topics: topics.collect(), translated: preserve::translated(&plan.topics) };
    state.put_topics(topics)?;
    tracing::debug!(phase = "create", "topics are written down");
    Ok(())
}

/// Where the logs, all still empty, begin.
async fn bases(cluster: &Cluster, plan: &RestorePlan) -> Result<BTreeMap<TopicPartition, i64>, RestoreError> {
    let of = |topic: &PlannedTopic| {
        let target = topic.target.clone();
        let at = move |partition| TopicPartition::new(target.clone(), partition);
        topic.partitions.iter().map(|one| one.partition).map(at).collect::<Vec<_>>()
    };
    let partitions: Vec<TopicPartition> = plan.topics.iter().flat_map(of).collect();
    let starts = target::offsets(cluster, &partitions, OffsetSpec::Earliest).await?;
    let ends = target::offsets(cluster, &partitions, OffsetSpec::LogEnd).await?;
    for (at, next) in &ends {
        if let Some(base) = starts.get(at).copied().filter(|base| base != next) {
            let range = OffsetRange { base, next: *next };
            return Err(RestoreError::NotEmpty { topic: at.topic.clone(), partition: at.partition, range });
        }
    }
    Ok(ends)
}

/// Asks for what is absent until it is there. Returns the topics that this call did not create itself.
async fn create(cluster: &Cluster, plan: &RestorePlan) -> Result<Vec<TopicName>, RestoreError> {
    let deadline = Instant::now() + DEADLINE;
    let mut found: Vec<TopicName> =
        plan.topics.iter().filter(|topic| topic.exists).map(|one| one.target.clone()).collect();
    let mut absent = target::new_topics(plan);
    while !absent.is_empty() {
        let mut unknown = Vec::new();
        for (topic, answer) in cluster.create_topics(absent.clone(), false).await {
            match answer {
                Ok(_) => {}
                Err(error) if is_there(&error) => found.push(topic),
                Err(error) if may_be_there(&error) && Instant::now() < deadline => {
                    tracing::debug!(%topic, error = describe(&error), "it is not known whether the topic was created");
                    unknown.push(topic);
                }
                Err(error) => return Err(target::cannot_create(topic, error)),
            }
        }
        absent.retain(|topic| unknown.contains(&topic.name));
        if !absent.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(found)
}

/// It was absent when it was looked for: an attempt before, or a request whose answer was lost, has made it since.
fn is_there(error: &ClusterError) -> bool {
    error.code() == Some(ErrorCode::TOPIC_ALREADY_EXISTS)
}

fn may_be_there(error: &ClusterError) -> bool {
    error.outcome() == Outcome::Unknown || error.class().is_retriable()
}

async fn wait_for_leaders(cluster: &Cluster, topics: &[PlannedTopic]) -> Result<Arc<Metadata>, RestoreError> {
    let deadline = Instant::now() + DEADLINE;
    let mut metadata = cluster.metadata().await?;
    loop {
        metadata = cluster.refresh(&metadata).await?;
        let Some(at) = without_leader(&metadata, topics) else { return Ok(metadata) };
        if Instant::now() >= deadline {
            let cause = format!("no leader after {} s", DEADLINE.as_secs());
            return Err(RestoreError::Partition { partition: at, offset: -1, cause });
        }
        tokio::time::sleep(PAUSE).await;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{PartitionMeta, TopicMeta};
    use crate::restore::plan::testing::planned;

    #[test]
    fn a_topic_is_ready_once_every_partition_has_a_leader() {
        let ready = |leaders: &[i32]| {
            let meta =
                |leader: &i32| PartitionMeta { leader: *leader, leader_epoch: 0, replicas: vec![0], isr: vec![0] };
            let partitions = (0..).zip(leaders.iter().map(meta)).collect();
            let topic = TopicMeta { id: TopicId::ZERO, internal: false, error: None, partitions };
            let metadata = Metadata {
                generation: 1,
                read_at: Instant::now(),
                cluster_id: String::new(),
                controller: 0,
                brokers: BTreeMap::new(),
                topics: BTreeMap::from([(TopicName::new("orders").unwrap(), topic)]),
            };
            without_leader(&metadata, &[planned("orders", &[])]).is_none()
        };
        assert!(ready(&[0]), "a broker's id may be 0");
        assert!(ready(&[7]));
        assert!(!ready(&[-1]));
        assert!(!ready(&[]), "the brokers do not show it yet");
    }
}
