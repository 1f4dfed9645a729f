//! What snapshots name. Everything must be readable: what a part names that cannot be read might be anything.

use crate::repository::format::{PartRef, SnapshotHead, TopicShard};
use crate::repository::{Repository, RepositoryError, Seen, layout};

/// Names of objects that must stay. A name that is not in it is named by none of the snapshots that were added.
#[derive(Debug, Default)]
pub(super) struct References {
    names: Seen,
    heads: Seen,
}

impl References {
    /// Adds what a snapshot names, the snapshot itself included; once.
    pub(super) fn add(
        &mut self,
        repository: &Repository,
        id: &str,
        head: &SnapshotHead,
    ) -> Result<(), RepositoryError> {
        if self.heads.contains(id) {
            return Ok(());
        }
        self.part_of(&head.groups)?;
        head.settings.iter().try_for_each(|part| self.part_of(part))?;
        for digest in head.group_names.iter().chain(&head.excluded) {
            self.part(digest)?;
        }
        for shard in &head.topics {
            if self.part(&shard.digest)? {
                self.shard(repository, &repository.part(&shard.digest)?)?;
            }
        }
        self.heads.insert(id);
        Ok(())
    }

    fn shard(&mut self, repository: &Repository, shard: &TopicShard) -> Result<(), RepositoryError> {
        shard.configs.iter().try_for_each(|part| self.part_of(part))?;
        for list in shard.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| &partition.segments) {
            for part in &list.parts {
                if self.part(&part.digest)? {
                    repository.seals_of(part)?.iter().for_each(|seal| self.object(&seal.object));
                }
            }
            list.tail.iter().for_each(|seal| self.object(&seal.object));
        }
        Ok(())
    }

    /// Adds one object.
    pub(super) fn object(&mut self, name: &str) {
        self.names.insert(name);
    }

    /// Whether something names it.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    fn part_of(&mut self, part: &PartRef) -> Result<(), RepositoryError> {
        self.names.insert(layout::part_of(part)?.as_str());
        Ok(())
    }

    /// True if it was not added before.
    fn part(&mut self, digest: &str) -> Result<bool, RepositoryError> {
        Ok(self.names.insert(layout::part(digest)?.as_str()))
    }
}
