//! What a comparison tells.

use serde::Serialize;

use super::content::What;
use crate::model::Timestamp;

/// The result of a comparison.
#[derive(Debug, Clone, Serialize)]
pub struct CompareReport {
    /// Number of the snapshot.
    pub snapshot: u64,
    /// Its id.
    pub snapshot_id: String,
    /// Cluster it was taken from.
    pub source_cluster_id: String,
    /// Cluster that was read.
    pub cluster_id: String,
    /// What the cluster is to the snapshot.
    pub against: Against,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// False where it was stopped before the end.
    pub complete: bool,
    /// Topics of which at least one partition was compared.
    pub topics: u64,
    /// Partitions that were compared to their ends.
    pub partitions: u64,
    /// Records that are equal.
    pub records: u64,
    /// Bytes of the stored batches that were read.
    pub bytes: u64,
    /// Batches whose records lie in the same bytes on both sides.
    pub batches_by_bytes: u64,
    /// Records that were decoded and compared one by one.
    pub records_one_by_one: u64,
    /// Groups of the snapshot that were compared.
    pub groups: u64,
    /// Committed offsets that are what they should be.
    pub offsets: u64,
    /// The first difference of each partition, and each of a group. Those of partitions come first.
    pub differences: Vec<Difference>,
    /// How many records and offsets differ in all.
    pub differences_total: u64,
    /// What could not be compared: then the result is less than it should be.
    pub not_compared: Vec<NotCompared>,
    /// What has changed since and is no difference, by partition or group.
    pub since: Vec<Since>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// What the cluster is to the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Against {
    /// The snapshot was taken from it.
    Source,
    /// It was restored into it.
    Target {
        /// Where the restore is written down.
        restore: String,
        /// When it ended.
        restored: Timestamp,
    },
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The group, where it is about a committed offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Topic in the snapshot.
    pub topic: String,
    /// Topic in the cluster.
    pub target: String,
    /// The partition.
    pub partition: i32,
    /// Offset in the snapshot; null where the snapshot has nothing.
    pub source_offset: Option<i64>,
    /// Offset in the cluster; null where that is not known.
    pub target_offset: Option<i64>,
    /// What differs: of a group always its position.
    pub what: Kind,
    /// One sentence.
    pub detail: String,
    /// Further differences of this partition.
    pub further: u64,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Kind {
    /// Of a record.
    Record(What),
    /// Of a group.
    Group(GroupWhat),
}

/// What differs of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupWhat {
    /// Its committed offset.
    Position,
    /// The text committed with it.
    Metadata,
}

/// Something that could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    /// A topic, partition or group.
    pub subject: String,
    /// Why.
    pub reason: String,
}

/// What has changed since the snapshot, or the restore, and is no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Since {
    /// A partition of the cluster, or a group.
    pub subject: String,
    /// Offsets of the snapshot below the log start.
    #[serde(skip_serializing_if = "is_zero")]
    pub expired_offsets: u64,
    /// Records that compaction took: a later one has the same key.
    #[serde(skip_serializing_if = "is_zero")]
    pub compacted_records: u64,
    /// Offsets that were written behind what was compared.
    #[serde(skip_serializing_if = "is_zero")]
    pub written_offsets: u64,
    /// Records of transactions that had no outcome in the snapshot, and were committed since.
    #[serde(skip_serializing_if = "is_zero")]
    pub decided_records: u64,
    /// Of a group: one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over like that")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Since {
    pub(super) fn of_group(subject: String, detail: String) -> Self {
        Self { subject, detail: Some(detail), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self { subject: self.subject.clone(), ..Self::default() }
    }
}

/// How a comparison ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was compared and is equal.
    Equal,
    /// Something differs.
    Different,
    /// Nothing differs, but not everything could be compared.
    Incomplete,
    /// It was stopped; nothing differed until then.
    Stopped,
}

impl CompareReport {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        match () {
            () if self.differences_total > 0 => Verdict::Different,
            () if !self.complete => Verdict::Stopped,
            () if !self.not_compared.is_empty() => Verdict::Incomplete,
            () => Verdict::Equal,
        }
    }
}
