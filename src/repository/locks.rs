//! Locks: a courtesy to whoever starts the same work twice. Safety comes from unique names and the conditional commit.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Repository;
use super::error::RepositoryError;
use super::layout;
use crate::model::Timestamp;
use crate::store::{LockGuard, LockOutcome, Store};

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// Name of the host.
    pub host: String,
    /// Process on that host.
    pub pid: u32,
    /// When it took the lock.
    pub since: Timestamp,
}

impl fmt::Display for LockOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {} since {}", self.pid, self.host, self.since)
    }
}

/// A lock that is held; dropping it frees it, and so does the end of the process, however it ends.
#[derive(Debug)]
pub struct Lock {
    _guard: Box<dyn LockGuard>,
}

impl Repository {
    /// Takes the lock for a purpose and whatever makes two such works the same, usually the selection.
    pub fn lock<T: Serialize>(&self, purpose: &str, what: &T) -> Result<Lock, RepositoryError> {
        take(self.store(), self.host(), purpose, what)
    }
}

/// Takes a lock in any store.
pub(super) fn take<T: Serialize>(
    store: &dyn Store,
    host: &str,
    purpose: &str,
    what: &T,
) -> Result<Lock, RepositoryError> {
    let failed = |source| RepositoryError::Encode { object: layout::LOCKS.to_owned(), source };
    let digest = blake3::hash(&serde_json::to_vec(what).map_err(failed)?).to_hex();
    let key = layout::lock(purpose, digest.as_str())?;
    let owner = LockOwner { host: host.to_owned(), pid: std::process::id(), since: Timestamp::now() };
    match store.lock(&key, &serde_json::to_vec(&owner).map_err(failed)?)? {
        LockOutcome::Held(guard) => Ok(Lock { _guard: guard }),
        LockOutcome::Taken(note) => {
            // Caught between taking the lock and noting who did.
            let unknown = || LockOwner { host: "an unnamed host".to_owned(), pid: 0, since: Timestamp::now() };
            let owner = serde_json::from_slice(&note).unwrap_or_else(|_| unknown());
            Err(RepositoryError::Locked { purpose: purpose.to_owned(), owner })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Selection;

    #[test]
    fn the_same_work_is_refused_while_its_owner_lives() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(&folder.path().join("r").display().to_string()).unwrap();
        let all = Selection::default();
        let some = Selection { topics: vec!["a*".to_owned()], ..Selection::default() };
        let held = repository.lock("backup", &all).unwrap();
        match repository.lock("backup", &all).unwrap_err() {
            RepositoryError::Locked { owner, .. } => assert_eq!(owner.pid, std::process::id()),
            other => panic!("{other}"),
        }
        let _other_selection = repository.lock("backup", &some).unwrap();
        let _other_purpose = repository.lock("restore", &all).unwrap();
        drop(held);
        repository.lock("backup", &all).unwrap();
    }
}
