//! The restore whose target the cluster is.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use super::error::CompareError;
use super::options::CompareOptions;
use crate::model::{OffsetRange, Timestamp, TopicName, TopicPartition};
use crate::repository::format::{OffsetsUndone, RestorePlanDocument, SavedGroups, TargetTopic};
use crate::repository::{Repository, RepositoryError, RestoreFolder, RestoreStates, Snapshot};

/// A restore that is written down and has ended.
#[derive(Debug)]
pub(super) struct Known {
    pub folder: RestoreFolder,
    pub plan: RestorePlanDocument,
    pub restored: Timestamp,
    /// By their names in the snapshot.
    pub topics: BTreeMap<TopicName, TargetTopic>,
    /// What was committed.
    pub groups: Option<SavedGroups>,
    /// The groups' former offsets were put back since.
    pub undone: bool,
    /// Topics of the target whose retention was held and is not any more: what it takes is no difference.
    pub released: BTreeSet<TopicName>,
}

/// Where restores are written down.
pub(super) fn states(repository: &Repository, options: &CompareOptions) -> RestoreStates {
    options.state.as_deref().map_or_else(|| repository.restore_states(), RestoreStates::in_folder)
}

/// The newest restore of the snapshot into the cluster that has ended. Into the source itself only one that was asked
/// for: else the cluster is compared as the source. Drills are found only where they are asked for.
pub(super) fn find(context: Context<'_>, snapshot: &Snapshot) -> Result<Option<Known>, CompareError> {
    let Context { cluster, repository, options, .. } = context;
    let cluster_id = cluster.cluster_id();
    if options.restore.is_none() && snapshot.head.cluster_id == cluster_id {
        return Ok(None);
    }
    for folder in states(repository, options).all()?.into_iter().rev() {
        // A restore with --state reports the path of its folder from the root.
        if options.restore.as_deref().is_some_and(|wanted| !wanted.ends_with(folder.path())) {
            continue;
        }
        let plan = folder.plan()?;
        let meant = plan.key.target_cluster_id == cluster_id && plan.key.snapshot_id == snapshot.id;
        if !meant || (plan.drill && options.restore.is_none()) {
            continue;
        }
        if let Some(known) = read(folder, plan)? {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

fn read(folder: RestoreFolder, plan: RestorePlanDocument) -> Result<Option<Known>, CompareError> {
    let (Some(done), Some(topics)) = (folder.done()?, folder.topics()?) else { return Ok(None) };
    let topics = topics.topics.into_iter().map(|topic| (topic.source.clone(), topic)).collect();
    let groups = folder.get("groups.json")?;
    let undone = folder.get::<OffsetsUndone>("groups-undone.json")?.is_some();
    let held: BTreeSet<TopicName> = folder.held()?.into_iter().map(|one| one.topic).collect();
    let released = done.held.into_iter().map(|one| one.topic).filter(|topic| !held.contains(topic)).collect();
    Ok(Some(Known { folder, plan, restored: done.finished, topics, groups, undone, released }))
}

impl Known {
    /// Source offsets that were restored, and where they lie in the target; `None` for a partition that was not taken.
    pub(super) fn bounds(
        &self,
        topic: &TargetTopic,
        source: &TopicPartition,
    ) -> Result<Option<(OffsetRange, OffsetRange)>, RepositoryError> {
        let Some(found) = topic.partitions.iter().find(|one| one.partition == source.partition) else {
            return Ok(None);
        };
        let Some(map) = self.folder.map(&source.topic, source.partition)? else {
            let object = format!("{}/maps/{}/{}.jsonl", self.folder.path(), source.topic, source.partition);
            return Err(RepositoryError::Missing { object });
        };
        let log_end = map.summary()?.log_end;
        // Where offsets are preserved, what fills the log below the first record must not be seen either.
        let base = if found.preserved { found.base.min(found.keep.base) } else { found.base };
        Ok(Some((found.keep, OffsetRange { base, next: log_end.max(base) })))
    }
}
