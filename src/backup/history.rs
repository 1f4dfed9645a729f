//! What the repository already has: the snapshot that this run continues, and seals that killed runs left behind.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::error::BackupError;
use super::options::BackupOptions;
use super::past::{OwnRun, Past};
use super::report::AdoptedFrom;
use super::resume::Stored;
use super::selection::Chooser;
use crate::cluster::Cluster;
use crate::model::{GroupId, Timestamp, TopicId, TopicName};
use crate::repository::Repository;
use crate::repository::format::{
    ConfigEntry, Excluded, IncompleteKind, Parent, PartitionState, Seal, SettingsPart, SnapshotHead,
};

type PartitionKey = (TopicName, TopicId, i32);

/// The past of this run's selection.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Snapshot that is continued.
    pub parent: Option<Parent>,
    /// The newest snapshot is of another cluster.
    pub adopted: Option<AdoptedFrom>,
    /// Groups it holds, with the topics that they had committed offsets of.
    pub groups: BTreeMap<GroupId, BTreeSet<TopicName>>,
    /// The cluster's own settings then.
    pub settings: Option<SettingsPart>,
    /// Largest run id below which nothing is left to take over; `None` if nothing is known.
    pub run_horizon: Option<String>,
    /// Topics of that snapshot with their ids and numbers of partitions.
    pub topics: BTreeMap<TopicName, (TopicId, usize)>,
    /// Topics that were not shown then and that an earlier snapshot holds.
    pub hidden: BTreeSet<TopicName>,
    /// Where open transactions held back the last stable offset then, and when that was.
    held: HashMap<PartitionKey, (i64, Timestamp)>,
    stored: HashMap<PartitionKey, Stored>,
    configs: HashMap<TopicName, Vec<ConfigEntry>>,
}

impl History {
    /// Reads the newest snapshot with the same selection, or the newest at all, and the left-over seals. A run that will
    /// build on them writes that down first.
    pub(super) fn load(
        repository: &Repository,
        cluster: &Cluster,
        options: &BackupOptions,
        chooser: &Chooser,
        run: &OwnRun<'_>,
    ) -> Result<Self, BackupError> {
        let cluster_id = &cluster.cluster_id();
        let mut history =
            Self { adopted: other_cluster(repository, cluster, options.adopt_cluster)?, ..Self::default() };
        let past = Past::find(repository, cluster_id, &options.selection, run)?;
        let mut horizon = String::new();
        if let Some((parent, head)) = &past.parent {
            history.read_snapshot(repository, head)?;
            history.parent = Some(parent.clone());
            horizon.clone_from(&head.run_horizon);
        }
        let (seals, runs) = repository.left_over_seals(cluster_id, &horizon, run.id())?;
        let seals = past.usable(seals, run)?;
        // Seals of topics that this run does not take may belong to a run of another selection that is still alive.
        let (own, others): (Vec<_>, Vec<_>) =
            seals.into_iter().partition(|seal| chooser.takes_topic(seal.topic.as_str(), false));
        let foreign = others.into_iter().map(|seal| seal.writer.run).collect();
        let committed = past.runs.into_keys().collect();
        history.take_over(own);
        history.run_horizon = horizon_after(&horizon, &runs, &foreign, &committed, run.id());
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

    /// When the last snapshot was taken, if an open transaction held the last stable offset back at `last_stable` then.
    pub(super) fn held_since(
        &self,
        topic: &TopicName,
        id: TopicId,
        partition: i32,
        last_stable: i64,
    ) -> Option<Timestamp> {
        let (then, time) = self.held.get(&(topic.clone(), id, partition))?;
        (*then == last_stable).then_some(*time)
    }

    fn read_snapshot(&mut self, repository: &Repository, head: &SnapshotHead) -> Result<(), BackupError> {
        let groups = repository.group_names(head)?.groups;
        self.groups = groups.into_iter().map(|group| (group.id, group.topics.into_iter().collect())).collect();
        self.settings = settings(repository, head)?;
        // What was left out then is shared if it is left out again; a part that is damaged is as good as none.
        if let Some(Err(error)) = head.excluded.as_ref().map(|digest| repository.part::<Excluded>(digest))
            && !error.is_damage()
        {
            return Err(error.into());
        }
        for topic in repository.topics(head)? {
            let topic = topic?;
            self.topics.insert(topic.name.clone(), (topic.id, topic.partitions.len()));
            for partition in topic.partitions {
                let key = (topic.name.clone(), topic.id, partition.partition);
                if partition.last_stable < partition.high_watermark {
                    self.held.insert(key.clone(), (partition.last_stable, head.fences_taken));
                }
                let last = repository.last_seal(&partition.segments)?;
                let damaged = is_damaged(repository, last.as_ref())?;
                let stored = Stored { last, damaged, ..stored(partition, head.fences_taken) };
                self.stored.insert(key, stored);
            }
            self.configs.insert(topic.name, topic.effective);
        }
        self.remember_hidden(head);
        Ok(())
    }

    /// What was not shown then is asked for again: else it would be told of once and then forgotten.
    fn remember_hidden(&mut self, head: &SnapshotHead) {
        for one in &head.incomplete {
            match one.kind {
                IncompleteKind::Group => {
                    self.groups.entry(GroupId::new(one.subject.as_str())).or_default();
                }
                IncompleteKind::NotReached => {
                    // A partition's subject, `orders-3`, is a legal name of a topic too.
                    let of = one.subject.rsplit_once('-').map_or("", |(topic, _)| topic);
                    let known = |name: &str| self.topics.keys().any(|topic| topic.as_str() == name);
                    if !known(&one.subject) && !known(of) {
                        self.hidden.extend(TopicName::new(&one.subject));
                    }
                }
                _ => {}
            }
        }
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

/// The newest snapshot's cluster, if it is another one and that may be. A repository follows one cluster at a time; one
/// that was restored has another id, and whether this is it only a person knows.
fn other_cluster(
    repository: &Repository,
    cluster: &Cluster,
    may_adopt: bool,
) -> Result<Option<AdoptedFrom>, BackupError> {
    let found = cluster.cluster_id();
    match repository.latest()?.map(|newest| newest.head).filter(|head| head.cluster_id != found) {
        None => Ok(None),
        Some(head) if may_adopt => Ok(Some(AdoptedFrom { cluster_id: head.cluster_id, last_snapshot: head.sequence })),
        Some(head) => Err(BackupError::OtherCluster {
            location: repository.location().to_owned(),
            bootstrap: cluster.options().bootstrap.join(","),
            expected: head.cluster_id,
            found,
        }),
    }
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

/// They are only compared with: a part that is damaged, or that this host cannot read, is as good as none.
fn settings(repository: &Repository, head: &SnapshotHead) -> Result<Option<SettingsPart>, BackupError> {
    if !repository.is_readable() {
        return Ok(None);
    }
    match head.settings.as_ref().map(|part| repository.private_part(part)) {
        Some(Err(error)) if !error.is_damage() => Err(error.into()),
        part => Ok(part.and_then(Result::ok)),
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
