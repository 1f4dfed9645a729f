//! What a run tells in the end.

use serde::Serialize;

use super::plan::{BackupPlan, PlannedTopic};
use crate::model::Timestamp;
use crate::repository::format::{Incomplete, NotCaptured, SettingsKind, SettingsPart, Totals};

/// The result of a backup. Printing is the command line's.
#[derive(Debug, Clone, Serialize)]
pub struct BackupReport {
    /// The snapshot, unless the run was stopped before it could be committed.
    pub snapshot: Option<CommittedSnapshot>,
    /// Cluster that was backed up.
    pub cluster_id: String,
    /// Snapshot that was continued.
    pub parent: Option<u64>,
    /// When it began and ended.
    pub started: Timestamp,
    /// See `started`.
    pub finished: Timestamp,
    /// Why it ended early, if it did.
    pub stopped: Option<StopReason>,
    /// Sums over the snapshot.
    pub totals: Totals,
    /// Bytes of batches that this run fetched and sealed.
    pub fetched_bytes: u64,
    /// Segments of killed runs that were taken over instead of being fetched again.
    pub taken_over_segments: u64,
    /// Losses; empty for a complete snapshot.
    pub incomplete: Vec<Incomplete>,
    /// Offsets that retention took between runs, which is normal.
    pub expired: Vec<Note>,
    /// Partitions that were read again from their log start, and why.
    pub new_lineages: Vec<Note>,
    /// Topics that were deleted, created anew or grew since the last snapshot, or meanwhile.
    pub changes: Vec<Note>,
    /// Transactions that have been open for long and do not hold anything back, since the fence is the high watermark.
    pub open_transactions: Vec<Note>,
    /// The repository belonged to this cluster before, and goes on with the one above from now on.
    pub adopted: Option<AdoptedFrom>,
    /// The cluster's own settings.
    pub settings: SettingsReport,
    /// Topics and groups that were left out.
    pub excluded_topics: Vec<String>,
    /// See `excluded_topics`.
    pub excluded_groups: Vec<String>,
}

impl BackupReport {
    /// Whether the snapshot exists and holds all it should, but for losses that were accepted beforehand.
    pub fn is_complete(&self) -> bool {
        self.snapshot.is_some() && self.incomplete.iter().all(|one| one.accepted)
    }
}

/// How many of the cluster's own settings a snapshot holds, and which it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SettingsReport {
    /// Rules of the authorizer.
    pub acls: usize,
    /// Limits of clients.
    pub quotas: usize,
    /// Dynamic settings of all brokers.
    pub cluster_configs: usize,
    /// Settings of consumer groups.
    pub group_configs: usize,
    /// Client metrics subscriptions.
    pub client_metrics: usize,
    /// Users with SCRAM credentials, whose secrets no broker tells.
    pub scram_users: usize,
    /// What could not be read, or is not there to read.
    pub not_captured: Vec<NotCaptured>,
}

impl SettingsReport {
    /// Counts what a part holds.
    pub fn of(part: &SettingsPart) -> Self {
        Self {
            acls: part.count(SettingsKind::Acls),
            quotas: part.count(SettingsKind::Quotas),
            cluster_configs: part.count(SettingsKind::ClusterConfigs),
            group_configs: part.count(SettingsKind::GroupConfigs),
            client_metrics: part.count(SettingsKind::ClientMetrics),
            scram_users: part.count(SettingsKind::ScramUsers),
            not_captured: part.not_captured.clone(),
        }
    }
}

/// The cluster that a repository belonged to before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdoptedFrom {
    /// Its id.
    pub cluster_id: String,
    /// Its last snapshot.
    pub last_snapshot: u64,
}

/// Number and id of a snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct CommittedSnapshot {
    /// Number, from 1.
    pub sequence: u64,
    /// Digest of its head.
    pub id: String,
    /// Whether it was signed.
    pub signed: bool,
}

/// Why a run ended before its fences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// Ctrl-C or SIGTERM.
    Interrupted,
    /// `--max-duration`.
    OutOfTime,
}

/// Something worth knowing about one partition.
#[derive(Debug, Clone, Serialize)]
pub struct Note {
    /// Which.
    pub subject: String,
    /// One sentence.
    pub detail: String,
}

/// What a dry run tells.
#[derive(Debug, Clone, Serialize)]
pub struct PlanReport {
    /// Cluster that would be backed up.
    pub cluster_id: String,
    /// Snapshot that would be continued.
    pub parent: Option<u64>,
    /// The topics.
    pub topics: Vec<PlannedTopicReport>,
    /// Groups that would be captured.
    pub groups: Vec<String>,
    /// Topics and groups that are left out.
    pub excluded_topics: Vec<String>,
    /// See `excluded_topics`.
    pub excluded_groups: Vec<String>,
    /// The cluster's own settings.
    pub settings: SettingsReport,
    /// Offsets to fetch: at most as many records.
    pub offsets_to_fetch: i64,
    /// Bytes to fetch, estimated from the sizes of the leaders' logs; `None` where brokers do not tell.
    pub estimated_bytes: Option<u64>,
    /// Bytes free where the repository lies; `None` where nobody knows.
    pub free_bytes: Option<u64>,
    /// Topics that were deleted, created anew or grew since the last snapshot.
    pub changes: Vec<Note>,
    /// Transactions that have been open for long, where the fence is the high watermark.
    pub open_transactions: Vec<Note>,
    /// The repository belongs to this cluster so far.
    pub adopted: Option<AdoptedFrom>,
    /// What is already known to be lacking.
    pub incomplete: Vec<Incomplete>,
}

/// One topic of a dry run.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedTopicReport {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: usize,
    /// Offsets to fetch.
    pub offsets_to_fetch: i64,
    /// Partitions that are read again from their log start.
    pub new_lineages: usize,
}

impl PlanReport {
    /// Describes a plan.
    pub fn new(plan: &BackupPlan, free_bytes: Option<u64>) -> Self {
        let topics: Vec<_> = plan.topics.iter().map(planned_topic).collect();
        Self {
            cluster_id: plan.cluster_id.clone(),
            parent: plan.parent.as_ref().map(|parent| parent.sequence),
            estimated_bytes: plan.estimated_bytes(),
            offsets_to_fetch: topics.iter().map(|topic| topic.offsets_to_fetch).sum(),
            topics,
            groups: plan.groups.groups.iter().map(|group| group.id.to_string()).collect(),
            excluded_topics: plan.excluded_topics.clone(),
            excluded_groups: plan.groups.excluded.clone(),
            free_bytes,
            changes: plan.changes.clone(),
            open_transactions: plan.open_transactions.clone(),
            settings: SettingsReport::of(&plan.settings.part),
            adopted: plan.adopted.clone(),
            incomplete: plan.incomplete.clone(),
        }
    }
}

fn planned_topic(topic: &PlannedTopic) -> PlannedTopicReport {
    PlannedTopicReport {
        name: topic.name.to_string(),
        partitions: topic.partitions.len(),
        offsets_to_fetch: topic.partitions.iter().map(super::plan::PlannedPartition::offsets_to_fetch).sum(),
        new_lineages: topic.partitions.iter().filter(|one| one.continuation.broken.is_some()).count(),
    }
}
