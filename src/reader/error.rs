//! Why a partition could not be read further.

use crate::batch::BatchError;
use crate::cluster::ClusterError;
use crate::model::{Classify, ErrorClass, TopicPartition};

/// A partition that could not be read further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The cluster did not answer in time, or refused.
    #[error("reading partition {at} from offset {offset}")]
    Cluster {
        /// The partition.
        at: TopicPartition,
        /// First offset that was not read.
        offset: i64,
        /// What was said last.
        source: ClusterError,
    },
    /// Its topic is not the one that was meant.
    #[error("partition {at}: its topic was deleted, or made anew, while it was read")]
    OtherTopic {
        /// The partition.
        at: TopicPartition,
    },
    /// What the leader served is not record batches.
    #[error("partition {at}: what its leader serves from offset {offset} on cannot be read")]
    Batch {
        /// The partition.
        at: TopicPartition,
        /// First offset that was not read.
        offset: i64,
        /// What is wrong.
        source: BatchError,
    },
}

impl Classify for ReadError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Cluster { source, .. } => source.class(),
            Self::OtherTopic { .. } => ErrorClass::Reject,
            Self::Batch { .. } => ErrorClass::Corrupt,
        }
    }
}
