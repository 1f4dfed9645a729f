//! Which snapshot can be restored: in a copy that was made while a backup ran, the newest heads may name what was not
//! copied any more.

use super::Repository;
use super::error::RepositoryError;
use super::format::{Excluded, Seal, SnapshotHead};
use super::snapshots::{Snapshot, SnapshotChoice};
use crate::model::TopicName;

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
        self.newest_complete(|_| true, |_, _| true)
    }

    /// The snapshot a person means, if everything of it is there as far as these partitions are concerned. For `latest`
    /// and for a time, a newer one that lacks something is passed over and listed; of a number, what is lacking is the
    /// error.
    pub fn choose_complete(
        &self,
        choice: SnapshotChoice,
        partitions: impl Fn(&TopicName, i32) -> bool,
    ) -> Result<(Option<Snapshot>, Vec<SkippedSnapshot>), RepositoryError> {
        match choice {
            SnapshotChoice::Latest => self.newest_complete(|_| true, partitions),
            SnapshotChoice::At(time) => self.newest_complete(|head| head.fences_taken <= time, partitions),
            SnapshotChoice::Number(sequence) => {
                let snapshot = self.head(sequence)?;
                self.check_complete(&snapshot.head, partitions)?;
                Ok((Some(snapshot), Vec::new()))
            }
        }
    }

    fn newest_complete(
        &self,
        wanted: impl Fn(&SnapshotHead) -> bool,
        partitions: impl Fn(&TopicName, i32) -> bool,
    ) -> Result<(Option<Snapshot>, Vec<SkippedSnapshot>), RepositoryError> {
        let mut skipped = Vec::new();
        for sequence in self.snapshots()?.into_iter().rev() {
            let checked = self.head(sequence).and_then(|snapshot| {
                let wanted = wanted(&snapshot.head);
                if wanted {
                    self.check_complete(&snapshot.head, &partitions).map(|()| Some(snapshot))
                } else {
                    Ok(None)
                }
            });
            match checked {
                // Pruned since it was listed.
                Ok(None) | Err(RepositoryError::NoSuchSnapshot { .. }) => {}
                Ok(snapshot) => return Ok((snapshot, skipped)),
                Err(reason) if reason.is_damage() => skipped.push(SkippedSnapshot { sequence, reason }),
                Err(error) => return Err(error),
            }
        }
        Ok((None, skipped))
    }

    /// Whether all parts of a snapshot that data needs can be read and every segment of these partitions has its full size. The error names
    /// the first that is not so.
    pub fn check_complete(
        &self,
        head: &SnapshotHead,
        partitions: impl Fn(&TopicName, i32) -> bool,
    ) -> Result<(), RepositoryError> {
        self.check_part(&head.groups)?;
        if let Some(excluded) = &head.excluded {
            self.part::<Excluded>(excluded)?;
        }
        // With the key they are read below.
        let locked = head.topics.iter().filter(|_| !self.is_readable());
        for shard in locked {
            self.configs_part(shard)?.map_or(Ok(()), |part| self.check_part(&part))?;
        }
        for topic in self.topics(head)? {
            let topic = topic?;
            let chosen = topic.partitions.iter().filter(|one| partitions(&topic.name, one.partition));
            for partition in chosen {
                for seal in self.seals(&partition.segments) {
                    self.check_size(&seal?)?;
                }
            }
        }
        Ok(())
    }

    /// Whether a segment is there in its full size. The error names it.
    pub fn check_size(&self, seal: &Seal) -> Result<(), RepositoryError> {
        self.place(seal).map(|_| ())
    }
}
