//! `DeleteRecords` v0 to v2: moves the log start of partitions up. Asking twice does no harm.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};

use super::{judge, wire_topic};
use crate::cluster::route::Question;
use crate::cluster::{Cluster, ClusterError, Each, Subject};
use crate::model::TopicPartition;
use crate::net::{Connection, ConnectionError};

const API: &str = "DeleteRecords";

impl Cluster {
    /// Deletes what lies below an offset of each partition, at most the high watermark. Gives the smallest log start
    /// among the living replicas.
    pub async fn delete_records(&self, below: Vec<(TopicPartition, i64)>) -> Each<TopicPartition, i64> {
        let patience = self.patience();
        self.ask_leaders(below, |connection, asked| ask(connection, asked, patience)).await
    }
}

async fn ask(
    connection: Connection,
    questions: Vec<Question<i64>>,
    patience: Duration,
) -> Result<Vec<Result<i64, ClusterError>>, ConnectionError> {
    let answer = connection.call(&request(&questions, patience), patience + super::GRACE).await?;
    let mut found = HashMap::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            found.insert((topic.name.as_str(), partition.partition_index), partition);
        }
    }
    let read = |question: &Question<i64>| {
        let subject = || Subject::Partition(question.partition.clone());
        let key = (question.partition.topic.as_str(), question.partition.partition);
        let result = found.get(&key).ok_or_else(|| ClusterError::Unanswered { api: API, subject: subject() })?;
        judge(API, result.error_code, subject, None)?;
        Ok(result.low_watermark)
    };
    Ok(questions.iter().map(read).collect())
}

fn request(questions: &[Question<i64>], patience: Duration) -> m::DeleteRecordsRequest {
    let topics = questions.chunk_by(|a, b| a.partition.topic == b.partition.topic).filter_map(|topic| {
        let partition = |question: &Question<i64>| {
            DeleteRecordsPartition::default()
                .with_partition_index(question.partition.partition)
                .with_offset(question.about)
        };
        let name = wire_topic(&topic.first()?.partition.topic);
        Some(DeleteRecordsTopic::default().with_name(name).with_partitions(topic.iter().map(partition).collect()))
    });
    m::DeleteRecordsRequest::default().with_topics(topics.collect()).with_timeout_ms(super::millis(patience))
}
