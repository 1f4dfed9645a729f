//! What groups have committed in the target: reading, writing, reading back.

use std::collections::{BTreeMap, BTreeSet};

use super::error::OffsetsError;
use super::report::{CommittedGroup, NotCommitted};
use crate::cluster::{Cluster, ClusterError};
use crate::model::{CommittedOffset, GroupId, TopicPartition, describe};
use crate::repository::format::{GroupOffset, SavedGroup};

/// Committed offsets of one group by partition.
pub(super) type Offsets = BTreeMap<TopicPartition, CommittedOffset>;

/// Groups of the target with what each has committed. A group that is not listed is not asked for: that would create
/// `__consumer_offsets`. Groups with members are refused by name.
pub(super) async fn read(
    cluster: &Cluster,
    groups: &BTreeSet<GroupId>,
    notes: &mut Vec<String>,
) -> Result<BTreeMap<GroupId, Offsets>, OffsetsError> {
    let listing = cluster.list_groups().await;
    for (node, error) in &listing.unanswered {
        notes.push(format!("broker {node} did not list its groups, so active ones may be overlooked: {error}"));
    }
    let listed: Vec<GroupId> =
        listing.groups.into_iter().map(|group| group.id).filter(|id| groups.contains(id)).collect();
    let mut active = Vec::new();
    for (id, answer) in cluster.describe_groups(&listed).await {
        if answer?.members > 0 {
            active.push(format!("{:?}", id.as_str()));
        }
    }
    if !active.is_empty() {
        return Err(OffsetsError::ActiveGroups(active.join(", ")));
    }
    let mut found = BTreeMap::new();
    for (id, answer) in cluster.fetch_groups(&listed).await {
        found.insert(id, answer?.offsets.into_iter().collect());
    }
    Ok(found)
}

/// Commits, group by group, reads back and compares. What is not as wanted goes into `failed`.
pub(super) async fn write(
    cluster: &Cluster,
    wanted: &[SavedGroup],
    failed: &mut Vec<NotCommitted>,
) -> Vec<CommittedGroup> {
    let mut groups = Vec::new();
    for group in wanted {
        let offsets = by_partition(group);
        let commits: Vec<(TopicPartition, CommittedOffset)> =
            offsets.iter().map(|(at, one)| (at.clone(), one.clone())).collect();
        let mut refused = Refused::default();
        match cluster.commit_group_offsets(&group.id, &commits).await {
            Ok(answers) => {
                for (at, answer) in answers {
                    refused.unless_ok(at, answer);
                }
            }
            Err(error) => refused.all(&offsets, &describe(&error)),
        }
        match cluster.fetch_group_offsets(&group.id).await {
            Ok(read) => refused.unless_same(&offsets, &read.offsets.into_iter().collect()),
            Err(error) => refused.all(&offsets, &format!("it cannot be read back: {}", describe(&error))),
        }
        groups.push(CommittedGroup { id: group.id.clone(), offsets: offsets.len() - refused.0.len() });
        failed.extend(refused.of(&group.id));
    }
    groups
}

/// Why, by partition; the first reason counts.
#[derive(Default)]
pub(super) struct Refused(BTreeMap<TopicPartition, String>);

impl Refused {
    pub(super) fn add(&mut self, at: TopicPartition, why: String) {
        self.0.entry(at).or_insert(why);
    }

    pub(super) fn unless_ok(&mut self, at: TopicPartition, answer: Result<(), ClusterError>) {
        if let Err(error) = answer {
            self.add(at, describe(&error));
        }
    }

    pub(super) fn all(&mut self, offsets: &Offsets, why: &str) {
        for at in offsets.keys() {
            self.add(at.clone(), why.to_owned());
        }
    }

    pub(super) fn has(&self, at: &TopicPartition) -> bool {
        self.0.contains_key(at)
    }

    fn unless_same(&mut self, wanted: &Offsets, found: &Offsets) {
        for (at, wanted) in wanted {
            if !found.get(at).is_some_and(|found| is_same(wanted, found)) {
                let found = found.get(at).map_or("nothing".to_owned(), |found| found.offset.to_string());
                self.add(at.clone(), format!("committed offset {}, read back {found}", wanted.offset));
            }
        }
    }

    pub(super) fn of(self, group: &GroupId) -> impl Iterator<Item = NotCommitted> + use<> {
        let group = group.clone();
        let told = move |(at, detail): (TopicPartition, String)| NotCommitted {
            group: group.clone(),
            partition: at.to_string(),
            detail,
        };
        self.0.into_iter().map(told)
    }
}

/// Brokers do not tell an empty metadata text from none.
pub(super) fn is_same(one: &CommittedOffset, other: &CommittedOffset) -> bool {
    let text = |one: &CommittedOffset| one.metadata.clone().unwrap_or_default();
    one.offset == other.offset && text(one) == text(other)
}

pub(super) fn by_partition(group: &SavedGroup) -> Offsets {
    let place = |one: &GroupOffset| TopicPartition::new(one.topic.clone(), one.partition);
    group.offsets.iter().map(|one| (place(one), one.committed.clone())).collect()
}

pub(super) fn saved(id: &GroupId, offsets: &Offsets) -> SavedGroup {
    let one = |(at, committed): (&TopicPartition, &CommittedOffset)| GroupOffset {
        topic: at.topic.clone(),
        partition: at.partition,
        committed: committed.clone(),
    };
    SavedGroup { id: id.clone(), offsets: offsets.iter().map(one).collect() }
}
