//! Why a backup did not happen. What merely makes it less than it should be is in the report.

use crate::cluster::ClusterError;
use crate::model::{Classify, ErrorClass, InvalidPattern, TopicName};
use crate::repository::RepositoryError;

/// A backup that failed or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The cluster could not be reached or answered with an error that is not one partition's alone.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The repository could not be read or written.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// A pattern is malformed.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    /// The repository holds another cluster's snapshots.
    #[error("the repository at {location} belongs to cluster {expected}, but {found} answered")]
    OtherCluster {
        /// How the cluster was reached, as given.
        bootstrap: String,
        /// Where the repository is.
        location: String,
        /// Cluster of its newest snapshot.
        expected: String,
        /// Cluster that was asked.
        found: String,
    },
    /// What was asked for by name is hidden from this client.
    #[error("topic {topic} is not shown to this client, which needs Read on topic {topic}")]
    Hidden {
        /// The topic.
        topic: TopicName,
    },
    /// An include pattern matches nothing.
    #[error("no {noun} of the cluster matches {pattern:?}")]
    NothingMatches {
        /// `topic` or `group`.
        noun: &'static str,
        /// The pattern.
        pattern: String,
    },
    /// A thread of ours ended without an answer.
    #[error("the thread that {doing} ended unexpectedly")]
    Thread {
        /// What it was doing.
        doing: &'static str,
    },
}

impl Classify for BackupError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Cluster(error) => error.class(),
            Self::Repository(error) => error.class(),
            Self::Pattern(_) | Self::OtherCluster { .. } | Self::Hidden { .. } | Self::NothingMatches { .. } => {
                ErrorClass::Reject
            }
            Self::Thread { .. } => ErrorClass::Fatal,
        }
    }
}
