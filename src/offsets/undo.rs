//! Puts back what was there before the newest commit.

use std::collections::{BTreeMap, BTreeSet};

use super::committed::{self, Offsets, Refused, by_partition, is_same};
use super::error::OffsetsError;
use super::options::UndoOptions;
use super::report::{UndoReport, UndoneGroup};
use super::saved;
use crate::cluster::Cluster;
use crate::model::{GroupId, TopicPartition, describe};
use crate::repository::RestoreStates;

/// Undoes the newest commit to the cluster that was not undone yet: of a restore, or of offsets alone. Offsets that were
/// there before are committed again; others are deleted, if they still are what was committed.
pub async fn undo(
    cluster: &Cluster,
    states: &RestoreStates,
    options: &UndoOptions,
) -> Result<UndoReport, OffsetsError> {
    let id = cluster.cluster_id();
    let nothing = || OffsetsError::NothingToUndo { location: states.location(), cluster: id.clone() };
    let _lock = states.lock_beginnings(&id)?;
    let commit = saved::newest(states, &id, options.restore.as_deref())?.ok_or_else(nothing)?;
    let before: BTreeMap<&GroupId, Offsets> = commit.before.iter().map(|one| (&one.id, by_partition(one))).collect();
    let ids: BTreeSet<GroupId> = commit.wanted.iter().map(|one| one.id.clone()).collect();
    let there = committed::read(cluster, &ids, &mut Vec::new()).await?;
    let mut report = UndoReport {
        target_cluster_id: id.clone(),
        dry_run: options.dry_run,
        undone: commit.what.clone(),
        committed: commit.saved,
        groups: Vec::new(),
        failed: Vec::new(),
    };
    for group in &commit.wanted {
        let empty = Offsets::new();
        let before = before.get(&group.id).unwrap_or(&empty);
        let there = there.get(&group.id).unwrap_or(&empty);
        let mut undoing = Undoing::new(&by_partition(group), before, there);
        if !options.dry_run {
            undoing.put_back(cluster, &group.id).await;
            undoing.remove(cluster, &group.id).await;
            undoing.compare(cluster, &group.id).await;
        }
        report.groups.push(undoing.report(&group.id));
        report.failed.extend(undoing.refused.of(&group.id));
    }
    if report.is_complete() && !options.dry_run {
        commit.put_undone()?;
    }
    Ok(report)
}

/// What is done for one group.
struct Undoing {
    back: Offsets,
    remove: Vec<TopicPartition>,
    refused: Refused,
}

impl Undoing {
    fn new(wanted: &Offsets, before: &Offsets, there: &Offsets) -> Self {
        let mut undoing = Self { back: Offsets::new(), remove: Vec::new(), refused: Refused::default() };
        for (at, committed) in wanted {
            match (before.get(at), there.get(at)) {
                (Some(before), _) => {
                    undoing.back.insert(at.clone(), before.clone());
                }
                (None, None) => undoing.remove.push(at.clone()),
                (None, Some(there)) if is_same(committed, there) => undoing.remove.push(at.clone()),
                (None, Some(there)) => {
                    let why = format!(
                        "nothing was committed before, but it is at {} since: somebody else commits, so it stays",
                        there.offset
                    );
                    undoing.refused.add(at.clone(), why);
                }
            }
        }
        undoing
    }

    async fn put_back(&mut self, cluster: &Cluster, group: &GroupId) {
        let commits: Vec<_> = self.back.iter().map(|(at, one)| (at.clone(), one.clone())).collect();
        if commits.is_empty() {
            return;
        }
        match cluster.commit_group_offsets(group, &commits).await {
            Ok(answers) => {
                for (at, answer) in answers {
                    self.refused.unless_ok(at, answer);
                }
            }
            Err(error) => self.refused.all(&self.back, &describe(&error)),
        }
    }

    async fn remove(&mut self, cluster: &Cluster, group: &GroupId) {
        if self.remove.is_empty() {
            return;
        }
        match cluster.delete_group_offsets(group, &self.remove).await {
            Ok(answers) => {
                for (at, answer) in answers {
                    self.refused.unless_ok(at, answer);
                }
            }
            Err(error) => {
                for at in &self.remove {
                    self.refused.add(at.clone(), describe(&error));
                }
            }
        }
    }

    /// What the target has now is what counts.
    async fn compare(&mut self, cluster: &Cluster, group: &GroupId) {
        let found: Offsets = match cluster.fetch_group_offsets(group).await {
            Ok(read) => read.offsets.into_iter().collect(),
            Err(error) => {
                let why = format!("it cannot be read back: {}", describe(&error));
                return self.refused.all(&self.back, &why);
            }
        };
        for (at, before) in &self.back {
            if !found.get(at).is_some_and(|found| is_same(before, found)) {
                self.refused.add(at.clone(), format!("it was at {}, which is not read back", before.offset));
            }
        }
        for at in self.remove.iter().filter(|at| found.contains_key(at)) {
            self.refused.add(at.clone(), "it was deleted, and is there all the same".to_owned());
        }
    }

    fn report(&self, id: &GroupId) -> UndoneGroup {
        let done = |at: &&TopicPartition| !self.refused.has(at);
        UndoneGroup {
            id: id.clone(),
            put_back: self.back.keys().filter(done).count(),
            removed: self.remove.iter().filter(done).count(),
        }
    }
}
