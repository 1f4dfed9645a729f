//! Topics of a snapshot, in shards by the hash of their names: a topic that changed costs one shard, not all.

use std::collections::HashMap;

use super::Repository;
use super::error::RepositoryError;
use super::format::{PartRef, SnapshotHead, TopicShard, TopicShardRef, TopicState};
use crate::model::TopicName;

/// Topics a shard holds on average at most.
const TOPICS_PER_SHARD: usize = 64;
/// Shards a snapshot has at most.
const SHARDS_MAX: usize = 1 << 16;

/// How many shards a snapshot of this many topics has: a power of two.
pub fn shard_count(topics: usize) -> u32 {
    topics.div_ceil(TOPICS_PER_SHARD).clamp(1, SHARDS_MAX).next_power_of_two() as u32
}

/// The shard that a topic lies in: the first eight hexadecimal digits of the BLAKE3 of its name, modulo `shards`.
pub fn shard_of(topic: &TopicName, shards: u32) -> u32 {
    let [a, b, c, d, ..] = *blake3::hash(topic.as_str().as_bytes()).as_bytes();
    u32::from_be_bytes([a, b, c, d]) % shards.max(1)
}

impl Repository {
    /// The topics of a snapshot, shard by shard; ascending by name within each.
    pub fn topics(
        &self,
        head: &SnapshotHead,
    ) -> Result<impl Iterator<Item = Result<TopicState, RepositoryError>> + use<>, RepositoryError> {
        let repository = self.clone();
        let shards = head.topics.clone().into_iter();
        Ok(shards.flat_map(move |shard| match repository.topic_shard(&shard) {
            Ok(topics) => topics.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        }))
    }

    /// One shard's topics. Their configs are empty where they are encrypted and there is no key.
    pub fn topic_shard(&self, shard: &TopicShardRef) -> Result<Vec<TopicState>, RepositoryError> {
        let mut shard: TopicShard = self.part(&shard.digest)?;
        self.show_configs(&mut shard)?;
        Ok(shard.topics)
    }

    /// Writes one shard, its configs apart where they are encrypted, and gives its digest.
    pub fn put_shard(&self, mut shard: TopicShard) -> Result<String, RepositoryError> {
        if shard.configs.is_none() {
            self.hide_configs(&mut shard)?;
        }
        self.put_part(&shard)
    }

    /// The part with the configs of a shard's topics, where they are encrypted.
    pub fn shard_configs(&self, shard: &TopicShardRef) -> Result<Option<PartRef>, RepositoryError> {
        #[derive(serde::Deserialize)]
        struct Configs {
            #[serde(default)]
            configs: Option<PartRef>,
        }
        if !self.is_encrypted() {
            return Ok(None);
        }
        self.part::<Configs>(&shard.digest).map(|shard| shard.configs)
    }

    /// One topic of a snapshot, if it is there. Reads one shard.
    pub fn topic(&self, head: &SnapshotHead, name: &TopicName) -> Result<Option<TopicState>, RepositoryError> {
        let number = shard_of(name, head.topics.len() as u32);
        let Some(shard) = head.topics.iter().find(|shard| shard.shard == number) else { return Ok(None) };
        Ok(self.topic_shard(shard)?.into_iter().find(|topic| topic.name == *name))
    }

    /// Writes the topics of a snapshot. What did not change is shared with whatever snapshot has the same shard.
    pub fn write_topics(
        &self,
        topics: impl IntoIterator<Item = TopicState>,
    ) -> Result<Vec<TopicShardRef>, RepositoryError> {
        let mut topics: HashMap<TopicName, TopicState> =
            topics.into_iter().map(|topic| (topic.name.clone(), topic)).collect();
        let names: Vec<TopicName> = topics.keys().cloned().collect();
        self.write_topics_by_name(names, |name| Ok(topics.remove(name)))
    }

    /// The same without holding all topics at once: `state_of` is asked for one after the other, shard by shard. A
    /// topic it gives nothing for is left out.
    pub fn write_topics_by_name<E: From<RepositoryError>>(
        &self,
        names: Vec<TopicName>,
        mut state_of: impl FnMut(&TopicName) -> Result<Option<TopicState>, E>,
    ) -> Result<Vec<TopicShardRef>, E> {
        let shards = shard_count(names.len());
        let mut by_shard: Vec<Vec<TopicName>> = vec![Vec::new(); shards as usize];
        for name in names {
            let shard = shard_of(&name, shards) as usize;
            if let Some(names) = by_shard.get_mut(shard) {
                names.push(name);
            }
        }
        let mut written = Vec::with_capacity(by_shard.len());
        for (number, mut names) in by_shard.into_iter().enumerate() {
            names.sort_unstable();
            let mut shard = TopicShard::default();
            for name in &names {
                shard.topics.extend(state_of(name)?);
            }
            let topics = shard.topics.len() as u64;
            written.push(TopicShardRef { shard: number as u32, digest: self.put_shard(shard)?, topics });
        }
        Ok(written)
    }
}
