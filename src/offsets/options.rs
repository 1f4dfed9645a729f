//! What is asked for.

use crate::model::Selection;
use crate::repository::SnapshotChoice;
use crate::restore::{OutOfRange, Renames};

/// Settings of `offsets show`.
#[derive(Debug, Clone, Default)]
pub struct ShowOptions {
    /// Which snapshot; `None` for that of the restore, or the newest.
    pub snapshot: Option<SnapshotChoice>,
    /// The restore whose map translates; `None` for the newest finished one of the snapshot.
    pub restore: Option<String>,
    /// Which topics and groups.
    pub selection: Selection,
}

/// Settings of `offsets commit`.
#[derive(Debug, Clone, Default)]
pub struct CommitOptions {
    /// The restore whose map translates; `None` for the newest finished one into this cluster.
    pub restore: Option<String>,
    /// Which topics and groups.
    pub selection: Selection,
    /// What becomes of positions outside of what was restored.
    pub out_of_range: OutOfRange,
    /// Change nothing.
    pub dry_run: bool,
}

/// Settings of a restore of offsets only.
#[derive(Debug, Clone)]
pub struct OnlyOptions {
    /// Which snapshot.
    pub snapshot: SnapshotChoice,
    /// Which topics and groups.
    pub selection: Selection,
    /// Names of topics in the target.
    pub renames: Renames,
    /// What becomes of positions outside of what the target holds.
    pub out_of_range: OutOfRange,
    /// Change nothing.
    pub dry_run: bool,
}

/// Settings of `offsets undo`.
#[derive(Debug, Clone, Default)]
pub struct UndoOptions {
    /// Only what was committed by or after this restore.
    pub restore: Option<String>,
    /// Change nothing.
    pub dry_run: bool,
}
