//! Which snapshots name something that is damaged.

use std::collections::HashMap;

use super::report::VerifyReport;
use crate::repository::format::{SealsRef, SnapshotHead, TopicShardRef};
use crate::repository::{Repository, RepositoryError, Seen, Snapshot, layout};

/// Fills in [`VerifyReport::damaged_snapshots`].
pub(super) fn find(repository: &Repository, heads: &[Snapshot], report: &mut VerifyReport) {
    let mut damaged = Seen::default();
    for finding in &report.damage {
        damaged.insert(finding.object.as_str());
    }
    let mut search = Search { repository, damaged, shards: HashMap::new(), parts: HashMap::new() };
    for snapshot in heads {
        if search.snapshot(&snapshot.head) {
            report.damaged_snapshots.push(snapshot.head.sequence);
        }
    }
    report.damaged_snapshots.sort_unstable();
    report.damaged_snapshots.dedup();
}

struct Search<'a> {
    repository: &'a Repository,
    damaged: Seen,
    shards: HashMap<String, bool>,
    parts: HashMap<String, bool>,
}

impl Search<'_> {
    fn snapshot(&mut self, head: &SnapshotHead) -> bool {
        let itself = layout::snapshot(head.sequence).is_ok_and(|key| self.damaged.contains(key.as_str()));
        let parts = [head.group_names.as_ref(), head.excluded.as_ref()];
        let private = [Some(&head.groups), head.settings.as_ref()];
        let mut private = private.into_iter().flatten().filter_map(|part| layout::part_of(part).ok());
        itself
            || private.any(|key| self.damaged.contains(key.as_str()))
            || parts.into_iter().flatten().any(|digest| self.is_damaged(digest))
            || head.topics.iter().any(|shard| self.shard(shard))
    }

    fn shard(&mut self, shard: &TopicShardRef) -> bool {
        if let Some(known) = self.shards.get(&shard.digest) {
            return *known;
        }
        let found =
            self.is_damaged(&shard.digest) || self.configs(shard).unwrap_or(true) || self.topics(shard).unwrap_or(true);
        self.shards.insert(shard.digest.clone(), found);
        found
    }

    fn configs(&self, shard: &TopicShardRef) -> Result<bool, RepositoryError> {
        let Some(part) = self.repository.configs_part(shard)? else { return Ok(false) };
        Ok(self.damaged.contains(layout::part_of(&part)?.as_str()))
    }

    fn topics(&mut self, shard: &TopicShardRef) -> Result<bool, RepositoryError> {
        let configs = self.repository.shard_configs(shard)?.map(|part| layout::part_of(&part)).transpose()?;
        if configs.is_some_and(|key| self.damaged.contains(key.as_str())) {
            return Ok(true);
        }
        for topic in self.repository.topic_shard(shard)? {
            for partition in topic.partitions {
                let tail = partition.segments.tail.iter().any(|seal| self.damaged.contains(seal.object.as_str()));
                if tail || partition.segments.parts.iter().any(|part| self.part(part)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn part(&mut self, part: &SealsRef) -> bool {
        if let Some(known) = self.parts.get(&part.digest) {
            return *known;
        }
        let damaged = |seals: Vec<crate::repository::format::Seal>| {
            seals.iter().any(|seal| self.damaged.contains(seal.object.as_str()))
        };
        let found = self.repository.seals_of(part).map_or(true, damaged);
        self.parts.insert(part.digest.clone(), found);
        found
    }

    fn is_damaged(&self, digest: &str) -> bool {
        layout::part(digest).is_ok_and(|key| self.damaged.contains(key.as_str()))
    }
}
