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
