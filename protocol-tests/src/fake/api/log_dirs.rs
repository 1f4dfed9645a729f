//! `DescribeLogDirs`: how large logs are.

use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};

use super::{At, Call, text, topic_name};
use crate::fake::state::State;

impl Call for DescribeLogDirsRequest {
    type Answer = DescribeLogDirsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let (node, version) = (at.node, at.version);
        let topics = at.shared.look(|state| topics(state, node, &self));
        let mut folder = DescribeLogDirsResult::default().with_log_dir(text("/fake")).with_topics(topics);
        if version >= 4 {
            folder = folder.with_total_bytes(1 << 40).with_usable_bytes(1 << 39);
        }
        DescribeLogDirsResponse::default().with_throttle_time_ms(at.throttle).with_results(vec![folder])
    }
}

fn topics(state: &State, node: i32, request: &DescribeLogDirsRequest) -> Vec<DescribeLogDirsTopic> {
    let wanted = |name: &str, number: i32| {
        let asked = |topic: &kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic| {
            topic.topic.as_str() == name && topic.partitions.contains(&number)
        };
        request.topics.as_ref().is_none_or(|topics| topics.iter().any(asked))
    };
    let mut found = Vec::new();
    for (name, topic) in &state.topics {
        let here = topic.partitions.iter().enumerate().filter(|(_, partition)| partition.replicas.contains(&node));
        let parts = here.filter(|(number, _)| wanted(name, *number as i32)).map(|(number, partition)| {
            DescribeLogDirsPartition::default()
                .with_partition_index(number as i32)
                .with_partition_size(partition.log.size())
        });
        let parts: Vec<DescribeLogDirsPartition> = parts.collect();
        if !parts.is_empty() {
            found.push(DescribeLogDirsTopic::default().with_name(topic_name(name)).with_partitions(parts));
        }
    }
    found
}
