//! Commits the groups' translated offsets, reads them back and compares.

use std::collections::{BTreeMap, HashMap};

use super::plan::{Place, PlannedCommit, PlannedGroup};
use super::report::{Adjusted, Lost, RestoredGroup};
use crate::cluster::{Cluster, GroupOffsets};
use crate::model::{CommittedOffset, TopicName, TopicPartition};

/// Target offsets by partition of the source and source offset.
pub(super) type Translations = HashMap<(TopicName, i32), BTreeMap<i64, i64>>;

/// What came of all groups.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Groups that were committed for.
    pub groups: Vec<RestoredGroup>,
    /// Positions outside the restored data, with both numbers.
    pub adjusted: Vec<Adjusted>,
    /// Positions that are not committed.
    pub lost: Vec<Lost>,
}

/// Commits for every group. A position that cannot be committed is reported; the others go on.
pub(super) async fn restore(cluster: &Cluster, groups: &[PlannedGroup], translations: &Translations) -> Outcome {
    let mut outcome = Outcome::default();
    for group in groups {
        for (offset, reason) in &group.left_out {
            let subject = TopicPartition::new(offset.topic.clone(), offset.partition);
            let detail = format!("offset {} is not committed: {reason}", offset.committed.offset);
            outcome.lost.push(Lost {
                group: group.id.to_string(),
                partition: subject.to_string(),
                detail,
                expected: true,
            });
        }
        restore_group(cluster, group, translations, &mut outcome).await;
    }
    outcome
}

async fn restore_group(cluster: &Cluster, group: &PlannedGroup, translations: &Translations, outcome: &mut Outcome) {
    let mut wanted: Vec<(TopicPartition, CommittedOffset)> = Vec::with_capacity(group.commits.len());
    for commit in &group.commits {
        let at = TopicPartition::new(commit.target.clone(), commit.offset.partition);
        let Some(target) = translate(commit, translations) else {
            outcome.lost.push(lost(group, &at, "its partition has no offset map"));
            continue;
        };
        if commit.place != Place::Within {
            outcome.adjusted.push(adjusted(group, commit, &at, target));
        }
        // Leader epochs of the source mean nothing here and could look like a truncation to clients.
        let metadata = commit.offset.committed.metadata.clone();
        wanted.push((at, CommittedOffset { offset: target, leader_epoch: -1, metadata }));
    }
    if wanted.is_empty() {
        return;
    }
    let mut refused: BTreeMap<TopicPartition, String> = BTreeMap::new();
    match cluster.commit_group_offsets(&group.id, &wanted).await {
        Ok(answers) => {
            let failed = answers.into_iter().filter_map(|(at, answer)| Some((at, answer.err()?.to_string())));
            refused.extend(failed);
        }
        Err(error) => refused.extend(wanted.iter().map(|(at, _)| (at.clone(), error.to_string()))),
    }
    compare(cluster, group, &wanted, &mut refused).await;
    outcome.groups.push(RestoredGroup { id: group.id.to_string(), offsets: wanted.len() - refused.len() });
    outcome.lost.extend(refused.into_iter().map(|(at, cause)| lost(group, &at, &cause)));
}

/// Reads the group back: what the target has now is what counts.
async fn compare(
    cluster: &Cluster,
    group: &PlannedGroup,
    wanted: &[(TopicPartition, CommittedOffset)],
    refused: &mut BTreeMap<TopicPartition, String>,
) {
    let read = match cluster.fetch_group_offsets(&group.id).await {
        Ok(read) => read,
        Err(error) => {
            for (at, _) in wanted {
                refused.entry(at.clone()).or_insert_with(|| format!("committed, but it cannot be read back: {error}"));
            }
            return;
        }
    };
    let found = by_partition(&read);
    for (at, expected) in wanted {
        let same = found.get(at).is_some_and(|found| {
            // Brokers do not tell an empty metadata text from none.
            let text = |one: &CommittedOffset| one.metadata.clone().unwrap_or_default();
            found.offset == expected.offset && text(found) == text(expected)
        });
        if !same {
            let found = found.get(at).map_or("nothing".to_owned(), |found| found.offset.to_string());
            let cause = format!("committed offset {}, read back {found}", expected.offset);
            refused.entry(at.clone()).or_insert(cause);
        }
    }
}

fn by_partition(read: &GroupOffsets) -> BTreeMap<&TopicPartition, &CommittedOffset> {
    read.offsets.iter().map(|(at, committed)| (at, committed)).collect()
}

fn translate(commit: &PlannedCommit, translations: &Translations) -> Option<i64> {
    let key = (commit.offset.topic.clone(), commit.offset.partition);
    translations.get(&key)?.get(&commit.offset.committed.offset).copied()
}

fn adjusted(group: &PlannedGroup, commit: &PlannedCommit, at: &TopicPartition, target: i64) -> Adjusted {
    Adjusted {
        group: group.id.to_string(),
        partition: at.to_string(),
        source: commit.offset.committed.offset,
        target,
        reason: commit.place.describe().to_owned(),
    }
}

fn lost(group: &PlannedGroup, at: &TopicPartition, cause: &str) -> Lost {
    Lost { group: group.id.to_string(), partition: at.to_string(), detail: cause.to_owned(), expected: false }
}
