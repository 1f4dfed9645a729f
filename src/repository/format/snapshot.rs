//! The repository's own document and the head of a snapshot.

use serde::{Deserialize, Serialize};

use super::numbers;
use super::storage::{Compression, PartRef, Recipients};
use crate::model::{Selection, Timestamp};
use crate::repository::ContentDigest;

/// The format this build writes.
pub const FORMAT_VERSION: FormatVersion = FormatVersion { major: 2, minor: 0 };
/// What is written into repositories that were made before.
pub const FORMAT_VERSION_1: FormatVersion = FormatVersion { major: 1, minor: 1 };

/// Readers refuse a newer major version by name and read any minor one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatVersion {
    /// Changes when an older reader would misread.
    pub major: u32,
    /// Changes when fields were added.
    pub minor: u32,
}

/// `repository.json`: written once by `init`, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryDocument {
    /// Format of everything in the repository.
    pub format: FormatVersion,
    /// Random, 32 hexadecimal digits.
    pub repository_id: String,
    /// When `init` made it.
    pub created: Timestamp,
    /// ktape that made it.
    pub ktape_version: String,
    /// How segments are compressed; none where they are stored as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// To whom is encrypted, unless `keys/` says otherwise by now; none where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Recipients>,
    /// How segments are digested.
    #[serde(default, skip_serializing_if = "ContentDigest::is_blake3")]
    pub digest: ContentDigest,
}

/// `snapshots/<sequence, 10 digits>.json`, first line; the second line holds the digest of the first.
/// The digest is the snapshot's id: it covers every part by digest, and those cover every segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotHead {
    /// Format version of the snapshot and its parts.
    pub format: FormatVersion,
    /// Number of the snapshot, from 1.
    pub sequence: u64,
    /// Repository it belongs to.
    pub repository_id: String,
    /// Cluster it was taken from.
    pub cluster_id: String,
    /// Run that made it.
    pub run: String,
    /// Runs whose id is not larger than this need not be looked at for seals to take over.
    pub run_horizon: String,
    /// Snapshot this one continues, if any.
    pub parent: Option<Parent>,
    /// Snapshot of another repository that this one is a copy of; none where it was made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// When the run began, groups were read, fences were taken, the snapshot was committed.
    pub started: Timestamp,
    /// See `started`.
    pub groups_captured: Timestamp,
    /// See `started`.
    pub fences_taken: Timestamp,
    /// See `started`.
    pub committed: Timestamp,
    /// What the run was asked to take.
    pub selection: Selection,
    /// Topic parts; a topic lies in the shard that its name hashes to.
    pub topics: Vec<TopicShardRef>,
    /// The groups part.
    pub groups: PartRef,
    /// Digest of the part with the names of the groups, where they are encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_names: Option<String>,
    /// The part with the cluster's own settings; none before format 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<PartRef>,
    /// Number of the keys that were in force; 0 for those in `repository.json`, and where nothing is encrypted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub keys: u64,
    /// Digest of the part with what was left out, if anything was.
    pub excluded: Option<String>,
    /// Why this snapshot is less than it should be; empty for a complete one.
    pub incomplete: Vec<Incomplete>,
    /// Sums over everything the snapshot names.
    pub totals: Totals,
    /// ktape that made it.
    pub ktape_version: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A snapshot named by number and id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Number.
    pub sequence: u64,
    /// Id: digest of its head line.
    pub id: String,
}

/// The snapshot that a copy was made of, or the first of them where that one was a copy too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// Id of the repository it lies in.
    pub repository_id: String,
    /// Its number there.
    pub sequence: u64,
    /// Its id.
    pub id: String,
}

/// A part with topics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicShardRef {
    /// Number of the shard, below the power of two that is the number of shards.
    pub shard: u32,
    /// Digest of the part.
    pub digest: String,
    /// Topics in it.
    #[serde(deserialize_with = "numbers::total")]
    pub topics: u64,
}

/// Part: what was seen and left out by the selection or the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// Topics, ascending.
    pub topics: Vec<String>,
    /// Groups, ascending.
    pub groups: Vec<String>,
}

/// One reason why a snapshot is less than it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incomplete {
    /// What kind of loss.
    pub kind: IncompleteKind,
    /// What it is about: a topic-partition, a group, a broker.
    pub subject: String,
    /// One sentence with the numbers.
    pub detail: String,
    /// Whoever ran the backup said beforehand that this may be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
}

impl Incomplete {
    /// A loss that nobody accepted.
    pub fn new(kind: IncompleteKind, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind, subject: subject.into(), detail: detail.into(), accepted: false }
    }
}

/// Kinds of loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncompleteKind {
    /// Retention took offsets before they were read.
    Gap,
    /// A partition's fence was not reached.
    NotReached,
    /// A topic went away or was made anew during the run.
    TopicChanged,
    /// A group's offsets could not be read.
    Group,
    /// The list of groups may not be whole.
    PartialView,
    /// A transaction that nobody ends holds back the last stable offset, and with it the fence.
    HangingTransaction,
    /// Settings of the cluster could not be read.
    Settings,
    /// From a newer ktape.
    #[serde(other)]
    Other,
}

/// Sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Topics.
    #[serde(deserialize_with = "numbers::total")]
    pub topics: u64,
    /// Partitions.
    #[serde(deserialize_with = "numbers::total")]
    pub partitions: u64,
    /// Groups.
    #[serde(deserialize_with = "numbers::total")]
    pub groups: u64,
    /// Segments.
    #[serde(deserialize_with = "numbers::total")]
    pub segments: u64,
    /// Bytes of the plain logs.
    #[serde(deserialize_with = "numbers::total")]
    pub bytes: u64,
    /// Segments and bytes that the parent does not have.
    #[serde(deserialize_with = "numbers::total")]
    pub new_segments: u64,
    /// See `new_segments`.
    #[serde(deserialize_with = "numbers::total")]
    pub new_bytes: u64,
    /// Records that the parent does not have.
    #[serde(deserialize_with = "numbers::total")]
    pub new_records: u64,
}
