//! Metadata v4 to v12: brokers, topics, leaders. Never creates a topic by asking.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kafka_protocol::messages as m;

use crate::cluster::{Broker, ClusterError, Metadata, PartitionMeta, TopicMeta};
use crate::model::{TopicId, TopicName};
use crate::net::Connection;
use crate::wire::ErrorCode;

/// Asks one broker for everything it shows this client.
pub(crate) async fn ask_metadata(
    node: i32,
    connection: &Connection,
    patience: Duration,
    generation: u64,
) -> Result<Metadata, ClusterError> {
    let request = m::MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(false);
    let answer = connection.call(&request, patience).await;
    let answer = answer.map_err(|source| ClusterError::Connection { node, source })?;
    let brokers: BTreeMap<i32, Broker> = answer.brokers.iter().map(read_broker).collect();
    if brokers.is_empty() {
        return Err(ClusterError::Nonsense { api: "Metadata", what: "no broker".to_owned() });
    }
    let mut topics = BTreeMap::new();
    for topic in &answer.topics {
        let Some(name) = &topic.name else { continue };
        let name = TopicName::new(name).map_err(|error| nonsense(&error))?;
        topics.insert(name, read_topic(topic));
    }
    Ok(Metadata {
        generation,
        read_at: Instant::now(),
        cluster_id: answer.cluster_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        controller: answer.controller_id.0,
        brokers,
        topics,
    })
}

fn read_broker(broker: &m::metadata_response::MetadataResponseBroker) -> (i32, Broker) {
    let rack = broker.rack.as_ref().map(ToString::to_string);
    (broker.node_id.0, Broker { host: broker.host.to_string(), port: broker.port, rack })
}

fn read_topic(topic: &m::metadata_response::MetadataResponseTopic) -> TopicMeta {
    let ids = |nodes: &[m::BrokerId]| nodes.iter().map(|node| node.0).collect();
    let read = |partition: &m::metadata_response::MetadataResponsePartition| {
        let meta = PartitionMeta {
            leader: partition.leader_id.0,
            leader_epoch: partition.leader_epoch,
            replicas: ids(&partition.replica_nodes),
            isr: ids(&partition.isr_nodes),
        };
        (partition.partition_index, meta)
    };
    TopicMeta {
        id: TopicId(topic.topic_id.into_bytes()),
        internal: topic.is_internal,
        error: ErrorCode::failure(topic.error_code),
        partitions: topic.partitions.iter().map(read).collect(),
    }
}

fn nonsense(what: &impl ToString) -> ClusterError {
    ClusterError::Nonsense { api: "Metadata", what: what.to_string() }
}
