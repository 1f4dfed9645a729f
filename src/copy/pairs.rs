//! An original that was copied before, and its copy: their lists mirror each other, so what one shares with a newer
//! original is known of the other.

use std::collections::HashMap;

use super::Context;
use super::known::{Killed, Known};
use super::segment::Fault;
use crate::model::TopicName;
use crate::repository::format::{SegmentList, SnapshotHead, TopicShardRef, TopicState};
use crate::repository::{Repository, RepositoryError, shard_of};

/// What the target has that a snapshot may share.
pub(super) struct Pairs<'a> {
    source: &'a Repository,
    target: &'a Repository,
    /// An original and its copy.
    pair: Option<(SnapshotHead, SnapshotHead)>,
    /// Another snapshot of the target, its newest.
    newest: Option<SnapshotHead>,
    killed: &'a Killed,
    cache: [Option<(String, Vec<TopicState>)>; 3],
}

impl<'a> Pairs<'a> {
    /// Looks for the copy that has most in common with `head`: of its parent, else of the snapshot next to it.
    pub(super) fn find(
        context: Context<'a>,
        copies: &HashMap<u64, u64>,
        newest: Option<u64>,
        head: &SnapshotHead,
        killed: &'a Killed,
    ) -> Result<Self, Fault> {
        let Context { source, target, .. } = context;
        let mut pair = None;
        if let Some((original, copy)) = nearest(copies, head) {
            let original = readable(source.head(original)).map_err(Fault::Source)?;
            let copy = readable(target.head(copy)).map_err(Fault::Target)?;
            pair = original.zip(copy);
        }
        let paired = pair.as_ref().map(|(_, copy)| copy.sequence);
        let newest = match newest.filter(|newest| Some(*newest) != paired) {
            Some(newest) => readable(target.head(newest)).map_err(Fault::Target)?,
            None => None,
        };
        Ok(Self { source, target, pair, newest, killed, cache: [None, None, None] })
    }

    /// Numbers of the target's snapshots that something may be shared with.
    pub(super) fn shared_with(&self) -> impl Iterator<Item = u64> {
        let copy = self.pair.as_ref().map(|(_, copy)| copy.sequence);
        copy.into_iter().chain(self.newest.as_ref().map(|head| head.sequence))
    }

    /// The target's shard for one of the source, if that did not change.
    pub(super) fn shard(&self, shard: &TopicShardRef) -> Option<TopicShardRef> {
        let (original, copy) = self.pair.as_ref()?;
        let at = original.topics.iter().position(|other| other == shard)?;
        (original.topics.len() == copy.topics.len()).then(|| copy.topics.get(at).cloned()).flatten()
    }

    /// What the target has of a partition.
    pub(super) fn partition(&mut self, topic: &TopicState, partition: i32) -> Result<Known<'a>, Fault> {
        let mut known = Known::new(self.target, self.killed);
        let Self { source, target, pair, newest, cache: [originals, copies, others], .. } = self;
        if let Some((original, copy)) = pair {
            let before =
                list(topic_of(originals, source, original, &topic.name).map_err(Fault::Source)?, topic, partition);
            let there = list(topic_of(copies, target, copy, &topic.name).map_err(Fault::Target)?, topic, partition);
            if let Some((before, there)) = before.zip(there) {
                known.mirror(&before, there);
            }
        }
        if let Some(newest) = newest {
            let there = topic_of(others, target, newest, &topic.name).map_err(Fault::Target)?;
            if let Some(there) = list(there, topic, partition) {
                known.add(there);
            }
        }
        Ok(known)
    }
}

/// A partition's list in another snapshot, if that has the same topic.
fn list(found: Option<&TopicState>, topic: &TopicState, partition: i32) -> Option<SegmentList> {
    let found = found.filter(|found| found.id == topic.id)?;
    let found = found.partitions.iter().find(|one| one.partition == partition)?;
    Some(found.segments.clone())
}

/// What is damaged cannot be shared.
fn readable(
    snapshot: Result<crate::repository::Snapshot, RepositoryError>,
) -> Result<Option<SnapshotHead>, RepositoryError> {
    match snapshot {
        Err(error) if error.is_damage() || matches!(error, RepositoryError::NoSuchSnapshot { .. }) => Ok(None),
        snapshot => Ok(Some(snapshot?.head)),
    }
}

fn nearest(copies: &HashMap<u64, u64>, head: &SnapshotHead) -> Option<(u64, u64)> {
    let parent = head.parent.as_ref().map(|parent| parent.sequence);
    let of_parent = parent.and_then(|parent| copies.get_key_value(&parent));
    let nearest = || copies.iter().min_by_key(|(original, _)| original.abs_diff(head.sequence));
    of_parent.or_else(nearest).map(|(original, copy)| (*original, *copy))
}

/// A topic of a snapshot; the shard that was read last is kept. What is damaged holds nothing.
fn topic_of<'c>(
    cache: &'c mut Option<(String, Vec<TopicState>)>,
    repository: &Repository,
    head: &SnapshotHead,
    name: &TopicName,
) -> Result<Option<&'c TopicState>, RepositoryError> {
    let number = shard_of(name, head.topics.len() as u32);
    let Some(shard) = head.topics.iter().find(|shard| shard.shard == number) else { return Ok(None) };
    if cache.as_ref().is_none_or(|(digest, _)| *digest != shard.digest) {
        let topics = match repository.topic_shard(shard) {
            Err(error) if error.is_damage() => Vec::new(),
            topics => topics?,
        };
        *cache = Some((shard.digest.clone(), topics));
    }
    Ok(cache.as_ref().and_then(|(_, topics)| topics.iter().find(|topic| topic.name == *name)))
}
