//! What an export is asked to do.

use super::encoding::Encoding;
use crate::model::{OffsetRange, Timestamp, TopicName};

/// Resolved settings of one export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportOptions {
    /// The topic.
    pub topic: TopicName,
    /// Its partitions; empty for all.
    pub partitions: Vec<i32>,
    /// Offsets wanted, in each of them. What lies outside of the snapshot is passed over.
    pub offsets: OffsetRange,
    /// Begin each partition at its first record that is not earlier.
    pub from_time: Option<Timestamp>,
    /// End each partition before its first record that is later.
    pub until: Option<Timestamp>,
    /// How bytes are shown.
    pub encoding: Encoding,
    /// Show data of transactions that did not commit, too.
    pub uncommitted: bool,
}

impl ExportOptions {
    /// All committed records of a topic.
    pub fn of(topic: TopicName) -> Self {
        Self {
            topic,
            partitions: Vec::new(),
            offsets: OffsetRange { base: 0, next: i64::MAX },
            from_time: None,
            until: None,
            encoding: Encoding::default(),
            uncommitted: false,
        }
    }
}
