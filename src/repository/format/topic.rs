//! A topic as one snapshot holds it.

use serde::{Deserialize, Serialize};

use super::numbers;
use super::seal::Seal;
use super::storage::PartRef;
use crate::model::{OffsetRange, Timestamp, TopicId, TopicName};

/// Part of a snapshot: the topics of one shard, ascending by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TopicShard {
    /// The topics.
    pub topics: Vec<TopicState>,
    /// The part with the `configs` of the topics, where they are encrypted; those of the topics are empty then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configs: Option<PartRef>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopicState {
    /// Its name.
    pub name: TopicName,
    /// Its id at the time, zero where the broker had none. It names the generation.
    pub id: TopicId,
    /// Replicas of partition 0.
    pub replication_factor: i16,
    /// Configs set on the topic itself (`config_source` 1), ascending by name.
    pub configs: Vec<ConfigEntry>,
    /// Effective values of the configs that decide what a restored topic keeps, from wherever they come.
    pub effective: Vec<ConfigEntry>,
    /// Its partitions, ascending.
    pub partitions: Vec<PartitionState>,
}

/// A config name and value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigEntry {
    /// Config name, as in `retention.ms`.
    pub name: String,
    /// Its value; `None` where the broker hides it.
    pub value: Option<String>,
}

/// One partition at the time of the snapshot.
/// Invariants: `first <= next <= fence`, segments are ascending and do not overlap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartitionState {
    /// Partition, from 0.
    pub partition: i32,
    /// Which unbroken history, from 0.
    #[serde(deserialize_with = "numbers::count")]
    pub lineage: u32,
    /// When everything up to `next` was known to be in the log, where that is not the head's `fences_taken`: the
    /// partition was not reached this time. A compacted partition whose fence is too old is read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fenced: Option<Timestamp>,
    /// The broker's three bounds when the fence was taken.
    #[serde(deserialize_with = "numbers::offset")]
    pub log_start: i64,
    /// See `log_start`.
    #[serde(deserialize_with = "numbers::offset")]
    pub last_stable: i64,
    /// See `log_start`.
    #[serde(deserialize_with = "numbers::offset")]
    pub high_watermark: i64,
    /// Where this snapshot's data of the partition ends.
    #[serde(deserialize_with = "numbers::offset")]
    pub fence: i64,
    /// Up to where the repository has it; below `fence` the partition was not reached.
    #[serde(deserialize_with = "numbers::offset")]
    pub next: i64,
    /// Offset at which the lineage begins.
    #[serde(deserialize_with = "numbers::offset")]
    pub first: i64,
    /// Offsets that are not in the repository, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingRange>,
    /// The segments.
    pub segments: SegmentList,
}

/// Offsets between two segments that were never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRange {
    /// Which.
    #[serde(deserialize_with = "numbers::range")]
    pub range: OffsetRange,
    /// True: retention took them during the run, before they were read (a loss). False: between runs (normal).
    pub gap: bool,
}

/// A partition's segments, ascending: the immutable parts in order, then the tail.
/// A tail that grows to [`SegmentList::TAIL_MAX`] seals, or to 16 KiB, is moved into a part of its own, and `TAIL_MAX`
/// parts of one level are merged into one of the next, up to 4 MiB. So a snapshot costs O(changes), and a list has few
/// parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SegmentList {
    /// Full parts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<SealsRef>,
    /// The newest seals.
    #[serde(default)]
    pub tail: Vec<Seal>,
}

impl SegmentList {
    /// Seals the tail holds at most.
    pub const TAIL_MAX: usize = 16;
}

/// A part that holds a `Vec<Seal>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealsRef {
    /// Digest of the part.
    pub digest: String,
    /// How many merges made it: 0 for a moved tail.
    #[serde(deserialize_with = "numbers::count")]
    pub level: u32,
    /// Seals in it.
    #[serde(deserialize_with = "numbers::total")]
    pub seals: u64,
    /// First offset of the first seal.
    #[serde(deserialize_with = "numbers::offset")]
    pub base: i64,
    /// Next offset of the last seal.
    #[serde(deserialize_with = "numbers::offset")]
    pub next: i64,
    /// Bytes of the plain logs.
    #[serde(deserialize_with = "numbers::total")]
    pub size: u64,
    /// Bytes of the part's plain JSON: parts are not merged beyond a size.
    #[serde(deserialize_with = "numbers::total")]
    pub json_bytes: u64,
}
