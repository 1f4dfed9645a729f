//! Why a comparison did not happen or ended. What differs, and what could not be compared, is in the report.

use crate::cluster::ClusterError;
use crate::model::{Classify, ErrorClass, InvalidPattern};
use crate::repository::RepositoryError;

/// A comparison that failed or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The cluster could not be reached.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The repository could not be read, or is damaged.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// A pattern is malformed.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    /// The repository has no such snapshot.
    #[error("the repository has no snapshot {0}")]
    NoSnapshot(String),
    /// An include pattern fits nothing.
    #[error("nothing in snapshot {snapshot} matches {what}")]
    NothingMatches {
        /// Which snapshot.
        snapshot: u64,
        /// `topic "x*"`.
        what: String,
    },
    /// The cluster is neither the source of the snapshot nor the target of a restore that was written down.
    #[error(
        "cluster {cluster_id} is not the one that snapshot {snapshot} was taken from ({source_cluster_id}), and no \
         finished restore of it into this cluster is written down in {states}"
    )]
    Stranger {
        /// The cluster.
        cluster_id: String,
        /// The snapshot.
        snapshot: u64,
        /// Its source.
        source_cluster_id: String,
        /// Where restores were looked for.
        states: String,
    },
    /// A thread of ours ended without an answer.
    #[error("the thread that compares records ended unexpectedly")]
    Thread,
}

impl Classify for CompareError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Cluster(error) => error.class(),
            Self::Repository(error) => error.class(),
            Self::Thread => ErrorClass::Fatal,
            _ => ErrorClass::Reject,
        }
    }
}
