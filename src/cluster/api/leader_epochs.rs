//! `OffsetForLeaderEpoch` v2 to v4: where an epoch ended, to find out where two histories part (KIP-320).

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};

use super::{judge, wire_topic};
use crate::cluster::route::Question;
use crate::cluster::{Cluster, ClusterError, Each, EpochEnd, Subject};
use crate::model::TopicPartition;
use crate::net::{Connection, ConnectionError};
use crate::wire::Exchange;

const API: &str = "OffsetForLeaderEpoch";

impl Cluster {
    /// Asks the leaders where epochs ended; `Ok(None)` where the broker cannot say.
    pub async fn epoch_ends(&self, epochs: Vec<(TopicPartition, i32)>) -> Each<TopicPartition, Option<EpochEnd>> {
        let patience = self.patience();
        self.ask_leaders(epochs, |connection, asked| ask(connection, asked, patience)).await
    }
}

async fn ask(
    connection: Connection,
    questions: Vec<Question<i32>>,
    patience: Duration,
) -> Result<Vec<Result<Option<EpochEnd>, ClusterError>>, ConnectionError> {
    if !connection.versions().has(&m::OffsetForLeaderEpochRequest::API, 2) {
        return Ok(questions.iter().map(|_| Ok(None)).collect());
    }
    let answer = connection.call(&request(&questions), patience).await?;
    let mut found = HashMap::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            found.insert((topic.topic.as_str(), partition.partition), partition);
        }
    }
    let read = |question: &Question<i32>| {
        let subject = || Subject::Partition(question.partition.clone());
        let key = (question.partition.topic.as_str(), question.partition.partition);
        let end = found.get(&key).ok_or_else(|| ClusterError::Unanswered { api: API, subject: subject() })?;
        judge(API, end.error_code, subject, None)?;
        Ok(Some(EpochEnd { epoch: end.leader_epoch, end_offset: end.end_offset }))
    };
    Ok(questions.iter().map(read).collect())
}

fn request(questions: &[Question<i32>]) -> m::OffsetForLeaderEpochRequest {
    let topics = questions.chunk_by(|a, b| a.partition.topic == b.partition.topic).filter_map(|topic| {
        let partition = |question: &Question<i32>| {
            OffsetForLeaderPartition::default()
                .with_partition(question.partition.partition)
                .with_current_leader_epoch(question.leader_epoch)
                .with_leader_epoch(question.about)
        };
        let name = wire_topic(&topic.first()?.partition.topic);
        Some(OffsetForLeaderTopic::default().with_topic(name).with_partitions(topic.iter().map(partition).collect()))
    });
    m::OffsetForLeaderEpochRequest::default().with_replica_id(m::BrokerId(-1)).with_topics(topics.collect())
}
