//! What is known of one segment, written once when it is sealed.

use serde::{Deserialize, Serialize};

use super::numbers;
use super::snapshot::Parent;
use super::storage::Frame;
use crate::model::{Timestamp, TopicId, TopicName};

/// One immutable run of consecutive batches of one partition: where it lies and what it holds.
/// Invariants: `base < next`, `size > 0`, every batch whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seal {
    /// Topic the segment belongs to.
    pub topic: TopicName,
    /// Topic id of the generation, zero where the broker had none.
    pub topic_id: TopicId,
    /// Partition, from 0.
    pub partition: i32,
    /// Which unbroken history of the partition, from 0.
    #[serde(deserialize_with = "numbers::count")]
    pub lineage: u32,
    /// Who wrote it.
    pub writer: Writer,
    /// Key of the object that holds it.
    pub object: String,
    /// Position of its first stored byte in the object.
    #[serde(default, deserialize_with = "numbers::total")]
    pub start: u64,
    /// Number of stored bytes.
    #[serde(deserialize_with = "numbers::amount")]
    pub length: u64,
    /// First offset covered: the first batch's base offset.
    #[serde(deserialize_with = "numbers::offset")]
    pub base: i64,
    /// One past the last batch's last offset.
    #[serde(deserialize_with = "numbers::offset")]
    pub next: i64,
    /// Bytes of the plain log.
    #[serde(deserialize_with = "numbers::amount")]
    pub size: u64,
    /// Digest of the plain log, hexadecimal: see [`ContentDigest::of`](crate::repository::ContentDigest::of).
    pub digest: String,
    /// Digest of the stored bytes where they differ from the plain log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_digest: Option<String>,
    /// Where its zstd frames begin, ascending; none where it is not compressed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Frame>,
    /// Number of the keys that it is encrypted to; none where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<u64>,
    /// Record batches, control batches and empty ones included.
    #[serde(deserialize_with = "numbers::amount")]
    pub batches: u64,
    /// Records, control records included.
    #[serde(deserialize_with = "numbers::amount")]
    pub records: u64,
    /// Largest batch in bytes: what `max.message.bytes` of a target must allow.
    #[serde(deserialize_with = "numbers::amount")]
    pub max_batch: u64,
    /// Smallest base timestamp and largest max timestamp seen in batch headers; -1 where no batch has one.
    pub min_timestamp: Timestamp,
    /// See `min_timestamp`.
    pub max_timestamp: Timestamp,
    /// When the last of its bytes were fetched.
    pub observed: Timestamp,
    /// Codecs used, by number (0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd), ascending.
    pub codecs: Vec<u8>,
    /// Batches in message format v0 or v1.
    #[serde(default, deserialize_with = "numbers::amount")]
    pub legacy_batches: u64,
    /// Leader epochs in it and where each begins.
    pub leader_epochs: Vec<EpochStart>,
    /// Transactions open at `base`: the `open` of the segment before, even where that one is no longer listed.
    #[serde(default)]
    pub carried: Vec<OpenTransaction>,
    /// Transactions whose ABORT marker lies in this segment; their data may begin in an earlier one.
    #[serde(default)]
    pub aborted: Vec<AbortedTransaction>,
    /// COMMIT markers in this segment.
    #[serde(default, deserialize_with = "numbers::amount")]
    pub committed: u64,
    /// Transactions still open at `next`, carried on into the following segment.
    #[serde(default)]
    pub open: Vec<OpenTransaction>,
    /// The 61 header bytes of the last batch, hexadecimal: what continuity is proved by.
    pub last_batch_header: String,
    /// Base offset of the last batch.
    #[serde(deserialize_with = "numbers::offset")]
    pub last_batch_base: i64,
    /// Sparse way into the segment, ascending; its first entry is the first batch.
    pub index: Vec<IndexEntry>,
}

impl Seal {
    /// Whether any transaction touches the segment.
    pub fn has_transactions(&self) -> bool {
        self.committed > 0 || !(self.carried.is_empty() && self.aborted.is_empty() && self.open.is_empty())
    }
}

/// Who wrote a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// Run id.
    pub run: String,
    /// Host name.
    pub host: String,
}

/// Where a leader epoch begins within a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochStart {
    /// The epoch; -1 if the broker keeps none.
    pub epoch: i32,
    /// Base offset of the first batch under it.
    #[serde(deserialize_with = "numbers::offset")]
    pub base: i64,
}

/// A transaction that ended with an ABORT marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbortedTransaction {
    /// The producer.
    pub producer_id: i64,
    /// Base offset of its first data batch, which may lie in an earlier segment.
    #[serde(deserialize_with = "numbers::offset")]
    pub first: i64,
    /// Offset of the marker.
    #[serde(deserialize_with = "numbers::offset")]
    pub marker: i64,
}

/// A transaction with data but without a marker so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTransaction {
    /// The producer.
    pub producer_id: i64,
    /// Base offset of its first data batch.
    #[serde(deserialize_with = "numbers::offset")]
    pub first: i64,
}

/// One entry of a segment's sparse index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// Base offset of a batch.
    #[serde(deserialize_with = "numbers::offset")]
    pub offset: i64,
    /// Its position in the plain log.
    #[serde(deserialize_with = "numbers::amount")]
    pub position: u64,
    /// Largest timestamp up to and including this batch.
    pub timestamp: Timestamp,
    /// When the batch was fetched.
    pub observed: Timestamp,
}

/// `runs/<run id>/<n>.json`: seals of a run under way, which the next run takes over after a kill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SealBatch {
    /// The run, as in its name; absent before format 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Cluster the run reads from; another cluster's run never takes these over.
    pub cluster_id: String,
    /// The seals, in the order they were made.
    pub seals: Vec<Seal>,
    /// Snapshots that the run builds on: they are not pruned while it may be under way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continues: Vec<Parent>,
}
