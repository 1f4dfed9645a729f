//! What the parent of a snapshot had: what it has not is new.

use std::collections::{HashMap, HashSet};

use crate::model::{TopicId, TopicName};
use crate::repository::format::{Seal, SegmentList, SnapshotHead, TopicShard};
use crate::repository::{Repository, RepositoryError};

/// Segments of one partition, by object and position.
#[derive(Debug, Default)]
pub(super) struct Objects(HashSet<(String, u64)>);

impl Objects {
    pub(super) fn contains(&self, seal: &Seal) -> bool {
        self.0.contains(&(seal.object.clone(), seal.start))
    }
}

/// Where the parent's segments are listed.
#[derive(Debug, Default)]
pub(super) struct Before(HashMap<(TopicName, TopicId, i32), SegmentList>);

impl Before {
    /// `None` where the parent is not there any more, or cannot be read. Without a parent everything is new. Needs no
    /// key: what is encrypted may be so to others.
    pub(super) fn of(repository: &Repository, head: &SnapshotHead) -> Result<Option<Self>, RepositoryError> {
        let Some(parent) = &head.parent else { return Ok(Some(Self::default())) };
        let before = match repository.head(parent.sequence) {
            Ok(before) if before.id == parent.id => before,
            Ok(_) | Err(RepositoryError::NoSuchSnapshot { .. }) => return Ok(None),
            Err(error) if error.is_damage() => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut lists = HashMap::new();
        for shard in &before.head.topics {
            let topics = match repository.part::<TopicShard>(&shard.digest) {
                Ok(shard) => shard.topics,
                Err(error) if error.is_damage() => return Ok(None),
                Err(error) => return Err(error),
            };
            for topic in topics {
                for partition in topic.partitions {
                    lists.insert((topic.name.clone(), topic.id, partition.partition), partition.segments);
                }
            }
        }
        Ok(Some(Self(lists)))
    }

    /// The segments that the parent has of a partition.
    pub(super) fn objects(
        &self,
        repository: &Repository,
        topic: &TopicName,
        id: TopicId,
        partition: i32,
    ) -> Result<Objects, RepositoryError> {
        let Some(list) = self.0.get(&(topic.clone(), id, partition)) else { return Ok(Objects::default()) };
        let seals = repository.seals(list).map(|seal| seal.map(|seal| (seal.object, seal.start)));
        seals.collect::<Result<_, _>>().map(Objects)
    }
}
