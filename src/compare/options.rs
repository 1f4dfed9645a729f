//! What a comparison is asked to do.

use std::path::PathBuf;

use crate::model::Selection;
use crate::repository::SnapshotChoice;

/// Resolved settings of one comparison.
#[derive(Debug, Clone)]
pub struct CompareOptions {
    /// Which snapshot.
    pub snapshot: SnapshotChoice,
    /// Which of its topics and groups.
    pub selection: Selection,
    /// Where restores are written down; `None` for the repository.
    pub state: Option<PathBuf>,
    /// A certain restore, by its folder; `None` for the newest one of the snapshot into the cluster.
    pub restore: Option<String>,
    /// Partitions that are compared at a time; each holds a few MiB.
    pub partitions_at_a_time: usize,
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self {
            snapshot: SnapshotChoice::Latest,
            selection: Selection::default(),
            state: None,
            restore: None,
            partitions_at_a_time: 8,
        }
    }
}
