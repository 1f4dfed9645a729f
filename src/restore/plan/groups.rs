//! Which groups are restored, and where their positions lie with respect to what is restored.

use std::collections::BTreeMap;

use super::{Place, PlannedCommit, PlannedGroup, PlannedPartition, PlannedTopic};
use crate::model::{GroupId, Patterns, TopicName};
use crate::repository::format::GroupState;
use crate::repository::{Repository, Snapshot};
use crate::restore::error::RestoreError;
use crate::restore::options::{OutOfRange, RestoreOptions};

/// The groups that the options select, with the place of each position.
pub(super) fn choose(
    repository: &Repository,
    snapshot: &Snapshot,
    options: &RestoreOptions,
    topics: &[PlannedTopic],
) -> Result<Vec<PlannedGroup>, RestoreError> {
    let include = Patterns::new(&options.selection.groups)?;
    let exclude = Patterns::new(&options.selection.exclude_groups)?;
    let part = repository.groups(&snapshot.head)?;
    let takes = |id: &str| (include.texts().is_empty() || include.matches(id)) && !exclude.matches(id);
    let restored: BTreeMap<(&TopicName, i32), (&PlannedTopic, &PlannedPartition)> = topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(move |one| (topic, one)))
        .filter(|(_, one)| one.selected)
        .map(|(topic, one)| ((&topic.state.name, one.partition), (topic, one)))
        .collect();
    let chosen: Vec<GroupState> = part.groups.into_iter().filter(|group| takes(group.id.as_str())).collect();
    let ids: Vec<&str> = chosen.iter().map(|group| group.id.as_str()).collect();
    if let Some(pattern) = include.unmatched(&ids).first() {
        let what = format!("group pattern {pattern:?}");
        return Err(RestoreError::NothingMatches { snapshot: snapshot.head.sequence, what });
    }
    let groups: Vec<PlannedGroup> = chosen.into_iter().map(|group| plan_group(group, options, &restored)).collect();
    if options.out_of_range == OutOfRange::Refuse {
        refuse_out_of_range(&groups)?;
    }
    Ok(groups)
}

fn plan_group(
    group: GroupState,
    options: &RestoreOptions,
    restored: &BTreeMap<(&TopicName, i32), (&PlannedTopic, &PlannedPartition)>,
) -> PlannedGroup {
    let out_of_range = options.out_of_range;
    let id = match &options.group_prefix {
        Some(prefix) => GroupId::new(format!("{prefix}{}", group.id)),
        None => group.id,
    };
    let mut planned = PlannedGroup { id, commits: Vec::new(), left_out: Vec::new() };
    for offset in group.offsets {
        let found = restored.get(&(&offset.topic, offset.partition));
        let found = found.map(|(topic, one)| (topic.target.clone(), place_of(offset.committed.offset, one)));
        let Some((target, place)) = found else {
            planned.left_out.push((offset, "its partition is not restored".to_owned()));
            continue;
        };
        if place != Place::Within && out_of_range == OutOfRange::Omit {
            planned.left_out.push((offset, format!("it lies {}", place.describe())));
            continue;
        }
        planned.commits.push(PlannedCommit { offset, target, place });
    }
    planned
}

fn place_of(offset: i64, partition: &PlannedPartition) -> Place {
    if offset < partition.keep.base {
        Place::Below
    } else if offset > partition.keep.next {
        Place::Beyond
    } else {
        Place::Within
    }
}

fn refuse_out_of_range(groups: &[PlannedGroup]) -> Result<(), RestoreError> {
    let outside: Vec<_> = groups
        .iter()
        .flat_map(|group| group.commits.iter().map(move |commit| (group, commit)))
        .filter(|(_, commit)| commit.place != Place::Within)
        .collect();
    match outside.first() {
        None => Ok(()),
        Some((group, commit)) => Err(RestoreError::OutOfRange {
            count: outside.len(),
            first: format!(
                "group {:?} on {}-{}: {} lies {}",
                group.id.as_str(),
                commit.offset.topic,
                commit.offset.partition,
                commit.offset.committed.offset,
                commit.place.describe()
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CommittedOffset, GroupType, OffsetRange};
    use crate::repository::format::GroupOffset;
    use crate::restore::plan::testing::planned;

    fn group(partition: i32, offsets: &[i64]) -> GroupState {
        let position = |offset: &i64| GroupOffset {
            topic: TopicName::new("orders").unwrap(),
            partition,
            committed: CommittedOffset { offset: *offset, leader_epoch: -1, metadata: None },
        };
        GroupState {
            id: GroupId::new("reader"),
            group_type: GroupType::Classic,
            protocol_type: String::new(),
            state: String::new(),
            unstable: false,
            offsets: offsets.iter().map(position).collect(),
        }
    }

    fn plan(group: GroupState, out_of_range: OutOfRange) -> PlannedGroup {
        let mut topic = planned("orders", &[]);
        topic.partitions[0].keep = OffsetRange { base: 5, next: 9 };
        let restored = BTreeMap::from([((&topic.state.name, 0), (&topic, &topic.partitions[0]))]);
        plan_group(group, &RestoreOptions { out_of_range, ..RestoreOptions::default() }, &restored)
    }

    #[test]
    fn positions_at_both_ends_are_within() {
        let of = |out_of_range| plan(group(0, &[0, 4, 5, 7, 9, 10]), out_of_range);
        let places: Vec<Place> = of(OutOfRange::Clamp).commits.iter().map(|commit| commit.place).collect();
        let (below, within) = (Place::Below, Place::Within);
        assert_eq!(places, [below, below, within, within, within, Place::Beyond]);
        let omitted = of(OutOfRange::Omit);
        let kept: Vec<i64> = omitted.commits.iter().map(|commit| commit.offset.committed.offset).collect();
        let reasons: Vec<&str> = omitted.left_out.iter().map(|(_, reason)| reason.as_str()).collect();
        assert_eq!(kept, [5, 7, 9]);
        let lies = ["it lies below the first restored offset", "it lies beyond the end of the restored data"];
        assert_eq!(reasons, [lies[0], lies[0], lies[1]]);
    }

    #[test]
    fn what_is_refused_is_counted_and_the_first_is_named() {
        let refused = |offsets: &[i64]| refuse_out_of_range(&[plan(group(0, offsets), OutOfRange::Refuse)]);
        assert!(refused(&[5, 9]).is_ok());
        let words = refused(&[6, 10, 4]).unwrap_err().to_string();
        assert!(words.contains("2 committed offset(s)") && words.contains("orders-0: 10 lies beyond"), "{words}");
        let elsewhere = plan(group(1, &[6]), OutOfRange::Refuse);
        assert_eq!((elsewhere.commits.len(), elsewhere.left_out.len()), (0, 1));
        assert_eq!(elsewhere.left_out[0].1, "its partition is not restored");
    }
}
