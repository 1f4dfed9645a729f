//! Why an export ended early.

use std::io;

use crate::model::{Classify, ErrorClass, TopicName, TopicPartition};
use crate::repository::RepositoryError;

/// An export that failed or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The repository could not be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The snapshot does not hold the topic.
    #[error("snapshot {snapshot} has no topic {topic}")]
    NoSuchTopic {
        /// Number of the snapshot.
        snapshot: u64,
        /// The topic.
        topic: TopicName,
    },
    /// The topic does not have the partition.
    #[error("snapshot {snapshot} has no partition {partition}")]
    NoSuchPartition {
        /// Number of the snapshot.
        snapshot: u64,
        /// The partition.
        partition: TopicPartition,
    },
    /// The output does not take more; a reader that went away is `BrokenPipe`.
    #[error("writing records")]
    Write(#[source] io::Error),
}

impl Classify for ExportError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Repository(error) => error.class(),
            Self::NoSuchTopic { .. } | Self::NoSuchPartition { .. } => ErrorClass::Reject,
            Self::Write(_) => ErrorClass::Fatal,
        }
    }
}
