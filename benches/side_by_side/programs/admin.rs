//! Topics: made, removed, and where their partitions end.

use std::future::Future;

use ktape::cluster::{Cluster, ClusterOptions, NewTopic, OffsetSpec};
use ktape::model::{CommittedOffset, GroupId, TopicName, TopicPartition};
use serde_json::{Value, json};

use crate::Outcome;

/// Makes a topic, and waits until all its partitions have leaders that answer.
pub(super) fn create(address: &str, topic: &str, partitions: i32) -> Outcome<Value> {
    let name = TopicName::new(topic)?;
    on(address, async |cluster| {
        let new = NewTopic { name: name.clone(), partitions, replication_factor: 1, configs: Vec::new() };
        for (_, made) in cluster.create_topics(vec![new], false).await {
            made?;
        }
        ends_of(&cluster, &name, partitions).await?;
        Ok(json!({ "partitions": partitions }))
    })
}

/// Commits offset 0 of a topic's first partition. A cluster that has no consumer groups at all is no example.
pub(super) fn group(address: &str, topic: &str) -> Outcome<Value> {
    let first = TopicPartition::new(TopicName::new(topic)?, 0);
    on(address, async |cluster| {
        let committed = CommittedOffset { offset: 0, leader_epoch: -1, metadata: None };
        for (_, done) in cluster.commit_group_offsets(&GroupId::new("bench"), &[(first, committed)]).await? {
            done?;
        }
        Ok(json!({}))
    })
}

/// Removes a topic.
pub(super) fn delete(address: &str, topic: &str) -> Outcome<Value> {
    let name = TopicName::new(topic)?;
    on(address, async |cluster| {
        for (_, removed) in cluster.delete_topics(&[name]).await {
            removed?;
        }
        Ok(json!({}))
    })
}

/// The high watermarks of a topic's partitions.
pub(super) fn ends(address: &str, topic: &str) -> Outcome<Value> {
    let name = TopicName::new(topic)?;
    on(address, async |cluster| {
        let metadata = cluster.metadata().await?;
        let partitions =
            metadata.topics.get(&name).map(|topic| topic.partitions.len()).ok_or("there is no such topic")?;
        Ok(json!({ "ends": ends_of(&cluster, &name, i32::try_from(partitions)?).await? }))
    })
}

async fn ends_of(cluster: &Cluster, topic: &TopicName, partitions: i32) -> Outcome<Vec<i64>> {
    let asked: Vec<_> = (0..partitions).map(|partition| TopicPartition::new(topic.clone(), partition)).collect();
    let mut found = cluster.list_offsets(&asked, OffsetSpec::HighWatermark).await?;
    found.sort_by_key(|(at, _)| at.partition);
    let mut ends = Vec::with_capacity(found.len());
    for (_, end) in found {
        ends.push(end?.offset);
    }
    Ok(ends)
}

fn on<T, F: Future<Output = Outcome<T>>>(address: &str, act: impl FnOnce(Cluster) -> F) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { act(Cluster::connect(ClusterOptions::new([address])).await?).await })
}
