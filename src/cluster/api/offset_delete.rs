//! `OffsetDelete` v0 (KIP-496, 2.4): forgets what a group committed for some partitions.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};

use super::{judge, wire_group, wire_topic};
use crate::cluster::{Cluster, ClusterError, Each, Subject};
use crate::model::{GroupId, TopicPartition};
use crate::net::{Connection, ConnectionError};
use crate::wire::ErrorCode;

const API: &str = "OffsetDelete";

impl Cluster {
    /// Deletes the group's offsets for these partitions. The group must have no members that are subscribed to them. A
    /// group that does not exist has none, so that is no error.
    pub async fn delete_group_offsets(
        &self,
        group: &GroupId,
        partitions: &[TopicPartition],
    ) -> Result<Each<TopicPartition, ()>, ClusterError> {
        let patience = self.patience();
        let mut sorted = partitions.to_vec();
        sorted.sort();
        let sorted = &sorted;
        let asked = self.ask_coordinators(vec![group.clone()], |connection, _, _| {
            let group = group.clone();
            async move { Ok(vec![delete(&connection, &group, sorted, patience).await?]) }
        });
        let missing = || ClusterError::Unanswered { api: API, subject: Subject::Group(group.clone()) };
        asked.await.into_iter().next().ok_or_else(missing)?.1
    }
}

async fn delete(
    connection: &Connection,
    group: &GroupId,
    partitions: &[TopicPartition],
    patience: Duration,
) -> Result<Result<Each<TopicPartition, ()>, ClusterError>, ConnectionError> {
    let topics = partitions.chunk_by(|a, b| a.topic == b.topic).filter_map(|topic| {
        let named = |one: &TopicPartition| OffsetDeleteRequestPartition::default().with_partition_index(one.partition);
        let name = wire_topic(&topic.first()?.topic);
        Some(OffsetDeleteRequestTopic::default().with_name(name).with_partitions(topic.iter().map(named).collect()))
    });
    let request = m::OffsetDeleteRequest::default().with_group_id(wire_group(group)).with_topics(topics.collect());
    let answer = connection.call(&request, patience).await?;
    if answer.error_code == ErrorCode::GROUP_ID_NOT_FOUND.0 {
        return Ok(Ok(partitions.iter().map(|one| (one.clone(), Ok(()))).collect()));
    }
    if let Err(error) = judge(API, answer.error_code, || Subject::Group(group.clone()), None) {
        return Ok(Err(error));
    }
    let mut found = HashMap::new();
    for topic in &answer.topics {
        for one in &topic.partitions {
            found.insert((topic.name.as_str(), one.partition_index), one.error_code);
        }
    }
    let read = |one: &TopicPartition| {
        let subject = || Subject::Partition(one.clone());
        let code = found.get(&(one.topic.as_str(), one.partition)).copied();
        let code = code.ok_or_else(|| ClusterError::Unanswered { api: API, subject: subject() });
        (one.clone(), code.and_then(|code| judge(API, code, subject, None)))
    };
    Ok(Ok(partitions.iter().map(read).collect()))
}
