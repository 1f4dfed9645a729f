//! Which snapshot can be restored: in a copy that was made while a backup ran, the newest heads may name what was not
//! copied any more.

use super::Repository;
use super::error::{Damage, RepositoryError};
use super::format::{Excluded, GroupsPart, Seal, SnapshotHead};
use super::snapshots::Snapshot;
use crate::store::Key;

/// A snapshot that was passed over, and the first thing of it that is missing or damaged.
#[derive(Debug)]
pub struct SkippedSnapshot {
    /// Its number.
    pub sequence: u64,
    /// What is missing or damaged.
    pub reason: RepositoryError,
}

impl Repository {
    /// The newest snapshot of which everything is there: its parts can be read, and every segment has its full size.
    /// What is newer and lacks something is listed, newest first; it has to be told. Looks at every segment's size.
    pub fn latest_complete(&self) -> Result<(Option<Snapshot>, Vec<SkippedSnapshot>), RepositoryError> {
        let mut skipped = Vec::new();
        for sequence in self.snapshots()?.into_iter().rev() {
            let checked =
                self.head(sequence).and_then(|snapshot| self.check_complete(&snapshot.head).map(|()| snapshot));
            match checked {
                Ok(snapshot) => return Ok((Some(snapshot), skipped)),
                Err(reason) if reason.is_damage() => skipped.push(SkippedSnapshot { sequence, reason }),
                Err(error) => return Err(error),
            }
        }
        Ok((None, skipped))
    }

    /// Whether all parts of a snapshot can be read and every segment it names has its full size. The error names the
    /// first that is not so.
    pub fn check_complete(&self, head: &SnapshotHead) -> Result<(), RepositoryError> {
        self.part::<GroupsPart>(&head.groups)?;
        if let Some(excluded) = &head.excluded {
            self.part::<Excluded>(excluded)?;
        }
        for topic in self.topics(head)? {
            for partition in topic?.partitions {
                for seal in self.seals(&partition.segments) {
                    self.check_size(&seal?)?;
                }
            }
        }
        Ok(())
    }

    fn check_size(&self, seal: &Seal) -> Result<(), RepositoryError> {
        let info = self.store().info(&Key::new(seal.object.as_str())?)?;
        let found = info.ok_or_else(|| RepositoryError::Missing { object: seal.object.clone() })?.size;
        let expected = seal.start.saturating_add(seal.length);
        if found == expected {
            return Ok(());
        }
        Err(RepositoryError::damaged(seal.object.as_str(), Damage::Size { expected, found }))
    }
}
