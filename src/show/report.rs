//! What there is to show.

use serde::Serialize;

use crate::model::{Selection, Timestamp, TopicId, TopicName};
use crate::repository::format::{
    ConfigEntry, Excluded, FormatVersion, GroupState, HeldTopic, Incomplete, MissingRange, Parent, SettingsPart, Totals,
};
use crate::repository::{Repository, Snapshot};

/// One snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShowReport {
    /// The repository's id.
    pub repository_id: String,
    /// Where it lies.
    pub location: String,
    /// Number.
    pub sequence: u64,
    /// Id: digest of the head.
    pub id: String,
    /// Its format.
    pub format: FormatVersion,
    /// Cluster it was taken from.
    pub cluster_id: String,
    /// Run that made it.
    pub run: String,
    /// Snapshot it continues, if any.
    pub parent: Option<Parent>,
    /// When the run began, groups were read, fences were taken, the snapshot was committed.
    pub started: Timestamp,
    /// See `started`.
    pub groups_captured: Timestamp,
    /// See `started`.
    pub fences_taken: Timestamp,
    /// See `started`.
    pub committed: Timestamp,
    /// Milliseconds from `started` to `committed`.
    pub duration_ms: u64,
    /// ktape that made it.
    pub ktape_version: String,
    /// What the run was asked to take.
    pub selection: Selection,
    /// Sums over the whole snapshot, whatever of it is shown.
    pub totals: Totals,
    /// Whether it is all that it should be.
    pub complete: bool,
    /// Why it is not.
    pub incomplete: Vec<Incomplete>,
    /// What was seen and left out.
    pub excluded: Excluded,
    /// Topics, ascending by name.
    pub topics: Vec<ShownTopic>,
    /// Consumer groups and what they committed, ascending by id.
    pub groups: Vec<GroupState>,
    /// The cluster's own settings; none where the snapshot is older than format 1.1.
    pub settings: Option<SettingsPart>,
    /// Topics whose retention restores hold, of whatever snapshot.
    pub held: Vec<ShownHold>,
}

/// A restored topic whose retention is held until `restore --release`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownHold {
    /// Cluster it was restored into.
    pub cluster_id: String,
    /// Snapshot that was restored.
    pub snapshot: u64,
    /// When the restore was finished.
    pub finished: Timestamp,
    /// What is held and why.
    #[serde(flatten)]
    pub held: HeldTopic,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownTopic {
    /// Its name.
    pub name: TopicName,
    /// Its id, zero where the cluster has none.
    pub id: TopicId,
    /// Replicas of partition 0.
    pub replication_factor: i16,
    /// Configs set on the topic itself.
    pub configs: Vec<ConfigEntry>,
    /// Values in force of configs that decide what a restored topic keeps.
    pub effective: Vec<ConfigEntry>,
    /// Bytes of record batches.
    pub bytes: u64,
    /// Bytes of its segments as they are stored: less where the repository compresses.
    pub stored_bytes: u64,
    /// Bytes and records that the parent does not have; none where that is gone.
    pub new_bytes: Option<u64>,
    /// See `new_bytes`.
    pub new_records: Option<u64>,
    /// Records stored, control records and those of aborted transactions included.
    pub records: u64,
    /// Its partitions, ascending.
    pub partitions: Vec<ShownPartition>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownPartition {
    /// Number, from 0.
    pub partition: i32,
    /// Which unbroken history, from 0.
    pub lineage: u32,
    /// The broker's log start when the fence was taken.
    pub log_start: i64,
    /// Offset at which the stored history begins.
    pub first: i64,
    /// First offset after what is stored.
    pub next: i64,
    /// Where this snapshot's data should end.
    pub fence: i64,
    /// The broker's last stable offset when the fence was taken.
    pub last_stable: i64,
    /// The broker's high watermark when the fence was taken.
    pub high_watermark: i64,
    /// Whether everything up to the fence is stored.
    pub reached: bool,
    /// Segments.
    pub segments: u64,
    /// Bytes of record batches.
    pub bytes: u64,
    /// Bytes of its segments as they are stored.
    pub stored_bytes: u64,
    /// Bytes and records that the parent does not have; none where that is gone.
    pub new_bytes: Option<u64>,
    /// See `new_bytes`.
    pub new_records: Option<u64>,
    /// Record batches.
    pub batches: u64,
    /// Records stored, control records and those of aborted transactions included.
    pub records: u64,
    /// Smallest and largest time in batch headers, -1 if there is none.
    pub min_timestamp: Timestamp,
    /// See `min_timestamp`.
    pub max_timestamp: Timestamp,
    /// Transactions that ended with an ABORT marker.
    pub aborted_transactions: u64,
    /// Transactions open at `next`: their data is not restored.
    pub open_transactions: u64,
    /// Offsets that were never read.
    pub missing: Vec<MissingRange>,
}

impl ShowReport {
    /// A report on a snapshot's head, without topics and groups so far.
    pub(super) fn new(repository: &Repository, snapshot: &Snapshot) -> Self {
        let head = snapshot.head.clone();
        Self {
            repository_id: head.repository_id,
            location: repository.location().to_owned(),
            sequence: head.sequence,
            id: snapshot.id.clone(),
            format: head.format,
            cluster_id: head.cluster_id,
            run: head.run,
            parent: head.parent,
            started: head.started,
            groups_captured: head.groups_captured,
            fences_taken: head.fences_taken,
            committed: head.committed,
            duration_ms: head.committed.0.saturating_sub(head.started.0).max(0) as u64,
            ktape_version: head.ktape_version,
            selection: head.selection,
            totals: head.totals,
            complete: head.incomplete.is_empty(),
            incomplete: head.incomplete,
            excluded: Excluded::default(),
            topics: Vec::new(),
            groups: Vec::new(),
            settings: None,
            held: Vec::new(),
        }
    }
}
