//! What a restore will do: snapshot, topics and their names, groups and their positions. Changes nothing.

mod groups;
mod lacking;
#[cfg(test)]
pub(super) mod testing;
mod topics;

use super::cut::{self, PartitionCut};
use super::error::RestoreError;
use super::hold::Hold;
use super::limits::Limits;
use super::options::RestoreOptions;
use super::preserve::{self, Preserving};
use super::wide::{self, Wanted, WidePlan};
use crate::cluster::Cluster;
use crate::model::{GroupId, OffsetRange, Timestamp, TopicName};
use crate::repository::format::{GroupOffset, SegmentList, TopicState};
use crate::repository::{Repository, Snapshot};

/// Everything that is decided before the target is touched.
#[derive(Debug)]
pub struct RestorePlan {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Cluster to restore into.
    pub target_cluster_id: String,
    /// Topics, ascending by their names in the snapshot.
    pub topics: Vec<PlannedTopic>,
    /// Groups, ascending.
    pub groups: Vec<PlannedGroup>,
    /// What a person should know before.
    pub notes: Vec<String>,
    /// Newer snapshots that are not whole, and why: what is restored is older than what was asked for.
    pub passed_over: Vec<String>,
    /// Partitions that are cut by time.
    pub cuts: Vec<PartitionCut>,
    /// Minutes after which the target forgets positions of groups without members, if it says.
    pub offsets_retention_minutes: Option<i64>,
    /// What the target's brokers allow and default to.
    pub limits: Limits,
    /// The cluster's own settings.
    pub settings: WidePlan,
}

/// One topic.
#[derive(Debug)]
pub struct PlannedTopic {
    /// As the snapshot has it; its partitions have been moved out.
    pub state: TopicState,
    /// Its name in the target.
    pub target: TopicName,
    /// It is there already, empty.
    pub exists: bool,
    /// Copies of each partition in the target.
    pub replication_factor: i16,
    /// Its partitions, ascending.
    pub partitions: Vec<PlannedPartition>,
    /// Largest batch.
    pub max_batch: u64,
    /// Earliest timestamp, -1 if there is none.
    pub min_timestamp: Timestamp,
    /// Retention that the topic does not get back yet.
    pub hold: Option<Hold>,
}

/// One partition.
#[derive(Debug)]
pub struct PlannedPartition {
    /// Its number.
    pub partition: i32,
    /// Whether its data is restored. If not it is created, as the topic has it, and stays empty.
    pub selected: bool,
    /// Offsets to restore: from the log start to the fence, or to where it was reached; none if not selected.
    pub keep: OffsetRange,
    /// Its high watermark: positions beyond it are not ones that the source could have served.
    pub high_watermark: i64,
    /// Bytes of its segments.
    pub bytes: u64,
    /// The segments.
    pub segments: SegmentList,
    /// What is decided about its offsets, if they are to be preserved.
    pub preserving: Option<Preserving>,
}

/// One group.
#[derive(Debug)]
pub struct PlannedGroup {
    /// Its id in the target.
    pub id: GroupId,
    /// Positions to translate and commit.
    pub commits: Vec<PlannedCommit>,
    /// Positions that will not be committed, and why.
    pub left_out: Vec<(GroupOffset, String)>,
}

/// One position.
#[derive(Debug, Clone)]
pub struct PlannedCommit {
    /// In the source.
    pub offset: GroupOffset,
    /// Topic in the target.
    pub target: TopicName,
    /// Where the position lies.
    pub place: Place,
}

/// Where a committed offset lies with respect to what is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Within it, or at its end.
    Within,
    /// Below the log start, or below where a cut begins.
    Below,
    /// Beyond the fence, or beyond where a cut ends.
    Beyond,
}

impl Place {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Within => "within the restored data",
            Self::Below => "below the first restored offset",
            Self::Beyond => "beyond the end of the restored data",
        }
    }
}

/// Reads the snapshot. The target is asked about topics and groups later: what an earlier attempt has done there is not
/// to be checked again. Settings are compared with it each time.
pub(super) async fn read(
    cluster: &Cluster,
    repository: &Repository,
    options: &RestoreOptions,
) -> Result<RestorePlan, RestoreError> {
    // Without it the topics' configs would look as if there were none.
    repository.require_key()?;
    let (snapshot, passed_over) = topics::choose_snapshot(repository, options)?;
    let mut topics = topics::choose(repository, &snapshot, options)?;
    let cuts = find_cuts(repository, options, &mut topics).await?;
    if options.preserve_offsets {
        preserve::needs(repository, &mut topics)?;
    }
    let groups = groups::choose(repository, &snapshot, options, &topics)?;
    let mut plan = RestorePlan {
        target_cluster_id: cluster.cluster_id(),
        notes: passed_over.clone(),
        passed_over,
        cuts,
        offsets_retention_minutes: None,
        limits: Limits::default(),
        settings: WidePlan::default(),
        snapshot,
        topics,
        groups,
    };
    plan.notes.extend(cut::notes(options.cut, &plan.cuts));
    if plan.target_cluster_id == plan.snapshot.head.cluster_id {
        plan.notes.push("the target is the cluster that was backed up".to_owned());
    }
    lacking::tell(&mut plan, options)?;
    let prefix = options.group_prefix.as_deref().unwrap_or_default();
    // A drill removes its groups, and would leave their settings behind.
    let groups = (!options.drill).then_some((&options.selection, prefix));
    let wanted = Wanted { choice: options.settings, renames: &options.renames, groups };
    plan.settings = wide::plan(cluster, repository, &plan.snapshot.head, &wanted).await?;
    Ok(plan)
}

/// Reads segments, so it goes on a thread that may block.
async fn find_cuts(
    repository: &Repository,
    options: &RestoreOptions,
    topics: &mut Vec<PlannedTopic>,
) -> Result<Vec<PartitionCut>, RestoreError> {
    let (repository, options, mut all) = (repository.clone(), options.clone(), std::mem::take(topics));
    let found =
        tokio::task::spawn_blocking(move || cut::apply(&repository, &options, &mut all).map(|cuts| (cuts, all)));
    let (cuts, all) = found.await.map_err(|_| RestoreError::Thread { doing: "looks for the cut" })??;
    *topics = all;
    Ok(cuts)
}
