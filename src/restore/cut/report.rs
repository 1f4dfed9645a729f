//! What a cut leaves out, for the plan and the report.

use serde::{Serialize, Serializer};

use crate::model::{Timestamp, TopicPartition};

/// The cut of one partition. Only partitions that are cut have one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionCut {
    /// In the snapshot.
    #[serde(serialize_with = "as_text")]
    pub partition: TopicPartition,
    /// First source offset that is restored, if that is not the log start.
    pub from: Option<i64>,
    /// First source offset that is not restored any more, if that is not the end.
    pub until: Option<i64>,
    /// Time of the first record that is later than what was asked for; `None` where no record is, or the cut was made by
    /// when data was fetched.
    pub timestamp: Option<Timestamp>,
    /// Records at or before the time that lie behind the cut, at least.
    pub behind: u64,
    /// Records at or before the time in all; 0 where none lies behind the cut.
    pub at_or_before: u64,
    /// How far the earliest of those behind the cut lies before the record that it is made at, in milliseconds, at
    /// least.
    pub jump_ms: Option<i64>,
}

fn as_text<S: Serializer>(partition: &TopicPartition, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(partition)
}
