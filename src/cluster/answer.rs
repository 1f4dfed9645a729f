//! What the cluster answers, in this program's own nouns.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::ClusterError;
use crate::model::{CommittedOffset, GroupId, GroupType, TopicId, TopicName, TopicPartition};
use crate::wire::ErrorCode;

/// One result for each thing asked for.
pub type Each<K, T> = Vec<(K, Result<T, ClusterError>)>;

/// Which offset of a partition to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The log start offset.
    Earliest,
    /// The end of what is committed to all replicas in sync.
    HighWatermark,
    /// The end of what is decided: below it no transaction is open.
    LastStable,
    /// The true end of the leader's log, beyond the high watermark (asked with replica id -2).
    LogEnd,
    /// The first offset whose timestamp is at least this many milliseconds since 1970.
    Timestamp(i64),
}

/// An offset the leader named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionOffset {
    /// The offset; -1 where no record is as late as the timestamp asked for.
    pub offset: i64,
    /// Its leader epoch, -1 if unknown (before v4).
    pub leader_epoch: i32,
    /// Its timestamp for [`OffsetSpec::Timestamp`], else -1.
    pub timestamp: i64,
}

/// Where an epoch ended on the leader (`OffsetForLeaderEpoch`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochEnd {
    /// The largest epoch not above the one asked for, -1 if there is none.
    pub epoch: i32,
    /// First offset after that epoch, -1 if unknown.
    pub end_offset: i64,
}

/// One group as `ListGroups` shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedGroup {
    /// Its id.
    pub id: GroupId,
    /// `consumer`, `connect`, ...; empty for groups that only commit.
    pub protocol_type: String,
    /// State as the broker spells it; empty before v4 (2.6).
    pub state: String,
    /// Protocol as the broker spells it; empty before v5 (3.8).
    pub group_type: String,
}

impl ListedGroup {
    /// The protocol the group speaks.
    pub fn kind(&self) -> GroupType {
        match self.group_type.to_ascii_lowercase().as_str() {
            "classic" => GroupType::Classic,
            "consumer" => GroupType::Consumer,
            "share" => GroupType::Share,
            "streams" => GroupType::Streams,
            _ => GroupType::Unknown,
        }
    }
}

/// The groups of the cluster.
#[derive(Debug, Clone, Default)]
pub struct GroupListing {
    /// Every group that any broker named, ordered by id.
    pub groups: Vec<ListedGroup>,
    /// Brokers that did not answer: their groups are missing.
    pub unanswered: Vec<(i32, ClusterError)>,
    /// Whether all coordinators knew their groups, or, where they may not be asked, two rounds over all brokers in a row
    /// gave the same ids; and none moved meanwhile. False: some may be hidden.
    pub whole: bool,
    /// The coordinators' partitions when the groups were listed; `None` where the offsets topic does not exist, or is
    /// hidden from this client.
    pub coordinators: Option<Leaders>,
}

/// Leader and epoch by partition.
pub type Leaders = BTreeMap<i32, (i32, i32)>;

/// What a group committed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupOffsets {
    /// Partitions with a committed offset.
    pub offsets: Vec<(TopicPartition, CommittedOffset)>,
    /// Partitions of which the broker would not say (it hides those of topics this client may not see).
    pub refused: Vec<(TopicPartition, ErrorCode)>,
    /// A transaction that is still open had offsets pending; these are the last ones committed before it.
    pub unstable: bool,
}

/// A group's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDescription {
    /// As the broker spells it: `Empty`, `Stable`, `Dead` (does not exist), ...
    pub state: String,
    /// How many members it has; for streams and share groups 1 if there are any.
    pub members: usize,
    /// `consumer`, `connect`, ...; empty for groups that only commit.
    pub protocol_type: String,
}

/// One setting of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicConfig {
    /// Its key.
    pub name: String,
    /// Its effective value; `None` for sensitive ones.
    pub value: Option<String>,
    /// Set on the topic itself, not inherited.
    pub set_on_topic: bool,
    /// The broker does not show it.
    pub sensitive: bool,
}

