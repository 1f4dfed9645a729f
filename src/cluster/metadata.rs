//! What the cluster looks like at one moment.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::model::{TopicId, TopicName, TopicPartition};
use crate::wire::ErrorCode;

/// The cluster at one moment; never changed, only replaced by one with a higher generation.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// Counts the answers of this handle, from 1.
    pub generation: u64,
    /// When the answer came.
    pub read_at: Instant,
    /// The cluster's id, as its brokers spell it.
    pub cluster_id: String,
    /// Node id of the controller (or of a broker that forwards to it), -1 if unknown.
    pub controller: i32,
    /// The living brokers by node id.
    pub brokers: BTreeMap<i32, Broker>,
    /// All topics this client may see, internal ones included.
    pub topics: BTreeMap<TopicName, TopicMeta>,
}

/// One broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Advertised host.
    pub host: String,
    /// Advertised port.
    pub port: i32,
    /// Its rack, if it has one.
    pub rack: Option<String>,
}

impl Broker {
    /// The advertised address as `host:port`, IPv6 in brackets.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMeta {
    /// Its id; [`TopicId::ZERO`] where the broker has none (before 2.8).
    pub id: TopicId,
    /// Whether Kafka itself keeps it.
    pub internal: bool,
    /// Why the broker has nothing to say about the topic.
    pub error: Option<ErrorCode>,
    /// Its partitions by number.
    pub partitions: BTreeMap<i32, PartitionMeta>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionMeta {
    /// Node id of the leader, -1 if there is none.
    pub leader: i32,
    /// Epoch of the leader, -1 if unknown (Metadata before v7).
    pub leader_epoch: i32,
    /// Node ids of all replicas, the preferred one first.
    pub replicas: Vec<i32>,
    /// Node ids of the replicas in sync.
    pub isr: Vec<i32>,
}

impl Metadata {
    /// One partition, if it exists.
    pub fn partition(&self, partition: &TopicPartition) -> Option<&PartitionMeta> {
        self.topics.get(&partition.topic)?.partitions.get(&partition.partition)
    }

    /// The topic with this id, if any.
    pub fn topic_by_id(&self, id: TopicId) -> Option<(&TopicName, &TopicMeta)> {
        self.topics.iter().find(|(_, topic)| topic.id == id && id != TopicId::ZERO)
    }
}
