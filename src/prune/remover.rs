//! Removing objects: what may not be removed is told, and the rest goes on.

use super::report::{Count, PruneReport};
use crate::model::describe;
use crate::repository::{Repository, RepositoryError};
use crate::store::{Key, StoreErrorKind};

/// Removes, or only counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remover<'a> {
    pub(super) repository: &'a Repository,
    pub(super) dry_run: bool,
}

impl Remover<'_> {
    /// Removes an object and adds it to one of the counts. True if it is gone, or would be.
    pub(super) fn remove(
        &self,
        key: &Key,
        bytes: u64,
        report: &mut PruneReport,
        count: impl FnOnce(&mut PruneReport) -> &mut Count,
    ) -> Result<bool, RepositoryError> {
        if !self.dry_run && !self.delete(key, report)? {
            return Ok(false);
        }
        count(report).add(bytes);
        Ok(true)
    }

    /// False where the store does not let us; other failures end the prune.
    pub(super) fn delete(&self, key: &Key, report: &mut PruneReport) -> Result<bool, RepositoryError> {
        match self.repository.store().delete(key) {
            Ok(()) => {
                tracing::debug!(phase = "delete", object = %key, "removed");
                Ok(true)
            }
            Err(error) if matches!(error.kind, StoreErrorKind::PermissionDenied | StoreErrorKind::ReadOnly) => {
                report.stick(key.as_str(), describe(&error));
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}
