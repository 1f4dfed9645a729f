//! What a restore tells.

use serde::{Deserialize, Serialize};

use super::cut::PartitionCut;
use super::plan::{Place, RestorePlan};
use super::preserve::PreservePlan;
use super::source::Admitted;
use super::wide::SettingsReport;
use crate::model::Timestamp;
use crate::repository::format::{HeldTopic, TranslatedPartition};

/// The result of a restore. Printing is the command line's.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoreReport {
    /// Snapshot that was restored.
    pub snapshot: u64,
    /// Its id.
    pub snapshot_id: String,
    /// Cluster it came from and cluster it went to.
    pub source_cluster_id: String,
    /// See `source_cluster_id`.
    pub target_cluster_id: String,
    /// When it began and ended.
    pub started: Timestamp,
    /// See `started`.
    pub finished: Timestamp,
    /// Where plan, offset maps and progress lie: below the repository, or the folder of `--state`.
    pub state: String,
    /// Partitions whose records have the offsets that they had.
    #[serde(default)]
    pub preserved: u64,
    /// Partitions whose offsets were to be preserved and are translated.
    #[serde(default)]
    pub translated: Vec<TranslatedPartition>,
    /// An earlier attempt was cut off, and this one went on.
    pub resumed: bool,
    /// It was finished before: this is what was reported then, and nothing was changed now.
    pub was_finished: bool,
    /// The topics.
    pub topics: Vec<RestoredTopic>,
    /// Partitions that are cut by time.
    pub cuts: Vec<PartitionCut>,
    /// What was admitted, over all topics.
    pub admitted: Admitted,
    /// Groups whose offsets were committed and read back.
    pub groups: Vec<RestoredGroup>,
    /// Positions that lay outside the restored data, with both numbers.
    pub adjusted: Vec<Adjusted>,
    /// Positions that are not committed.
    pub lost: Vec<Lost>,
    /// Topics whose retention is held until `restore --release`.
    pub held: Vec<HeldTopic>,
    /// Topic settings that were not put back.
    pub configs_left_out: Vec<ConfigLeftOut>,
    /// The cluster's own settings.
    pub settings: SettingsReport,
    /// Failures that make this restore less than it should be.
    pub incomplete: Vec<String>,
    /// What a person should know or do next.
    pub notes: Vec<String>,
}

impl RestoreReport {
    /// Whether everything that was asked for is in the target.
    pub fn is_complete(&self) -> bool {
        self.incomplete.is_empty()
            && self.translated.is_empty()
            && self.settings.is_complete()
            && self.lost.iter().all(|lost| lost.expected)
    }
}

/// One topic.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoredTopic {
    /// In the snapshot.
    pub source: String,
    /// In the target.
    pub target: String,
    /// Whether it was created.
    pub created: bool,
    /// Its partitions.
    pub partitions: usize,
    /// What was admitted.
    pub admitted: Admitted,
}

/// One group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoredGroup {
    /// Its id.
    pub id: String,
    /// Offsets committed and read back.
    pub offsets: usize,
}

/// A position that was moved into the restored data.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Adjusted {
    /// The group.
    pub group: String,
    /// Partition of the target.
    pub partition: String,
    /// Committed offset in the source.
    pub source: i64,
    /// Committed offset in the target.
    pub target: i64,
    /// Where it lay.
    pub reason: String,
}

/// A position that is not committed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lost {
    /// The group.
    pub group: String,
    /// The partition.
    pub partition: String,
    /// Why.
    pub detail: String,
    /// It follows from what was asked for: its topic is not restored, or `--out-of-range omit`.
    pub expected: bool,
}

/// A topic setting that was not put back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigLeftOut {
    /// Topic of the target.
    pub topic: String,
    /// Config name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// What a dry run tells.
