//! Commits the groups' translated offsets, reads them back and compares.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::error::RestoreError;
use super::plan::{Place, PlannedCommit, PlannedGroup};
use super::report::{Adjusted, Lost, RestoredGroup};
use super::state::State;
use crate::cluster::{Cluster, ClusterError, GroupOffsets};
use crate::model::{Classify, CommittedOffset, GroupId, Timestamp, TopicName, TopicPartition, describe};
use crate::repository::format::{GroupOffset, SavedGroup, SavedGroups};

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

/// A group's positions in the target.
struct Wanted<'a> {
    group: &'a PlannedGroup,
    offsets: Vec<(TopicPartition, CommittedOffset)>,
}

/// Commits for every group, after what the target had for it was saved. A position that is refused is reported; the
/// others go on. What was committed by an earlier attempt is not committed again: a consumer that runs since would be
/// set back.
pub(super) async fn restore(
    cluster: &Cluster,
    groups: &[PlannedGroup],
    translations: &Translations,
    state: &mut State,
) -> Result<Outcome, RestoreError> {
    let mut outcome = Outcome::default();
    let wanted: Vec<Wanted<'_>> = groups.iter().map(|group| translated(group, translations, &mut outcome)).collect();
    if let Some(committed) = &state.groups {
        report_committed(committed, &wanted, &mut outcome);
        return Ok(outcome);
    }
    save_before(cluster, &wanted, state).await?;
    let mut committed = Vec::new();
    for one in wanted.iter().filter(|one| !one.offsets.is_empty()) {
        tracing::debug!(phase = "commit", group = %one.group.id, offsets = one.offsets.len(), "committing");
        committed.push(commit(cluster, one, &mut outcome).await?);
    }
    state.put_groups(SavedGroups { saved: Timestamp::now(), groups: committed })?;
    tracing::debug!(phase = "commit", "all groups are written down");
    Ok(outcome)
}

/// Where a group is to stand; what is not committed by plan is told.
fn translated<'a>(group: &'a PlannedGroup, translations: &Translations, outcome: &mut Outcome) -> Wanted<'a> {
    for (offset, reason) in &group.left_out {
        let subject = TopicPartition::new(offset.topic.clone(), offset.partition);
        let detail = format!("offset {} is not committed: {reason}", offset.committed.offset);
        let (group, partition) = (group.id.to_string(), subject.to_string());
        outcome.lost.push(Lost { group, partition, detail, expected: true });
    }
    let mut offsets = Vec::with_capacity(group.commits.len());
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
        offsets.push((at, CommittedOffset { offset: target, leader_epoch: -1, metadata }));
    }
    Wanted { group, offsets }
}

/// What an earlier attempt committed, and what was refused to it.
fn report_committed(committed: &SavedGroups, wanted: &[Wanted<'_>], outcome: &mut Outcome) {
    for one in wanted.iter().filter(|one| !one.offsets.is_empty()) {
        let saved = committed.groups.iter().find(|saved| saved.id == one.group.id);
        let has = |at: &TopicPartition| {
            saved.is_some_and(|saved| {
                saved.offsets.iter().any(|offset| offset.topic == at.topic && offset.partition == at.partition)
            })
        };
        let refused = one.offsets.iter().filter(|(at, _)| !has(at));
        outcome.lost.extend(refused.map(|(at, _)| lost(one.group, at, "it was refused when it was committed")));
        let offsets = saved.map_or(0, |saved| saved.offsets.len());
        outcome.groups.push(RestoredGroup { id: one.group.id.to_string(), offsets });
    }
}

/// Saves what the target has for the groups, once: after the first commit it would be our own.
async fn save_before(cluster: &Cluster, wanted: &[Wanted<'_>], state: &State) -> Result<(), RestoreError> {
    if state.has_groups_before()? {
        return Ok(());
    }
    let listing = cluster.list_groups().await;
    let listed: BTreeSet<&GroupId> = listing.groups.iter().map(|group| &group.id).collect();
    let mut groups = Vec::new();
    for one in wanted.iter().filter(|one| !one.offsets.is_empty()) {
        let id = one.group.id.clone();
        let mut offsets = Vec::new();
        // Where a broker did not list its groups, every one may be there.
        if listed.contains(&id) || !listing.unanswered.is_empty() {
            offsets = saved(cluster.fetch_group_offsets(&id).await?.offsets);
        }
        groups.push(SavedGroup { id, offsets });
    }
    state.put_groups_before(&SavedGroups { saved: Timestamp::now(), groups })
}

fn saved(offsets: Vec<(TopicPartition, CommittedOffset)>) -> Vec<GroupOffset> {
    let mut offsets: Vec<GroupOffset> = offsets
        .into_iter()
        .map(|(at, committed)| GroupOffset { topic: at.topic, partition: at.partition, committed })
        .collect();
    offsets.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
    offsets
}

/// Commits for one group and reads back. What is refused for good is reported; what may succeed later is an error, and
/// the same command commits again.
async fn commit(cluster: &Cluster, one: &Wanted<'_>, outcome: &mut Outcome) -> Result<SavedGroup, RestoreError> {
    let (group, wanted) = (one.group, &one.offsets);
    let mut refused: BTreeMap<TopicPartition, String> = BTreeMap::new();
    let answers = cluster.commit_group_offsets(&group.id, wanted).await;
    let all = |error: ClusterError| wanted.iter().map(|(at, _)| (at.clone(), Err(error.clone()))).collect();
    for (at, answer) in answers.unwrap_or_else(all) {
        match answer {
            Ok(()) => {}
            Err(error) if error.class().is_retriable() => {
                return Err(RestoreError::Commit {
                    group: group.id.to_string(),
                    partition: at,
                    cause: describe(&error),
                });
            }
            Err(error) => {
                refused.insert(at, error.to_string());
            }
        }
    }
    compare(cluster, group, wanted, &mut refused).await;
    let kept = wanted.iter().filter(|(at, _)| !refused.contains_key(at)).cloned().collect::<Vec<_>>();
    outcome.groups.push(RestoredGroup { id: group.id.to_string(), offsets: kept.len() });
    outcome.lost.extend(refused.into_iter().map(|(at, cause)| lost(group, &at, &cause)));
    Ok(SavedGroup { id: group.id.clone(), offsets: saved(kept) })
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
