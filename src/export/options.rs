//! What an export is asked to do.

use super::encoding::Encoding;
use crate::model::{OffsetRange, TopicName};

/// Resolved settings of one export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportOptions {
    /// The topic.
    pub topic: TopicName,
    /// Its partitions; empty for all.
    pub partitions: Vec<i32>,
    /// Offsets wanted, in each of them. What lies outside of the snapshot is passed over.
    pub offsets: OffsetRange,
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
            encoding: Encoding::default(),
            uncommitted: false,
        }
    }
}
