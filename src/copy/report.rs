//! What a copy did, or would do.

use serde::Serialize;

use super::Context;
use crate::model::Timestamp;

/// The result of a copy.
#[derive(Debug, Clone, Serialize)]
pub struct CopyReport {
    /// Where the snapshots came from.
    pub from: String,
    /// Where they went.
    pub to: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// False where it was stopped before the end.
    pub complete: bool,
    /// Snapshots that were copied, in this order.
    pub snapshots: Vec<CopiedSnapshot>,
    /// Snapshots of the selection that the target had already.
    pub already_there: u64,
    /// Snapshots that were not copied, and why.
    pub not_copied: Vec<NotCopied>,
    /// Segments that were copied.
    pub segments: u64,
    /// Bytes of their plain logs.
    pub bytes: u64,
    /// Bytes that were stored for them.
    pub stored_bytes: u64,
    /// Segments taken over from a copy that was cut off.
    pub taken_over_segments: u64,
}

/// One snapshot that was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopiedSnapshot {
    /// Its number in the source.
    pub sequence: u64,
    /// Its id in the source.
    pub id: String,
    /// Number of the copy.
    pub copy_sequence: u64,
    /// Id of the copy.
    pub copy_id: String,
    /// Segments that were copied for it; the others were there.
    pub segments: u64,
    /// Bytes of their plain logs.
    pub bytes: u64,
}

/// One snapshot that was not copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCopied {
    /// Its number in the source.
    pub sequence: u64,
    /// What of it is missing or damaged, object by object; at most a thousand.
    pub damage: Vec<String>,
    /// It was removed from the source meanwhile, which is no damage.
    pub removed: bool,
}

/// What a copy would do.
#[derive(Debug, Clone, Serialize)]
pub struct CopyPlan {
    /// Where the snapshots come from.
    pub from: String,
    /// Where they go.
    pub to: String,
    /// Snapshots that the target lacks, oldest first.
    pub snapshots: Vec<PlannedSnapshot>,
    /// Snapshots of the selection that the target has.
    pub already_there: u64,
    /// Segments to copy.
    pub segments: u64,
    /// Bytes of their plain logs.
    pub bytes: u64,
    /// Bytes that lie in the source for them.
    pub stored_bytes: u64,
    /// Partitions to look at.
    #[serde(skip)]
    pub(super) partitions: u64,
    /// Bytes that can still be written at the target, where that is known.
    pub free_bytes: Option<u64>,
}

/// One snapshot that would be copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedSnapshot {
    /// Its number in the source.
    pub sequence: u64,
    /// When its fences were taken.
    pub fences_taken: Timestamp,
    /// Segments that neither the target nor a snapshot before it in this list has.
    pub segments: u64,
    /// Bytes of their plain logs.
    pub bytes: u64,
}

impl CopyReport {
    pub(super) fn new(context: Context<'_>, started: Timestamp, already_there: u64) -> Self {
        Self {
            from: context.source.location().to_owned(),
            to: context.target.location().to_owned(),
            started,
            finished: started,
            complete: false,
            snapshots: Vec::new(),
            already_there,
            not_copied: Vec::new(),
            segments: 0,
            bytes: 0,
            stored_bytes: 0,
            taken_over_segments: 0,
        }
    }

    /// Whether something of the source is damaged or missing.
    pub fn found_damage(&self) -> bool {
        self.not_copied.iter().any(|one| !one.removed)
    }
}
