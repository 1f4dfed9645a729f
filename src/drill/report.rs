//! What a drill tells.

use serde::Serialize;

use super::error::DrillError;
use super::options::dated;
use crate::compare::{CompareReport, Verdict};
use crate::model::{Classify, ErrorClass, Timestamp, describe};
use crate::repository::Snapshot;
use crate::restore::RestoreReport;

/// The result of a drill.
#[derive(Debug, Serialize)]
pub struct DrillReport {
    /// How it ended.
    pub result: DrillResult,
    /// What was proven, or why nothing was, in one sentence.
    pub sentence: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Number of the snapshot.
    pub snapshot: u64,
    /// Its id.
    pub snapshot_id: String,
    /// When its data ends.
    pub taken: Timestamp,
    /// Cluster it was taken from.
    pub source_cluster_id: String,
    /// Cluster it was restored into.
    pub cluster_id: String,
    /// Before the names of scratch topics and groups.
    pub prefix: String,
    /// What was restored; null if the restore did not come to its end.
    pub restored: Option<Restored>,
    /// What was compared; null if it did not come to that.
    pub comparison: Option<CompareReport>,
    /// Milliseconds that the restore took.
    pub restore_ms: u64,
    /// Milliseconds that the comparison took.
    pub compare_ms: u64,
    /// Milliseconds that the removal took.
    pub remove_ms: u64,
    /// What was removed again.
    pub removed: Removed,
    /// The scratch topics and groups were left on purpose.
    pub kept: bool,
    /// What earlier drills had left.
    pub former: Vec<Former>,
    /// What ended it before its end.
    pub failure: Option<String>,
    /// The same as an error.
    #[serde(skip)]
    pub error: Option<DrillError>,
}

/// How a drill ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrillResult {
    /// Everything was restored, compared and equal.
    Proven,
    /// Something differs.
    Different,
    /// Nothing differs, but not everything was restored and compared, or something made could not be removed.
    Incomplete,
    /// It was stopped.
    Interrupted,
    /// It could not go on.
    Failed,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Topics.
    pub topics: u64,
    /// Partitions.
    pub partitions: u64,
    /// Records.
    pub records: u64,
    /// Groups that offsets were committed for.
    pub groups: u64,
    /// Why it is less than it should be.
    pub incomplete: Vec<String>,
}

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Topics.
    pub topics: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// What could not be removed.
    pub left: Vec<Left>,
}

/// Something that is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// A topic or a group.
    pub subject: String,
    /// Why.
    pub reason: String,
}

/// An earlier drill that was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Former {
    /// Where its restore is written down.
    pub restore: String,
    /// When it began.
    pub started: Timestamp,
    /// What was removed of it.
    pub removed: Removed,
}

impl DrillReport {
    pub(super) fn begin(snapshot: &Snapshot, cluster_id: String, prefix: &str, started: Timestamp) -> Self {
        Self {
            result: DrillResult::Failed,
            sentence: String::new(),
            started,
            finished: started,
            snapshot: snapshot.head.sequence,
            snapshot_id: snapshot.id.clone(),
            taken: snapshot.head.fences_taken,
            source_cluster_id: snapshot.head.cluster_id.clone(),
            cluster_id,
            prefix: prefix.to_owned(),
            restored: None,
            comparison: None,
            restore_ms: 0,
            compare_ms: 0,
            remove_ms: 0,
            removed: Removed::default(),
            kept: false,
            former: Vec::new(),
            failure: None,
            error: None,
        }
    }

    /// A name for files that hold it: the date of its beginning is in it.
    pub fn file_name(&self) -> String {
        format!("ktape-drill-{}", dated(self.started))
    }

    pub(super) fn restored(&mut self, report: &RestoreReport) {
        let mut incomplete = report.incomplete.clone();
        let lost = report.lost.iter().filter(|lost| !lost.expected);
        incomplete.extend(lost.map(|lost| format!("group {} at {}: {}", lost.group, lost.partition, lost.detail)));
        self.restored = Some(Restored {
            topics: report.topics.len() as u64,
            partitions: report.topics.iter().map(|topic| topic.partitions as u64).sum(),
            records: report.admitted.records,
            groups: report.groups.len() as u64,
            incomplete,
        });
    }

    pub(super) fn finish(&mut self, error: Option<DrillError>) {
        self.finished = Timestamp::now();
        self.failure = error.as_ref().map(|error| describe(error));
        self.result = self.judge(error.as_ref());
        self.sentence = self.sum_up();
        self.error = error;
    }

    fn judge(&self, error: Option<&DrillError>) -> DrillResult {
        let verdict = self.comparison.as_ref().map(CompareReport::verdict);
        let whole = self.restored.as_ref().is_some_and(|restored| restored.incomplete.is_empty());
        let left = self.removed.left.iter().chain(self.former.iter().flat_map(|one| &one.removed.left)).count();
        match (verdict, error) {
            (Some(Verdict::Different), _) => DrillResult::Different,
            (Some(Verdict::Stopped), None) => DrillResult::Interrupted,
            (_, Some(error)) if error.class() == ErrorClass::Cancelled => DrillResult::Interrupted,
            (_, Some(_)) | (None, None) => DrillResult::Failed,
            (Some(Verdict::Equal), None) if whole && left == 0 => DrillResult::Proven,
            (Some(_), None) => DrillResult::Incomplete,
        }
    }

    fn sum_up(&self) -> String {
        let snapshot =
            format!("snapshot {} of cluster {}, taken at {}", self.snapshot, self.source_cluster_id, self.taken);
        match (self.result, &self.comparison) {
            (DrillResult::Proven, Some(found)) => format!(
                "proven on {}: {} records in {} partitions of {} topics, and {} committed offsets of {} groups, of {snapshot}, \
                 were restored into cluster {} and are equal",
                self.finished,
                found.records,
                found.partitions,
                found.topics,
                found.offsets,
                found.groups,
                self.cluster_id
            ),
            (DrillResult::Different, Some(found)) => {
                format!("NOT proven: {} differences after {snapshot} was restored", found.differences_total)
            }
            (DrillResult::Incomplete, _) => {
                format!(
                    "NOT wholly proven: nothing differs, but {snapshot} was not wholly restored, compared and removed"
                )
            }
            (DrillResult::Interrupted, _) => format!("NOT proven: interrupted while {snapshot} was rehearsed"),
            _ => format!("NOT proven: {snapshot} could not be rehearsed"),
        }
    }
}