#[derive(Debug, Clone, Serialize)]
pub struct RestorePlanReport {
    /// Snapshot that would be restored.
    pub snapshot: u64,
    /// Its id.
    pub snapshot_id: String,
    /// When its fences were taken.
    pub taken: Timestamp,
    /// Cluster it comes from and cluster it would go to.
    pub source_cluster_id: String,
    /// See `source_cluster_id`.
    pub target_cluster_id: String,
    /// The topics.
    pub topics: Vec<PlannedTopicReport>,
    /// Partitions that are cut by time.
    pub cuts: Vec<PartitionCut>,
    /// The groups.
    pub groups: Vec<PlannedGroupReport>,
    /// Bytes of the segments to read.
    pub bytes: u64,
    /// What keeping offsets takes, where that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preserve: Option<PreservePlan>,
    /// The cluster's own settings beside those of the target.
    pub settings: SettingsReport,
    /// Minutes after which the target forgets positions of groups without members.
    pub offsets_retention_minutes: Option<i64>,
    /// What a person should know before.
    pub notes: Vec<String>,
}

/// One topic of a dry run.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedTopicReport {
    /// In the snapshot.
    pub source: String,
    /// In the target.
    pub target: String,
    /// It is there already, empty.
    pub exists: bool,
    /// Its partitions.
    pub partitions: usize,
    /// Copies of each.
    pub replication_factor: i16,
    /// Bytes of its segments.
    pub bytes: u64,
}

/// One group of a dry run.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedGroupReport {
    /// Its id.
    pub id: String,
    /// Offsets that would be committed.
    pub commits: usize,
    /// How many of them lie outside of the restored data, and are moved into it.
    pub outside: usize,
    /// Offsets that would not be.
    pub left_out: usize,
}

impl RestorePlanReport {
    /// Describes a plan.
    pub fn new(plan: &RestorePlan) -> Self {
        let topics: Vec<PlannedTopicReport> = plan
            .topics
            .iter()
            .map(|topic| PlannedTopicReport {
                source: topic.state.name.to_string(),
                target: topic.target.to_string(),
                exists: topic.exists,
                partitions: topic.partitions.len(),
                replication_factor: topic.replication_factor,
                bytes: topic.partitions.iter().map(|partition| partition.bytes).sum(),
            })
            .collect();
        let groups = plan.groups.iter().map(|group| PlannedGroupReport {
            id: group.id.to_string(),
            commits: group.commits.len(),
            outside: group.commits.iter().filter(|commit| commit.place != Place::Within).count(),
            left_out: group.left_out.len(),
        });
        Self {
            snapshot: plan.snapshot.head.sequence,
            snapshot_id: plan.snapshot.id.clone(),
            taken: plan.snapshot.head.fences_taken,
            source_cluster_id: plan.snapshot.head.cluster_id.clone(),
            target_cluster_id: plan.target_cluster_id.clone(),
            bytes: topics.iter().map(|topic| topic.bytes).sum(),
            topics,
            cuts: plan.cuts.clone(),
            groups: groups.collect(),
            preserve: PreservePlan::of(&plan.topics),
            settings: plan.settings.report(),
            offsets_retention_minutes: plan.offsets_retention_minutes,
            notes: plan.notes.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TopicName, TopicPartition};

    #[test]
    fn a_report_comes_back_as_it_was_stored() {
        let cut = PartitionCut {
            partition: TopicPartition::new(TopicName::new("orders-eu").unwrap(), 3),
            from: None,
            until: Some(7),
            timestamp: Some(Timestamp(5)),
            behind: 1,
            at_or_before: 8,
            jump_ms: Some(-1),
        };
        let lost = Lost { group: "shop".to_owned(), expected: true, ..Lost::default() };
        let report = RestoreReport { snapshot: 42, cuts: vec![cut], lost: vec![lost], ..RestoreReport::default() };
        let stored = serde_json::to_value(&report).unwrap();
        let read: RestoreReport = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), stored);
        let old: RestoreReport = serde_json::from_str("{\"snapshot\":1}").unwrap();
        assert_eq!((old.snapshot, old.is_complete()), (1, true), "fields that came later have defaults");
    }
}
