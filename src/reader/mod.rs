//! Reads partitions of a cluster back, each from one offset to another and in order: what compares needs.
//!
//! Many partitions share one connection to each leader, on which their requests are pipelined. A partition has one
//! request in flight; what it answered is taken apart elsewhere meanwhile. New leaders, pauses and quotas are waited for.

mod error;
mod links;
mod partition;

pub use error::ReadError;
pub use links::Readers;
pub use partition::{Found, FoundBatches, PartitionReader};

use crate::model::TopicPartition;

/// What to read of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The partition.
    pub at: TopicPartition,
    /// The topic's id; a topic that was made anew is not mistaken for this one. Zero where brokers have none.
    pub topic_id: crate::model::TopicId,
    /// First offset.
    pub from: i64,
    /// First offset that is not wanted.
    pub to: i64,
    /// Only up to the last stable offset, and with what the broker says of aborted transactions.
    pub committed: bool,
}

/// How to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderOptions {
    /// Bytes of one answer; one batch comes even if it is larger.
    pub fetch_bytes: i32,
    /// How long a partition may fail before it is given up.
    pub patience: std::time::Duration,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self { fetch_bytes: 1 << 20, patience: std::time::Duration::from_secs(120) }
    }
}
