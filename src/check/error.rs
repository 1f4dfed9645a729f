//! Why nothing could be looked at.

use crate::cluster::ClusterError;
use crate::model::InvalidPattern;
use crate::repository::RepositoryError;

/// What ends a check without a report. What is wrong with a cluster or a repository that answers is in the report.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The cluster stopped answering.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The repository cannot be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The selection makes no sense.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
}
