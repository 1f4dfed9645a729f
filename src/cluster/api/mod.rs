//! Signatures first; the bodies follow.

#![expect(clippy::unused_async, clippy::unused_self, reason = "bodies follow")]

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::{CommittedOffset, GroupId, TopicId, TopicName, TopicPartition};

fn not_yet() -> ClusterError {
    ClusterError::Unsupported { node: -1, what: "this build".to_owned() }
}

fn none<K: Clone, T>(keys: &[K]) -> Each<K, T> {
    keys.iter().map(|key| (key.clone(), Err(not_yet()))).collect()
}

/// What the brokers offer, found by `ApiVersions`, never by version strings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Features {
    /// Topics have ids (2.8+).
    pub topic_ids: bool,
    /// Fetch and Produce take zstd (2.1+).
    pub zstd: bool,
    /// `OffsetForLeaderEpoch` v2+ (2.1+).
    pub epoch_ends: bool,
    /// `OffsetFetch` can wait for open transactions (2.5+).
    pub stable_offsets: bool,
    /// `IncrementalAlterConfigs` (2.3+).
    pub alter_configs: bool,
    /// `CreateTopics` v4+ knows default partitions and replication (2.4+).
    pub create_defaults: bool,
    /// `DeleteRecords`.
    pub delete_records: bool,
    /// `DescribeProducers` (2.8+).
    pub describe_producers: bool,
    /// `WriteTxnMarkers` v1 (2.8+, Apache Kafka only).
    pub write_markers: bool,
}

/// A handle on a cluster; clones share connections and metadata.
#[derive(Debug, Clone)]
pub struct Cluster(());

/// A connection of its own to one broker, for fetching and producing.
#[derive(Debug, Clone)]
pub struct DataConnection(());

impl Cluster {
    /// Finds the cluster behind the bootstrap addresses.
    pub async fn connect(options: ClusterOptions) -> Result<Self, ClusterError> {
        drop(options);
        Err(not_yet())
    }

    /// The cluster's id.
    pub fn cluster_id(&self) -> String {
        String::new()
    }

    /// What the brokers offer.
    pub fn features(&self) -> Features {
        Features::default()
    }

    /// All topics, as last read.
    pub async fn metadata(&self) -> Result<Arc<Metadata>, ClusterError> {
        Err(not_yet())
    }

    /// Reads the metadata again, unless somebody did since `stale` was read.
    pub async fn refresh(&self, stale: &Metadata) -> Result<Arc<Metadata>, ClusterError> {
        let _ = stale;
        Err(not_yet())
    }

    /// Asks the leaders for offsets.
    pub async fn list_offsets(
        &self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
    ) -> Result<Each<TopicPartition, PartitionOffset>, ClusterError> {
        let _ = spec;
        Ok(none(partitions))
    }

    /// Asks the leaders where epochs ended; `Ok(None)` where the broker cannot say.
    pub async fn epoch_ends(&self, epochs: Vec<(TopicPartition, i32)>) -> Each<TopicPartition, Option<EpochEnd>> {
        epochs.into_iter().map(|(partition, _)| (partition, Err(not_yet()))).collect()
    }

    /// Asks every broker for its groups until two rounds agree.
    pub async fn list_groups(&self) -> GroupListing {
        GroupListing::default()
    }

    /// What one group committed.
    pub async fn fetch_group_offsets(&self, group: &GroupId) -> Result<GroupOffsets, ClusterError> {
        let _ = group;
        Err(not_yet())
    }

    /// What many groups committed, asked in batches per coordinator.
    pub async fn fetch_groups(&self, groups: &[GroupId]) -> Each<GroupId, GroupOffsets> {
        none(groups)
    }

    /// State and members of groups; one that does not exist is `Dead`.
    pub async fn describe_groups(&self, groups: &[GroupId]) -> Each<GroupId, GroupDescription> {
        none(groups)
    }

    /// Commits for a group without members, at generation -1.
    pub async fn commit_group_offsets(
        &self,
        group: &GroupId,
        offsets: &[(TopicPartition, CommittedOffset)],
    ) -> Result<Each<TopicPartition, ()>, ClusterError> {
        let _ = (group, offsets);
        Err(not_yet())
    }

    /// The effective settings of topics.
    pub async fn describe_topic_configs(&self, topics: &[TopicName]) -> Each<TopicName, Vec<TopicConfig>> {
        none(topics)
    }

    /// The effective settings of a broker.
    pub async fn describe_broker_configs(&self, node: i32) -> Result<Vec<BrokerConfig>, ClusterError> {
        let _ = node;
        Err(not_yet())
    }

    /// Creates topics, or only checks whether they could be. The id is zero where the broker does not tell (before
    /// 2.8, and when only checking). Asked once: a topic whose fate is not known says so.
    pub async fn create_topics(&self, topics: Vec<NewTopic>, validate_only: bool) -> Each<TopicName, TopicId> {
        let _ = validate_only;
        topics.into_iter().map(|topic| (topic.name, Err(not_yet()))).collect()
    }

    /// Deletes topics. Asked once: a topic whose fate is not known says so.
    pub async fn delete_topics(&self, topics: &[TopicName]) -> Each<TopicName, ()> {
        none(topics)
    }

    /// Changes settings of topics, leaving the others as they are.
    pub async fn alter_topic_configs(&self, changes: Vec<(TopicName, Vec<ConfigChange>)>) -> Each<TopicName, ()> {
        changes.into_iter().map(|(topic, _)| (topic, Err(not_yet()))).collect()
    }

    /// Asks for a producer identity without a transactional id.
    pub async fn init_producer_id(&self) -> Result<ProducerIdentity, ClusterError> {
        Err(not_yet())
    }

    /// Opens a connection of its own to a broker.
    pub async fn data_connection(&self, node_id: i32) -> Result<DataConnection, ClusterError> {
        let _ = node_id;
        Err(not_yet())
    }
}

impl DataConnection {
    /// The broker's node id.
    pub fn node_id(&self) -> i32 {
        -1
    }

    /// Whether it can still be used; if not, ask for a new one.
    pub fn is_usable(&self) -> bool {
        false
    }

    /// Fetches, sessionless and up to the high watermark. Concurrent calls are pipelined on the one socket.
    pub async fn fetch(&self, partitions: &[FetchPartition], limits: FetchLimits) -> Result<FetchAnswer, ClusterError> {
        let _ = (partitions, limits);
        Err(not_yet())
    }

    /// Appends with acks from all replicas in sync. No partition may stand twice in the list.
    pub async fn produce(
        &self,
        partitions: Vec<ProducePartition>,
        timeout: Duration,
    ) -> Result<Vec<ProduceResult>, ClusterError> {
        let _ = (partitions, timeout);
        Err(not_yet())
    }
}
