//! Commits positions of a snapshot to a target: by the map of a restore, or wherever they were found.

use std::collections::{BTreeMap, BTreeSet};

use super::committed::{self, Offsets};
use super::error::OffsetsError;
use super::options::CommitOptions;
use super::position::{self, Position};
use super::report::{CommitReport, CommittedGroup};
use super::restored::{self, Restored};
use super::{saved, translate};
use crate::cluster::Cluster;
use crate::model::{CommittedOffset, GroupId, Timestamp, TopicId};
use crate::repository::format::{OffsetsCommit, SavedGroup};
use crate::repository::{Repository, RestoreStates, Snapshot};

/// Commits the offsets of the snapshot of a restore, through its maps, now or again.
pub async fn commit(
    cluster: &Cluster,
    repository: &Repository,
    states: &RestoreStates,
    options: &CommitOptions,
) -> Result<CommitReport, OffsetsError> {
    let (id, asked) = (cluster.cluster_id(), options.clone());
    let (of, at) = (repository.clone(), states.clone());
    let read = tokio::task::spawn_blocking(move || plan(&of, &at, &asked, &id));
    let (snapshot, restored, positions) =
        read.await.map_err(|_| OffsetsError::Thread { doing: "reads offset maps" })??;
    check_topics(cluster, &restored, &positions).await?;
    let wanted = Wanted { snapshot, restore: Some(restored.id().to_owned()), positions, notes: Vec::new() };
    wanted.commit(cluster, states, options.dry_run).await
}

fn plan(
    repository: &Repository,
    states: &RestoreStates,
    options: &CommitOptions,
    cluster: &str,
) -> Result<(Snapshot, Restored, Vec<Position>), OffsetsError> {
    let restored = match &options.restore {
        Some(id) => restored::by_id(states, id)?,
        None => restored::newest(states, |plan| plan.key.target_cluster_id == cluster)?
            .ok_or_else(|| OffsetsError::NoRestore { location: states.location(), cluster: cluster.to_owned() })?,
    };
    let target = &restored.plan.key.target_cluster_id;
    if target != cluster {
        let why = format!("went into cluster {target}, this is {cluster}");
        return Err(OffsetsError::Unfit { restore: restored.id().to_owned(), why });
    }
    let snapshot = repository.head(restored.plan.snapshot)?;
    if snapshot.id != restored.plan.key.snapshot_id {
        let why = "is of a snapshot of another repository".to_owned();
        return Err(OffsetsError::Unfit { restore: restored.id().to_owned(), why });
    }
    let mut positions = position::of_snapshot(repository, &snapshot, &options.selection)?;
    translate::by_restore(&restored, &mut positions)?;
    position::judge_moved(&mut positions, options.out_of_range)?;
    Ok((snapshot, restored, positions))
}

/// The topics must still be the ones that the restore filled.
async fn check_topics(cluster: &Cluster, restored: &Restored, positions: &[Position]) -> Result<(), OffsetsError> {
    let metadata = cluster.refresh(&*cluster.metadata().await?).await?;
    for target in positions.iter().filter_map(|one| one.target.as_ref()) {
        let made = restored.topics.topics.iter().find(|topic| topic.target == target.topic);
        let found = metadata.topics.get(&target.topic);
        let topic = target.topic.clone();
        match (made, found) {
            (_, None) => return Err(OffsetsError::NoTopic { topic }),
            (Some(made), Some(found)) if made.id != TopicId::ZERO && made.id != found.id => {
                let why = format!("was made anew after restore {}", restored.id());
                return Err(OffsetsError::OtherTopic { topic, why });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Positions whose places are known.
pub(super) struct Wanted {
    pub(super) snapshot: Snapshot,
    pub(super) restore: Option<String>,
    pub(super) positions: Vec<Position>,
    pub(super) notes: Vec<String>,
}

impl Wanted {
    /// Saves what is there, commits and reads back; or only says what would be.
    pub(super) async fn commit(
        mut self,
        cluster: &Cluster,
        states: &RestoreStates,
        dry_run: bool,
    ) -> Result<CommitReport, OffsetsError> {
        let _lock = states.lock_beginnings(&cluster.cluster_id())?;
        let wanted = self.groups();
        let ids: BTreeSet<GroupId> = wanted.keys().cloned().collect();
        let there = committed::read(cluster, &ids, &mut self.notes).await?;
        let groups: Vec<SavedGroup> = wanted.iter().map(|(id, offsets)| committed::saved(id, offsets)).collect();
        let mut report = CommitReport {
            snapshot: self.snapshot.head.sequence,
            snapshot_id: self.snapshot.id.clone(),
            restore: self.restore.clone(),
            target_cluster_id: cluster.cluster_id(),
            dry_run,
            state: String::new(),
            groups: groups
                .iter()
                .map(|one| CommittedGroup { id: one.id.clone(), offsets: one.offsets.len() })
                .collect(),
            offsets: self.positions,
            failed: Vec::new(),
            notes: self.notes,
        };
        if dry_run || groups.is_empty() {
            return Ok(report);
        }
        let before = wanted.iter().map(|(id, offsets)| replaced(id, offsets, there.get(id))).collect();
        let folder = saved::begin(
            states,
            &OffsetsCommit {
                target_cluster_id: report.target_cluster_id.clone(),
                restore: self.restore,
                snapshot: report.snapshot,
                snapshot_id: report.snapshot_id.clone(),
                saved: Timestamp::now(),
                before,
                wanted: groups.clone(),
                ktape_version: env!("CARGO_PKG_VERSION").to_owned(),
            },
        )?;
        folder.path().clone_into(&mut report.state);
        report.groups = committed::write(cluster, &groups, &mut report.failed).await;
        Ok(report)
    }

    fn groups(&self) -> BTreeMap<GroupId, Offsets> {
        let mut groups: BTreeMap<GroupId, Offsets> = BTreeMap::new();
        for one in &self.positions {
            if let (Some(at), Some(target)) = (one.place(), &one.target) {
                // Leader epochs of the source mean nothing here and could look like a truncation to clients.
                let metadata = one.source.committed.metadata.clone();
                let committed = CommittedOffset { offset: target.offset, leader_epoch: -1, metadata };
                groups.entry(target.group.clone()).or_default().insert(at, committed);
            }
        }
        groups
    }
}

/// What the group has for the partitions that are about to be committed.
fn replaced(id: &GroupId, wanted: &Offsets, there: Option<&Offsets>) -> SavedGroup {
    let mut replaced = there.cloned().unwrap_or_default();
    replaced.retain(|at, _| wanted.contains_key(at));
    committed::saved(id, &replaced)
}
