//! `Metadata` and `DescribeCluster`: brokers, topics, leaders.

use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, DescribeClusterRequest, DescribeClusterResponse, MetadataRequest, MetadataResponse,
};

use super::{At, Call, ON_CLUSTER, ON_TOPIC, operations, text, topic_name};
use crate::fake::code;
use crate::fake::state::{Health, State};
use crate::fake::topics::{Partition, Topic, is_legal};

impl Call for MetadataRequest {
    type Answer = MetadataResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let version = at.version;
        at.shared.look(|state| {
            let broker = |node: &i32| {
                let broker = state.brokers.get(node);
                MetadataResponseBroker::default()
                    .with_node_id(BrokerId(*node))
                    .with_host(text("127.0.0.1"))
                    .with_port(broker.map_or(0, |broker| i32::from(broker.port)))
                    .with_rack(broker.and_then(|broker| broker.rack.as_deref()).map(text))
            };
            let mut answer = MetadataResponse::default()
                .with_brokers(state.alive().iter().map(broker).collect())
                .with_cluster_id(Some(text(&state.cluster_id)))
                .with_controller_id(BrokerId(state.controller))
                .with_topics(topics(&self, state, version));
            if version >= 3 {
                answer.throttle_time_ms = at.throttle;
            }
            if (8..=10).contains(&version) {
                let asked = self.include_cluster_authorized_operations;
                answer.cluster_authorized_operations = operations(state, asked, ON_CLUSTER);
            }
            answer
        })
    }
}

fn topics(request: &MetadataRequest, state: &State, version: i16) -> Vec<MetadataResponseTopic> {
    let shown = |name: &str, topic: &Topic| {
        let partitions = topic.partitions.iter().enumerate().map(|(number, it)| partition(number, it, state, version));
        let mut answer = MetadataResponseTopic::default()
            .with_name(Some(topic_name(name)))
            .with_is_internal(topic.internal)
            .with_partitions(partitions.collect());
        if version >= 10 {
            answer.topic_id = topic.id.to_vec().try_into().unwrap_or_default();
        }
        if version >= 8 {
            let asked = request.include_topic_authorized_operations;
            answer.topic_authorized_operations = operations(state, asked, ON_TOPIC);
        }
        answer
    };
    let Some(asked) = &request.topics else {
        return state.topics.iter().map(|(name, topic)| shown(name, topic)).collect();
    };
    let one = |topic: &kafka_protocol::messages::metadata_request::MetadataRequestTopic| {
        let by_id = topic.name.is_none();
        let id = topic.topic_id.into_bytes();
        let name = topic.name.as_ref().map(|name| name.to_string());
        let name = if by_id { state.topic_of(id).map(str::to_owned) } else { name };
        let found = name.as_ref().and_then(|name| state.topics.get(name));
        if let (Some(name), Some(found)) = (&name, found) {
            return shown(name, found);
        }
        let legal = name.as_deref().is_none_or(is_legal);
        let unknown = if by_id { code::UNKNOWN_TOPIC_ID } else { code::UNKNOWN_TOPIC_OR_PARTITION };
        let code = if legal { unknown } else { code::INVALID_TOPIC_EXCEPTION };
        let name = name.as_deref().map(topic_name);
        let name = if version < 12 { Some(name.unwrap_or_default()) } else { name };
        let answer = MetadataResponseTopic::default().with_error_code(code).with_name(name);
        let asked = request.include_topic_authorized_operations && version >= 8;
        answer.with_topic_authorized_operations(operations(state, asked, ON_TOPIC))
    };
    asked.iter().map(one).collect()
}

fn partition(number: usize, partition: &Partition, state: &State, version: i16) -> MetadataResponsePartition {
    let nodes = |nodes: &[i32]| nodes.iter().map(|node| BrokerId(*node)).collect::<Vec<_>>();
    let down = |node: &i32| state.brokers.get(node).is_none_or(|broker| broker.health == Health::Down);
    let offline: Vec<i32> = partition.replicas.iter().copied().filter(|node| down(node)).collect();
    let mut answer = MetadataResponsePartition::default()
        .with_error_code(if partition.leader < 0 { code::LEADER_NOT_AVAILABLE } else { code::NONE })
        .with_partition_index(number as i32)
        .with_leader_id(BrokerId(partition.leader))
        .with_replica_nodes(nodes(&partition.replicas))
        .with_isr_nodes(nodes(&partition.isr));
    if version >= 7 {
        answer.leader_epoch = partition.epoch;
    }
    if version >= 5 {
        answer.offline_replicas = nodes(&offline);
    }
    answer
}

impl Call for DescribeClusterRequest {
    type Answer = DescribeClusterResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        at.shared.look(|state| {
            let broker = |node: &i32| {
                let port = state.brokers.get(node).map_or(0, |broker| i32::from(broker.port));
                DescribeClusterBroker::default()
                    .with_broker_id(BrokerId(*node))
                    .with_host(text("127.0.0.1"))
                    .with_port(port)
            };
            DescribeClusterResponse::default()
                .with_throttle_time_ms(at.throttle)
                .with_cluster_id(text(&state.cluster_id))
                .with_controller_id(BrokerId(state.controller))
                .with_brokers(state.alive().iter().map(broker).collect())
                .with_cluster_authorized_operations(operations(
                    state,
                    self.include_cluster_authorized_operations,
                    ON_CLUSTER,
                ))
        })
    }
}
