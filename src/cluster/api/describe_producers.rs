//! `DescribeProducers` v0 (2.8+, KIP-664): the producers that partitions remember, and their open transactions.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_producers_response::ProducerState;

use super::{judge, wire_topic};
use crate::cluster::route::Question;
use crate::cluster::{ActiveProducer, Cluster, ClusterError, Each, Subject};
use crate::model::{Timestamp, TopicPartition};
use crate::net::{Connection, ConnectionError};

const API: &str = "DescribeProducers";

impl Cluster {
    /// Asks the leaders which producers they remember; needs READ on the topic. Brokers that lack it
    /// ([`describe_producers`](crate::cluster::Features::describe_producers)) give an error.
    pub async fn describe_producers(&self, partitions: &[TopicPartition]) -> Each<TopicPartition, Vec<ActiveProducer>> {
        let questions = partitions.iter().map(|partition| (partition.clone(), ())).collect();
        let patience = self.patience();
        self.ask_leaders(questions, |connection, asked| ask(connection, asked, patience)).await
    }
}

async fn ask(
    connection: Connection,
    questions: Vec<Question<()>>,
    patience: Duration,
) -> Result<Vec<Result<Vec<ActiveProducer>, ClusterError>>, ConnectionError> {
    let answer = connection.call(&request(&questions), patience).await?;
    let mut found = HashMap::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            found.insert((topic.name.as_str(), partition.partition_index), partition);
        }
    }
    let read = |question: &Question<()>| {
        let subject = || Subject::Partition(question.partition.clone());
        let key = (question.partition.topic.as_str(), question.partition.partition);
        let result = found.get(&key).ok_or_else(|| ClusterError::Unanswered { api: API, subject: subject() })?;
        judge(API, result.error_code, subject, result.error_message.as_ref())?;
        Ok(result.active_producers.iter().map(producer).collect())
    };
    Ok(questions.iter().map(read).collect())
}

fn producer(state: &ProducerState) -> ActiveProducer {
    ActiveProducer {
        producer_id: state.producer_id.0,
        producer_epoch: state.producer_epoch,
        last_sequence: state.last_sequence,
        last_timestamp: Timestamp(state.last_timestamp),
        coordinator_epoch: state.coordinator_epoch,
        transaction_start: state.current_txn_start_offset,
    }
}

fn request(questions: &[Question<()>]) -> m::DescribeProducersRequest {
    let topics = questions.chunk_by(|a, b| a.partition.topic == b.partition.topic).filter_map(|topic| {
        let name = wire_topic(&topic.first()?.partition.topic);
        let partitions = topic.iter().map(|question| question.partition.partition).collect();
        Some(TopicRequest::default().with_name(name).with_partition_indexes(partitions))
    });
    m::DescribeProducersRequest::default().with_topics(topics.collect())
}
