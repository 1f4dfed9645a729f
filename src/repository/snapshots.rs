//! Snapshots: the heads that name everything else, and the commit.

use super::Repository;
use super::document;
use super::error::{Damage, RepositoryError};
use super::format::{Parent, SnapshotHead};
use super::layout;
use crate::model::Timestamp;

/// A committed snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// BLAKE3 of the head's line, hexadecimal.
    pub id: String,
    /// What it says.
    pub head: SnapshotHead,
}

/// Which snapshot a person means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotChoice {
    /// The newest.
    Latest,
    /// By number.
    Number(u64),
    /// The newest whose fences were taken at or before this time.
    At(Timestamp),
}

impl Snapshot {
    /// How a snapshot that continues this one names it.
    pub fn as_parent(&self) -> Parent {
        Parent { sequence: self.head.sequence, id: self.id.clone() }
    }
}

impl Repository {
    /// Numbers of the snapshots there are, ascending.
    pub fn snapshots(&self) -> Result<Vec<u64>, RepositoryError> {
        let names = self.store().children(Some(&layout::folder(layout::SNAPSHOTS)?))?;
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| layout::snapshot_number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Reads a snapshot's head, its digest, number and repository checked.
    pub fn head(&self, sequence: u64) -> Result<Snapshot, RepositoryError> {
        let key = layout::snapshot(sequence)?;
        let bytes = match document::read(self.store(), &key) {
            Err(RepositoryError::Missing { .. }) => {
                return Err(RepositoryError::NoSuchSnapshot { sequence, location: self.location().to_owned() });
            }
            bytes => bytes?,
        };
        let (head, id): (SnapshotHead, String) = document::decode_versioned(key.as_str(), &bytes)?;
        let contradiction = |text: String| Err(RepositoryError::damaged(key.as_str(), Damage::Contradiction(text)));
        if head.sequence != sequence {
            return contradiction(format!("it says that it is snapshot {}", head.sequence));
        }
        if head.repository_id != self.document().repository_id {
            return contradiction(format!("it belongs to repository {}", head.repository_id));
        }
        self.note_part(&head.groups);
        head.settings.iter().for_each(|settings| self.note_part(settings));
        Ok(Snapshot { id, head })
    }

    /// The newest snapshot.
    pub fn latest(&self) -> Result<Option<Snapshot>, RepositoryError> {
        self.newest(|_| true)
    }

    /// The snapshot a person means. `None` if there is no snapshot at all, or none as old; a number that does not exist
    /// is an error.
    pub fn choose(&self, choice: SnapshotChoice) -> Result<Option<Snapshot>, RepositoryError> {
        match choice {
            SnapshotChoice::Latest => self.latest(),
            SnapshotChoice::Number(sequence) => self.head(sequence).map(Some),
            SnapshotChoice::At(time) => self.newest(|head| head.fences_taken <= time),
        }
    }

    /// The newest snapshot whose head is as wanted.
    pub fn newest(&self, wanted: impl Fn(&SnapshotHead) -> bool) -> Result<Option<Snapshot>, RepositoryError> {
        for sequence in self.snapshots()?.into_iter().rev() {
            let snapshot = match self.head(sequence) {
                // Pruned since it was listed.
                Err(RepositoryError::NoSuchSnapshot { .. }) => continue,
                snapshot => snapshot?,
            };
            if wanted(&snapshot.head) {
                return Ok(Some(snapshot));
            }
        }
        Ok(None)
    }

    /// Commits a snapshot under the next free number. Everything it names must have been written before. What
    /// `sequence`, `committed`, `format`, `repository_id` and `ktape_version` hold is replaced.
    pub fn commit(&self, mut head: SnapshotHead) -> Result<Snapshot, RepositoryError> {
        head.sequence = self.snapshots()?.last().map_or(1, |last| last + 1);
        self.commit_from(head, true)
    }

    /// Commits a copy of another repository's snapshot, under the number that it has there if that one is free, else
    /// under the next free one. It keeps the time at which the original was committed.
    pub fn commit_copy(&self, mut head: SnapshotHead) -> Result<Snapshot, RepositoryError> {
        let numbers = self.snapshots()?;
        if numbers.binary_search(&head.sequence).is_ok() {
            head.sequence = numbers.last().map_or(1, |last| last + 1);
        }
        self.commit_from(head, false)
    }

    /// Tries one number after the other, from the head's own on.
    fn commit_from(&self, mut head: SnapshotHead, now: bool) -> Result<Snapshot, RepositoryError> {
        head.format = self.format_to_write();
        head.keys = self.in_force().map_or(0, |keys| keys.number);
        head.repository_id.clone_from(&self.document().repository_id);
        env!("CARGO_PKG_VERSION").clone_into(&mut head.ktape_version);
        loop {
            if now {
                head.committed = Timestamp::now();
            }
            let key = layout::snapshot(head.sequence)?;
            let (bytes, id) = document::encode(key.as_str(), &head)?;
            tracing::debug!(phase = "commit", object = %key, "about to commit the snapshot");
            match self.store().put_if_absent(&key, &bytes) {
                Ok(()) => {
                    tracing::debug!(phase = "commit", object = %key, "snapshot committed");
                    return Ok(Snapshot { id, head });
                }
                Err(error) if error.is_already_exists() => {
                    // Either somebody else was faster, or an answer to us was lost and this is our own.
                    if let Ok(Snapshot { id: there, .. }) = self.head(head.sequence)
                        && there == id
                    {
                        return Ok(Snapshot { id, head });
                    }
                    head.sequence += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing::{self, CLUSTER};
    use crate::store::MemoryStore;

    /// Somebody else takes a number between the look and the commit, or our own answer was lost.
    #[test]
    fn a_number_that_is_taken_is_ours_or_the_next_is() {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(CLUSTER).unwrap();
        let made = testing::commit(&repository, &run, None, Vec::new());
        let head = SnapshotHead { sequence: 3, ..made.head };
        let ours = repository.commit_from(head.clone(), false).unwrap();
        let again = repository.commit_from(head.clone(), false).unwrap();
        assert_eq!((again.id, again.head.sequence), (ours.id, 3));
        let other = repository.commit_from(SnapshotHead { run: "another".to_owned(), ..head }, false).unwrap();
        assert_eq!(other.head.sequence, 4);
    }
}
