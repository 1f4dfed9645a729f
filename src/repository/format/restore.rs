//! What a restore writes down, so that the same command goes on after a kill, and later work knows what was done.

use serde::{Deserialize, Serialize};

use super::GroupOffset;
use super::numbers;
use crate::model::{GroupId, OffsetRange, Selection, Timestamp, TopicId, TopicName};

/// What tells one restore from another: two with the same key are the same work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreKey {
    /// Cluster it is restored into.
    pub target_cluster_id: String,
    /// Id of the snapshot.
    pub snapshot_id: String,
    /// What of it.
    pub selection: Selection,
    /// Under which names, as they were typed.
    pub renames: Vec<String>,
    /// Which part of it by time.
    #[serde(default)]
    pub cut: RestoreCut,
    /// Whether source and target offsets are to be the same.
    #[serde(default)]
    pub preserve_offsets: bool,
    /// Text before the id of every group in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_prefix: Option<String>,
}

/// Which part of a snapshot's data is restored, by time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreCut {
    /// From the first record that is not earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Up to the first record that is later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Up to what was fetched by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_observed: Option<Timestamp>,
}

/// `plan.json`: written before anything is changed in the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePlanDocument {
    /// What tells this restore from another.
    #[serde(flatten)]
    pub key: RestoreKey,
    /// Number of the snapshot.
    pub snapshot: u64,
    /// Cluster the snapshot was taken from.
    pub source_cluster_id: String,
    /// When it began.
    pub started: Timestamp,
    /// Producer id and epoch of every data batch.
    pub producer_id: i64,
    /// See `producer_id`.
    pub producer_epoch: i16,
    /// Producer id of batches that only fill offsets; -1 where none are needed.
    pub filler_producer_id: i64,
    /// Producer id of markers that fill holes; -1 where none are needed.
    pub marker_producer_id: i64,
    /// Rules by which batches are made, for the record: resuming counts records and needs no batch boundaries.
    pub batching_version: u32,
    /// Codecs that the target takes, one bit each: 1 << codec number.
    pub target_codecs: u8,
    /// All its topics, by their names in the target.
    #[serde(default)]
    pub targets: Vec<TopicName>,
    /// Those of them that were there before, empty.
    pub existed: Vec<TopicName>,
    /// Made by a drill: its topics are scratch.
    #[serde(default)]
    pub drill: bool,
    /// ktape that began it.
    pub ktape_version: String,
}

/// `topics-<n>.json`, the highest number counts: written when all topics exist, before the first record; again when
/// one of them had to be made anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreTopics {
    /// The topics.
    pub topics: Vec<TargetTopic>,
    /// Partitions whose offsets were to be preserved and are not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub translated: Vec<TranslatedPartition>,
}

/// A partition whose offsets were to be preserved and are translated instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranslatedPartition {
    /// `topic-number` of the target.
    pub partition: String,
    /// Why, in words.
    pub reason: String,
}

/// One topic in the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetTopic {
    /// Its name in the snapshot.
    pub source: TopicName,
    /// Its name in the target.
    pub target: TopicName,
    /// Its id in the target, zero where brokers have none.
    pub id: TopicId,
    /// Whether this restore created it.
    pub created: bool,
    /// It is being deleted and made anew: under its name there may be the topic with this id, another one of the
    /// restore's, or none.
    #[serde(default)]
    pub again: bool,
    /// Its partitions that are restored, ascending.
    pub partitions: Vec<TargetPartition>,
}

/// One partition in the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetPartition {
    /// Its number, in the snapshot and in the target.
    pub partition: i32,
    /// Source offsets that are restored.
    #[serde(deserialize_with = "numbers::range")]
    pub keep: OffsetRange,
    /// Target offset of the first restored record.
    #[serde(deserialize_with = "numbers::offset")]
    pub base: i64,
    /// Whether every record gets the offset it had.
    #[serde(default)]
    pub preserved: bool,
}

/// Last line of an offset map: without it the map is not whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapSummary {
    /// Target offset after everything that is restored of the partition.
    pub log_end: i64,
    /// How many batches met which fate, as in the report.
    pub admitted: serde_json::Value,
    /// BLAKE3 of all lines before this one, hexadecimal.
    pub digest: String,
}

/// `records.json`: every partition was seen to hold what is restored, no less and no more. Written before the topics
/// get their own settings back: what retention and compaction do with the records afterwards is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreRecords {
    /// When.
    pub checked: Timestamp,
    /// What a person should know of it.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// `groups-before.json`, `groups.json` and others: committed offsets of groups in the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedGroups {
    /// When they were read or committed.
    pub saved: Timestamp,
    /// The groups, by their ids in the target.
    pub groups: Vec<SavedGroup>,
}

/// One group's committed offsets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedGroup {
    /// Its id in the target.
    pub id: GroupId,
    /// Per topic and partition of the target, ascending; partitions without a commit are absent.
    pub offsets: Vec<GroupOffset>,
}

/// `restores/offsets/<id>/commit.json`: offsets that are about to be committed without a restore, and what they replace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetsCommit {
    /// Cluster they are committed to.
    pub target_cluster_id: String,
    /// Id of the restore whose map translated them; `None` where each topic had its own way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<String>,
    /// Number of the snapshot they come from.
    pub snapshot: u64,
    /// Its id.
    pub snapshot_id: String,
    /// When `before` was read.
    pub saved: Timestamp,
    /// What the groups had committed for the partitions in `wanted`; partitions without a commit are absent.
    pub before: Vec<SavedGroup>,
    /// What is committed.
    pub wanted: Vec<SavedGroup>,
    /// ktape that commits.
    pub ktape_version: String,
}

/// `undone.json` beside a `commit.json`, `groups-undone.json` in a restore: what was there before was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetsUndone {
    /// When.
    pub undone: Timestamp,
}

/// `done.json`: written last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestoreDone {
    /// When.
    pub finished: Timestamp,
    /// Settings that were not put back, because the target would have deleted what was restored.
    #[serde(default)]
    pub held: Vec<HeldTopic>,
    /// What was reported.
    pub report: serde_json::Value,
}

/// `marking-<n>.json`: a run of a restore that preserves offsets began to write markers. Its number tells its requests
/// from those of runs before, which may still be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreMarking {
    /// When.
    pub began: Timestamp,
}

/// A topic whose retention is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTopic {
    /// Its name in the target.
    pub topic: TopicName,
    /// Its id in the target, zero where brokers have none.
    pub id: TopicId,
    /// The settings.
    pub configs: Vec<HeldConfig>,
    /// Why, in words.
    pub reason: String,
}

/// One setting that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldConfig {
    /// Config name.
    pub name: String,
    /// Its value while it is held.
    pub held: String,
    /// Its value once released; `None` for the broker's default.
    pub release: Option<String>,
}

/// `released-<n>.json`: held settings of some topics were put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreReleased {
    /// When.
    pub released: Timestamp,
    /// The topics, by their names in the target.
    pub topics: Vec<TopicName>,
}
