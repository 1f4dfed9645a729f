//! `DescribeLogDirs` v1 to v4: how many bytes the leaders hold of partitions, for estimates only.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;

use super::{judge, wire_topic};
use crate::cluster::route::Question;
use crate::cluster::{Cluster, ClusterError, Each, Subject};
use crate::model::TopicPartition;
use crate::net::{Connection, ConnectionError};
use crate::wire::Exchange;

const API: &str = "DescribeLogDirs";

impl Cluster {
    /// Bytes of each partition's log on its leader; `Ok(None)` where the broker cannot or may not say (it needs
    /// DESCRIBE on the cluster).
    pub async fn log_sizes(&self, partitions: &[TopicPartition]) -> Each<TopicPartition, Option<u64>> {
        let questions = partitions.iter().map(|partition| (partition.clone(), ())).collect();
        let patience = self.patience();
        self.ask_leaders(questions, |connection, asked| ask(connection, asked, patience)).await
    }
}

async fn ask(
    connection: Connection,
    questions: Vec<Question<()>>,
    patience: Duration,
) -> Result<Vec<Result<Option<u64>, ClusterError>>, ConnectionError> {
    if !connection.versions().has(&m::DescribeLogDirsRequest::API, 1) {
        return Ok(questions.iter().map(|_| Ok(None)).collect());
    }
    let answer = connection.call(&request(&questions), patience).await?;
    if judge(API, answer.error_code, || Subject::Request, None).is_err() {
        return Ok(questions.iter().map(|_| Ok(None)).collect());
    }
    let mut sizes: HashMap<(&str, i32), u64> = HashMap::new();
    for topic in answer.results.iter().flat_map(|folder| &folder.topics) {
        for partition in topic.partitions.iter().filter(|partition| !partition.is_future_key) {
            let size = u64::try_from(partition.partition_size).unwrap_or(0);
            sizes.insert((topic.name.as_str(), partition.partition_index), size);
        }
    }
    let size = |question: &Question<()>| {
        let key = (question.partition.topic.as_str(), question.partition.partition);
        Ok(sizes.get(&key).copied())
    };
    Ok(questions.iter().map(size).collect())
}

fn request(questions: &[Question<()>]) -> m::DescribeLogDirsRequest {
    let topics = questions.chunk_by(|a, b| a.partition.topic == b.partition.topic).filter_map(|topic| {
        let name = wire_topic(&topic.first()?.partition.topic);
        let partitions = topic.iter().map(|question| question.partition.partition).collect();
        Some(DescribableLogDirTopic::default().with_topic(name).with_partitions(partitions))
    });
    m::DescribeLogDirsRequest::default().with_topics(Some(topics.collect()))
}
