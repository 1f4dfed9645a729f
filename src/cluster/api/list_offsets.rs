//! `ListOffsets` v1 to v10: log start, high watermark, last stable offset, log end, offset of a time.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};

use super::{judge, wire_topic};
use crate::cluster::route::Question;
use crate::cluster::{Cluster, ClusterError, Each, OffsetSpec, PartitionOffset, Subject};
use crate::model::TopicPartition;
use crate::net::{Connection, ConnectionError};
use crate::wire::Exchange;

const API: &str = "ListOffsets";
/// Asks for the end of the log.
const LATEST: i64 = -1;
/// Asks for its beginning.
const EARLIEST: i64 = -2;
/// A replica id that is shown the true end of the log, beyond the high watermark (Kafka class `ListOffsetsRequest`).
const DEBUG_REPLICA: i32 = -2;
/// The first version with isolation levels.
const ISOLATION: i16 = 2;

impl Cluster {
    /// Asks the leaders for offsets, in batches, until each has answered or failed for good.
    pub async fn list_offsets(
        &self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
    ) -> Result<Each<TopicPartition, PartitionOffset>, ClusterError> {
        let time = wire_time(spec);
        let questions = partitions.iter().map(|partition| (partition.clone(), time)).collect();
        let patience = self.patience();
        Ok(self.ask_leaders(questions, |connection, asked| ask(connection, asked, spec, patience)).await)
    }

    /// The first offset of each partition whose timestamp is at least so many milliseconds since 1970, below the high
    /// watermark.
    pub async fn offsets_at(&self, questions: Vec<(TopicPartition, i64)>) -> Each<TopicPartition, PartitionOffset> {
        let questions = questions.into_iter().map(|(partition, time)| (partition, time.max(0))).collect();
        let patience = self.patience();
        self.ask_leaders(questions, |connection, asked| ask(connection, asked, OffsetSpec::Timestamp(0), patience))
            .await
    }
}

async fn ask(
    connection: Connection,
    questions: Vec<Question<i64>>,
    spec: OffsetSpec,
    patience: Duration,
) -> Result<Vec<Result<PartitionOffset, ClusterError>>, ConnectionError> {
    let least = if spec == OffsetSpec::LastStable { ISOLATION } else { 1 };
    let api = m::ListOffsetsRequest::API;
    let version = connection.versions().pick_between(&api, least, api.most);
    let version = version.map_err(|error| connection.wire_error(API, error))?;
    let answer = connection.call_in(&request(&questions, spec, patience), version, patience).await?;
    let mut found = HashMap::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            found.insert((topic.name.as_str(), partition.partition_index), partition);
        }
    }
    let read = |question: &Question<i64>| {
        let subject = || Subject::Partition(question.partition.clone());
        let key = (question.partition.topic.as_str(), question.partition.partition);
        let partition = found.get(&key).ok_or_else(|| ClusterError::Unanswered { api: API, subject: subject() })?;
        judge(API, partition.error_code, subject, None)?;
        Ok(PartitionOffset {
            offset: partition.offset,
            leader_epoch: partition.leader_epoch,
            timestamp: partition.timestamp,
        })
    };
    Ok(questions.iter().map(read).collect())
}

fn wire_time(spec: OffsetSpec) -> i64 {
    match spec {
        OffsetSpec::Earliest => EARLIEST,
        OffsetSpec::HighWatermark | OffsetSpec::LastStable | OffsetSpec::LogEnd => LATEST,
        OffsetSpec::Timestamp(timestamp) => timestamp.max(0),
    }
}

/// Each question is about a time, or [`EARLIEST`] or [`LATEST`].
fn request(questions: &[Question<i64>], spec: OffsetSpec, patience: Duration) -> m::ListOffsetsRequest {
    let replica = if spec == OffsetSpec::LogEnd { DEBUG_REPLICA } else { -1 };
    let topics = questions.chunk_by(|a, b| a.partition.topic == b.partition.topic).filter_map(|topic| {
        let partition = |question: &Question<i64>| {
            ListOffsetsPartition::default()
                .with_partition_index(question.partition.partition)
                .with_current_leader_epoch(question.leader_epoch)
                .with_timestamp(question.about)
        };
        let name = wire_topic(&topic.first()?.partition.topic);
        let partitions = topic.iter().map(partition).collect();
        Some(ListOffsetsTopic::default().with_name(name).with_partitions(partitions))
    });
    m::ListOffsetsRequest::default()
        .with_replica_id(m::BrokerId(replica))
        .with_isolation_level(i8::from(spec == OffsetSpec::LastStable))
        .with_topics(topics.collect())
        .with_timeout_ms(i32::try_from(patience.as_millis()).unwrap_or(i32::MAX))
}
