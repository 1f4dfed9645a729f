//! What is told. Printing is the command line's.

use serde::Serialize;

use super::position::Position;
use crate::model::{GroupId, Timestamp};

/// What `offsets show` tells.
#[derive(Debug, Clone, Serialize)]
pub struct ShowReport {
    /// Number of the snapshot.
    pub snapshot: u64,
    /// Its id.
    pub snapshot_id: String,
    /// When its groups were read.
    pub captured: Timestamp,
    /// Cluster it was taken from.
    pub source_cluster_id: String,
    /// The restore whose map translates, if one is known.
    pub restore: Option<String>,
    /// Cluster it went into.
    pub target_cluster_id: Option<String>,
    /// The offsets, ascending by group, topic, partition.
    pub offsets: Vec<Position>,
}

/// What a commit of offsets tells.
#[derive(Debug, Clone, Serialize)]
pub struct CommitReport {
    /// Number of the snapshot.
    pub snapshot: u64,
    /// Its id.
    pub snapshot_id: String,
    /// The restore whose map translated, if one did.
    pub restore: Option<String>,
    /// Cluster committed to.
    pub target_cluster_id: String,
    /// Nothing was changed: this is what would be.
    pub dry_run: bool,
    /// Where what was there before lies; empty in a dry run.
    pub state: String,
    /// Groups committed for, or that would be.
    pub groups: Vec<CommittedGroup>,
    /// Every offset that was selected.
    pub offsets: Vec<Position>,
    /// Offsets that should have been committed and are not.
    pub failed: Vec<NotCommitted>,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl CommitReport {
    /// Whether everything is committed that was to be.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty()
    }
}

/// One group.
#[derive(Debug, Clone, Serialize)]
pub struct CommittedGroup {
    /// In the target.
    pub id: GroupId,
    /// Offsets committed and read back.
    pub offsets: usize,
}

/// An offset that is not as it should be.
#[derive(Debug, Clone, Serialize)]
pub struct NotCommitted {
    /// The group.
    pub group: GroupId,
    /// Partition of the target.
    pub partition: String,
    /// Why.
    pub detail: String,
}

/// What `offsets undo` tells.
#[derive(Debug, Clone, Serialize)]
pub struct UndoReport {
    /// Cluster.
    pub target_cluster_id: String,
    /// Nothing was changed: this is what would be.
    pub dry_run: bool,
    /// Whose commit was undone, in words.
    pub undone: String,
    /// When it was made.
    pub committed: Timestamp,
    /// The groups.
    pub groups: Vec<UndoneGroup>,
    /// Offsets that are not as they were before, and why.
    pub failed: Vec<NotCommitted>,
}

impl UndoReport {
    /// Whether everything is as it was.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty()
    }
}

/// One group of an undo.
#[derive(Debug, Clone, Serialize)]
pub struct UndoneGroup {
    /// In the target.
    pub id: GroupId,
    /// Offsets that are as they were before.
    pub put_back: usize,
    /// Offsets that are gone again, as there were none before.
    pub removed: usize,
}
