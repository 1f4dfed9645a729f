//! Why a drill did not happen, or what ended it.

use crate::cluster::ClusterError;
use crate::compare::CompareError;
use crate::model::{Classify, ErrorClass, InvalidPattern, TopicName};
use crate::repository::RepositoryError;
use crate::restore::RestoreError;

/// A drill that failed or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrillError {
    /// The cluster could not be reached.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The repository could not be read or written.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// A pattern is malformed.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    /// The repository has no such snapshot.
    #[error("the repository has no snapshot {0}")]
    NoSnapshot(String),
    /// The prefix makes a name that Kafka does not take.
    #[error(
        "topic {topic} cannot be restored as {prefix}{topic}: a name has at most 249 of a-z, A-Z, 0-9, '.', '_', '-'"
    )]
    Name {
        /// The topic.
        topic: TopicName,
        /// The prefix.
        prefix: String,
    },
    /// Something in the cluster has the prefix already.
    #[error("{what} begins with the prefix {prefix:?} and is not this drill's")]
    PrefixInUse {
        /// `topic x`, `group "x"`.
        what: String,
        /// The prefix.
        prefix: String,
    },
    /// The restore.
    #[error(transparent)]
    Restore(RestoreError),
    /// The comparison.
    #[error(transparent)]
    Compare(CompareError),
}

impl From<RestoreError> for DrillError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Cluster(error) => Self::Cluster(error),
            RestoreError::Repository(error) => Self::Repository(error),
            error => Self::Restore(error),
        }
    }
}

impl From<CompareError> for DrillError {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Cluster(error) => Self::Cluster(error),
            CompareError::Repository(error) => Self::Repository(error),
            error => Self::Compare(error),
        }
    }
}

impl Classify for DrillError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Cluster(error) => error.class(),
            Self::Repository(error) => error.class(),
            Self::Restore(error) => error.class(),
            Self::Compare(error) => error.class(),
            _ => ErrorClass::Reject,
        }
    }
}