/// One setting of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerConfig {
    /// Its key.
    pub name: String,
    /// Its effective value; `None` for sensitive ones.
    pub value: Option<String>,
    /// The broker does not show it.
    pub sensitive: bool,
}

/// A change of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigChange {
    /// Its key.
    pub name: String,
    /// The new value; `None` goes back to the inherited one.
    pub value: Option<String>,
}

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: TopicName,
    /// Number of partitions.
    pub partitions: i32,
    /// Copies of each; -1 is the broker's default (2.4+).
    pub replication_factor: i16,
    /// Settings on the topic.
    pub configs: Vec<(String, String)>,
}

/// A producer's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerIdentity {
    /// Given out once by the cluster.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
}

/// One partition to fetch from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchPartition {
    /// Its topic.
    pub topic: TopicName,
    /// The topic's id; with ids for all partitions a recreated topic is not mistaken for the old one (v13+).
    pub topic_id: TopicId,
    /// Its number.
    pub partition: i32,
    /// The leader's epoch as the metadata say, -1 to leave it unchecked.
    pub leader_epoch: i32,
    /// Where to begin.
    pub offset: i64,
    /// Leader epoch of the last batch that was read before `offset`, -1 if there is none. With it the leader says where
    /// its log parts from what was read (`diverging`), v12+.
    pub last_epoch: i32,
    /// Bytes to answer with at most; one batch comes even if it is larger.
    pub max_bytes: i32,
}

/// Limits of one fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Bytes in the whole answer; one batch comes even if it is larger.
    pub max_bytes: i32,
    /// How long the broker may wait for `min_bytes`.
    pub max_wait: Duration,
    /// Bytes worth answering for.
    pub min_bytes: i32,
}

/// An answer to a fetch. The records of all partitions share one buffer: keep none of them for long.
#[derive(Debug, Clone)]
pub struct FetchAnswer {
    /// How long the broker wants to be left alone; the connection already honours it.
    pub throttle: Duration,
    /// In the broker's order.
    pub partitions: Vec<FetchedPartition>,
    /// Empty because of a quota, which says nothing about the end of the log.
    pub throttled_empty: bool,
}

/// What one partition answered.
#[derive(Debug, Clone)]
pub struct FetchedPartition {
    /// Its topic.
    pub topic: TopicName,
    /// Its number.
    pub partition: i32,
    /// Why there is nothing.
    pub error: Option<ErrorCode>,
    /// End of what is committed to all replicas in sync, -1 with an error.
    pub high_watermark: i64,
    /// End of what is decided, -1 if unknown.
    pub last_stable: i64,
    /// Where the log begins, -1 if unknown (before v5).
    pub log_start: i64,
    /// The log was truncated below the offset asked for: where it still agrees (v12+, KIP-320).
    pub diverging: Option<EpochEnd>,
    /// Producer id and first offset of transactions that were aborted and have data in `records`; only where
    /// [`DataConnection::fetch_committed`](super::DataConnection::fetch_committed) was asked.
    pub aborted: Vec<(i64, i64)>,
    /// Whole batches as the leader has them, the last one perhaps cut.
    pub records: Bytes,
}

/// One batch to append.
#[derive(Debug, Clone)]
pub struct ProducePartition {
    /// Its topic.
    pub topic: TopicName,
    /// The topic's id; with ids for all partitions a recreated topic is not written to (v13).
    pub topic_id: TopicId,
    /// Its number.
    pub partition: i32,
    /// The batch's first 61 bytes.
    pub header: [u8; 61],
    /// The rest of the batch.
    pub payload: Bytes,
}

/// What became of one batch.
#[derive(Debug, Clone)]
pub struct ProduceResult {
    /// Its topic.
    pub topic: TopicName,
    /// Its partition.
    pub partition: i32,
    /// Why it was refused.
    pub error: Option<ClusterError>,
    /// The offset of its first record, -1 with an error.
    pub base_offset: i64,
    /// The broker's time in milliseconds on a `LogAppendTime` topic, else -1.
    pub log_append_time: i64,
    /// Where the log begins, -1 if unknown (before v5).
    pub log_start: i64,
}
