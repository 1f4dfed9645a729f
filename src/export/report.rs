//! What an export tells in the end. The records themselves went to the output.

use serde::Serialize;

use super::plan::ExportPlan;
use crate::model::{OffsetRange, Timestamp, TopicName};
use crate::repository::Uncommitted;

/// The result of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    /// Number of the snapshot.
    pub snapshot: u64,
    /// The topic.
    pub topic: TopicName,
    /// Partitions that were to be read.
    pub partitions: u64,
    /// Records written.
    pub records: u64,
    /// Records of aborted transactions, not written unless asked for.
    pub aborted_records: u64,
    /// Records of transactions that were open when the snapshot was taken, or at a cut by time, not written unless asked for.
    pub open_records: u64,
    /// Records of transactions whose outcome is lost, not written unless asked for.
    pub undecided_records: u64,
    /// Partitions that were ended by time.
    pub cuts: Vec<TimeCut>,
    /// Offsets that should have been there.
    pub missing: Vec<MissingOffsets>,
    /// It was cancelled before the end.
    pub cancelled: bool,
}

/// Where a partition was ended by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeCut {
    /// The partition.
    pub partition: i32,
    /// First offset that is not shown.
    pub offset: i64,
    /// Time of the record there.
    pub timestamp: Timestamp,
    /// Records at or before the time that lie behind, at least.
    pub behind: u64,
}

/// Offsets of a partition that the repository does not have, though the snapshot should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MissingOffsets {
    /// The partition.
    pub partition: i32,
    /// Which offsets.
    #[serde(flatten)]
    pub range: OffsetRange,
}

impl ExportReport {
    pub(super) fn of(plan: &ExportPlan) -> Self {
        Self {
            snapshot: plan.snapshot,
            topic: plan.topic.clone(),
            partitions: plan.partitions.len() as u64,
            records: 0,
            aborted_records: 0,
            open_records: 0,
            undecided_records: 0,
            cuts: plan.partitions.iter().filter_map(|one| one.cut).collect(),
            missing: plan.partitions.iter().flat_map(|one| one.missing.clone()).collect(),
            cancelled: false,
        }
    }

    pub(super) fn count_uncommitted(&mut self, outcome: Uncommitted, records: u64) {
        *match outcome {
            Uncommitted::Aborted => &mut self.aborted_records,
            Uncommitted::Open | Uncommitted::OpenAtCut => &mut self.open_records,
            Uncommitted::Lost => &mut self.undecided_records,
        } += records;
    }

    /// Whether all was written that the snapshot should hold.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.undecided_records == 0 && !self.cancelled
    }
}
