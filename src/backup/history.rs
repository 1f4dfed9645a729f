//! What the repository already has: the snapshot that this run continues, and seals that killed runs left behind.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::error::BackupError;
use super::resume::Stored;
use super::selection::Chooser;
use crate::model::{GroupId, Selection, Timestamp, TopicId, TopicName};
use crate::repository::Repository;
use crate::repository::format::{ConfigEntry, GroupsPart, Parent, PartitionState, Seal, SnapshotHead};

/// How many snapshots back a run looks for one with its own selection.
const LOOK_BACK: usize = 64;

type PartitionKey = (TopicName, TopicId, i32);

/// The past of this run's selection.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Snapshot that is continued.
    pub parent: Option<Parent>,
    /// Groups it holds.
    pub groups: BTreeSet<GroupId>,
    /// Largest run id below which nothing is left to take over; `None` if nothing is known.
    pub run_horizon: Option<String>,
    stored: HashMap<PartitionKey, Stored>,
    configs: HashMap<TopicName, Vec<ConfigEntry>>,
}

impl History {
    /// Reads the newest snapshot with the same selection, or the newest at all, and the left-over seals.
    pub(super) fn load(
        repository: &Repository,
        cluster_id: &str,
        selection: &Selection,
        chooser: &Chooser,
        own_run: &str,
    ) -> Result<Self, BackupError> {
        let mut history = Self::default();
        let mut horizon = String::new();
        let mut committed = BTreeSet::new();
        if let Some((parent, head, runs)) = find_parent(repository, cluster_id, selection)? {
            history.read_snapshot(repository, &head)?;
            history.parent = Some(parent);
            horizon.clone_from(&head.run_horizon);
            committed = runs;
        }
        let (seals, runs) = repository.left_over_seals(cluster_id, &horizon, own_run)?;
        // Seals of topics that this run does not take may belong to a run of another selection that is still alive.
        let (own, others): (Vec<_>, Vec<_>) =
            seals.into_iter().partition(|seal| chooser.takes_topic(seal.topic.as_str(), false));
        let foreign = others.into_iter().map(|seal| seal.writer.run).collect();
        history.take_over(own);
        history.run_horizon = horizon_after(&horizon, &runs, &foreign, &committed, own_run);
        Ok(history)
    }

    /// Removes and returns what is stored of a partition. A topic with another id is another generation: nothing is.
    pub(super) fn take(&mut self, topic: &TopicName, id: TopicId, partition: i32) -> Option<Stored> {
        self.stored.remove(&(topic.clone(), id, partition))
    }

    /// Effective configs of the topic at the last snapshot.
    pub(super) fn configs_of(&self, topic: &TopicName) -> Option<&[ConfigEntry]> {
        self.configs.get(topic).map(Vec::as_slice)
    }

    fn read_snapshot(&mut self, repository: &Repository, head: &SnapshotHead) -> Result<(), BackupError> {
        let groups: GroupsPart = repository.part(&head.groups)?;
        self.groups = groups.groups.into_iter().map(|group| group.id).collect();
        for topic in repository.topics(head)? {
            let topic = topic?;
            for partition in topic.partitions {
                let key = (topic.name.clone(), topic.id, partition.partition);
                let last = repository.last_seal(&partition.segments)?;
                let damaged = is_damaged(repository, last.as_ref())?;
                let stored = Stored { last, damaged, ..stored(partition, head.fences_taken) };
                self.stored.insert(key, stored);
            }
            self.configs.insert(topic.name, topic.effective);
        }
        Ok(())
    }

    /// Hands each killed run's seals to their partitions.
    fn take_over(&mut self, seals: Vec<Seal>) {
        let mut by_partition: BTreeMap<PartitionKey, Vec<Seal>> = BTreeMap::new();
        for seal in seals {
            let key = (seal.topic.clone(), seal.topic_id, seal.partition);
            by_partition.entry(key).or_default().push(seal);
        }
        for (key, mut seals) in by_partition {
            let stored = self.stored.entry(key).or_default();
            // What the snapshot names already is not left over.
            seals.retain(|seal| seal.lineage > stored.lineage || seal.base >= stored.next || stored.fenced.is_none());
            stored.take_over(seals);
        }
    }
}

fn find_parent(
    repository: &Repository,
    cluster_id: &str,
    selection: &Selection,
) -> Result<Option<(Parent, SnapshotHead, BTreeSet<String>)>, BackupError> {
    let mut newest = None;
    let mut runs = BTreeSet::new();
    for sequence in repository.snapshots()?.into_iter().rev().take(LOOK_BACK) {
        let snapshot = repository.head(sequence)?;
        if newest.is_none() && snapshot.head.cluster_id != cluster_id {
            return Err(BackupError::OtherCluster {
                location: repository.location().to_owned(),
                expected: snapshot.head.cluster_id,
                found: cluster_id.to_owned(),
            });
        }
        runs.insert(snapshot.head.run.clone());
        let same = snapshot.head.selection == *selection;
        let found = (Parent { sequence, id: snapshot.id }, snapshot.head);
        if same {
            return Ok(Some((found.0, found.1, runs)));
        }
        newest.get_or_insert(found);
    }
    Ok(newest.map(|(parent, head)| (parent, head, runs)))
}

/// Looks whether the newest segment of a partition is there. The older ones are for `verify` to look at: a run must
/// not cost more with every snapshot.
fn is_damaged(repository: &Repository, last: Option<&Seal>) -> Result<bool, BackupError> {
    match last.map(|seal| repository.check_size(seal)) {
        None | Some(Ok(())) => Ok(false),
        Some(Err(error)) if error.is_damage() => Ok(true),
        Some(Err(error)) => Err(error.into()),
    }
}

fn stored(partition: PartitionState, fences_taken: Timestamp) -> Stored {
    Stored {
        lineage: partition.lineage,
        first: partition.first,
        next: partition.next,
        fenced: Some(partition.fenced.unwrap_or(fences_taken)),
        segments: partition.segments,
        missing: partition.missing,
        ..Stored::default()
    }
}

/// Runs are named by the time they began. All up to the first one that may still be of use are done with.
fn horizon_after(
    horizon: &str,
    runs: &[String],
    foreign: &BTreeSet<String>,
    committed: &BTreeSet<String>,
    own_run: &str,
) -> Option<String> {
    let mut after = horizon.to_owned();
    let mut runs: Vec<&String> = runs.iter().collect();
    runs.sort();
    for run in runs {
        if foreign.contains(run) && !committed.contains(run) {
            return (!after.is_empty()).then_some(after);
        }
        after.clone_from(run);
    }
    Some(after.max(own_run.to_owned()))
}
