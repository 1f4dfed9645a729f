//! What a verb that moves data between a cluster and a repository is handed.

use std::fmt;

use crate::cancel::Cancel;
use crate::cluster::Cluster;
use crate::progress::Progress;
use crate::repository::Repository;

/// The two ends, how to go about it, who watches, and who may stop it.
pub struct Context<'a, Options> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The repository.
    pub repository: &'a Repository,
    /// What is asked for.
    pub options: &'a Options,
    /// Who watches.
    pub progress: &'a dyn Progress,
    /// Who may stop it.
    pub cancel: &'a Cancel,
}

impl<Options> Clone for Context<'_, Options> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Options> Copy for Context<'_, Options> {}

impl<Options: fmt::Debug> fmt::Debug for Context<'_, Options> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("options", &self.options).finish_non_exhaustive()
    }
}
