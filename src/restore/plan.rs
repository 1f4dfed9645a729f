//! What a restore will do: snapshot, topics and their names, groups and their positions. Changes nothing.

use std::collections::{BTreeMap, HashMap};

use super::error::RestoreError;
use super::options::{OutOfRange, RestoreOptions, SnapshotChoice};
use super::target;
use crate::cluster::Cluster;
use crate::model::{GroupId, OffsetRange, Patterns, Timestamp, TopicName, TopicPartition};
use crate::repository::format::{GroupOffset, GroupState, GroupsPart, SegmentList, TopicState};
use crate::repository::{Repository, SkippedSnapshot, Snapshot};

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
    /// Minutes after which the target forgets positions of groups without members, if it says.
    pub offsets_retention_minutes: Option<i64>,
    /// Message timestamp limits that a topic can lift in the target.
    pub limits: target::Limits,
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
    /// Latest timestamp.
    pub max_timestamp: Timestamp,
}

/// One partition.
#[derive(Debug)]
pub struct PlannedPartition {
    /// Its number.
    pub partition: i32,
    /// Offsets to restore: from the log start to the fence, or to where it was reached.
    pub keep: OffsetRange,
    /// Its high watermark: positions beyond it are not ones that the source could have served.
    pub high_watermark: i64,
    /// Bytes of its segments.
    pub bytes: u64,
    /// The segments.
    pub segments: SegmentList,
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
    /// Below the log start.
    BelowLogStart,
    /// Beyond the fence: that data is not in the snapshot.
    BeyondFence,
}

/// Reads the snapshot and asks the target.
pub(super) async fn plan(
    cluster: &Cluster,
    repository: &Repository,
    options: &RestoreOptions,
) -> Result<RestorePlan, RestoreError> {
    let (snapshot, passed_over) = choose_snapshot(repository, options)?;
    let topics = choose_topics(repository, &snapshot, options)?;
    let groups = choose_groups(repository, &snapshot, options, &topics)?;
    let mut plan = RestorePlan {
        target_cluster_id: cluster.cluster_id(),
        notes: passed_over.clone(),
        passed_over,
        offsets_retention_minutes: None,
        limits: target::Limits::default(),
        snapshot,
        topics,
        groups,
    };
    if plan.target_cluster_id == plan.snapshot.head.cluster_id {
        plan.notes.push("the target is the cluster that was backed up".to_owned());
    }
    for one in &plan.snapshot.head.incomplete {
        plan.notes.push(format!("the snapshot is incomplete: {}: {}", one.subject, one.detail));
    }
    target::check(cluster, options, &mut plan).await?;
    Ok(plan)
}

/// Nothing is begun that could not be finished: every segment that is needed must be there. In a copy that was made
/// while a backup ran, the newest snapshot may lack some; then the newest whole one is taken, and the notes say so.
fn choose_snapshot(repository: &Repository, options: &RestoreOptions) -> Result<(Snapshot, Vec<String>), RestoreError> {
    let include = Patterns::new(&options.selection.topics)?;
    let exclude = Patterns::new(&options.selection.exclude_topics)?;
    let takes = |name: &TopicName| {
        (include.texts().is_empty() || include.matches(name.as_str())) && !exclude.matches(name.as_str())
    };
    let (snapshot, skipped) = repository.choose_complete(options.snapshot, takes)?;
    let passed_over = |one: &SkippedSnapshot| format!("snapshot {} was passed over: {}", one.sequence, one.reason);
    let notes = skipped.iter().map(passed_over).collect();
    if let Some(snapshot) = snapshot {
        return Ok((snapshot, notes));
    }
    if let Some(first) = skipped.into_iter().next() {
        return Err(first.reason.into());
    }
    Err(RestoreError::NoSnapshot(match options.snapshot {
        SnapshotChoice::At(time) => format!("taken at or before {time}"),
        _ => "at all: nothing was ever backed up into it".to_owned(),
    }))
}

fn choose_topics(
    repository: &Repository,
    snapshot: &Snapshot,
    options: &RestoreOptions,
) -> Result<Vec<PlannedTopic>, RestoreError> {
    let include = Patterns::new(&options.selection.topics)?;
    let exclude = Patterns::new(&options.selection.exclude_topics)?;
    let sequence = snapshot.head.sequence;
    let mut topics: BTreeMap<TopicName, PlannedTopic> = BTreeMap::new();
    for state in repository.topics(&snapshot.head)? {
        let state = state?;
        let name = state.name.as_str();
        if (include.texts().is_empty() || include.matches(name)) && !exclude.matches(name) {
            topics.insert(state.name.clone(), plan_topic(repository, state, options)?);
        }
    }
    let names: Vec<TopicName> = topics.keys().cloned().collect();
    let texts: Vec<&str> = names.iter().map(TopicName::as_str).collect();
    let idle = include.unmatched(&texts).first().map(|pattern| format!("topic pattern {pattern:?}"));
    let idle = idle.or_else(|| options.renames.idle(&names).first().map(|rename| format!("rename {rename:?}")));
    if let Some(what) = idle {
        return Err(RestoreError::NothingMatches { snapshot: sequence, what });
    }
    let mut targets: HashMap<&TopicName, &TopicName> = HashMap::new();
    for topic in topics.values() {
        if let Some(first) = targets.insert(&topic.target, &topic.state.name) {
            let (first, second) = (first.clone(), topic.state.name.clone());
            return Err(RestoreError::SameTarget { first, second, target: topic.target.clone() });
        }
    }
    Ok(topics.into_values().collect())
}

fn plan_topic(
    repository: &Repository,
    mut state: TopicState,
    options: &RestoreOptions,
) -> Result<PlannedTopic, RestoreError> {
    let mut topic = PlannedTopic {
        target: options.renames.target(&state.name)?,
        exists: false,
        replication_factor: options.replication_factor.unwrap_or(state.replication_factor),
        partitions: Vec::new(),
        max_batch: 0,
        max_timestamp: Timestamp(-1),
        state: TopicState { partitions: Vec::new(), ..state.clone() },
    };
    for partition in state.partitions.drain(..) {
        let at = TopicPartition::new(state.name.clone(), partition.partition);
        let mut bytes = 0;
        for seal in repository.seals(&partition.segments) {
            let seal = seal?;
            if seal.legacy_batches > 0 {
                return Err(RestoreError::Legacy { partition: at, batches: seal.legacy_batches, object: seal.object });
            }
            bytes += seal.size;
            topic.max_batch = topic.max_batch.max(seal.max_batch);
            topic.max_timestamp = topic.max_timestamp.max(seal.max_timestamp);
        }
        let next = partition.next.max(partition.log_start);
        topic.partitions.push(PlannedPartition {
            partition: partition.partition,
            keep: OffsetRange { base: partition.log_start, next },
            high_watermark: partition.high_watermark,
            bytes,
            segments: partition.segments,
        });
    }
    Ok(topic)
}

fn choose_groups(
    repository: &Repository,
    snapshot: &Snapshot,
    options: &RestoreOptions,
    topics: &[PlannedTopic],
) -> Result<Vec<PlannedGroup>, RestoreError> {
    let include = Patterns::new(&options.selection.groups)?;
    let exclude = Patterns::new(&options.selection.exclude_groups)?;
    let part: GroupsPart = repository.part(&snapshot.head.groups)?;
    let takes = |id: &str| (include.texts().is_empty() || include.matches(id)) && !exclude.matches(id);
    let restored: BTreeMap<(&TopicName, i32), (&PlannedTopic, &PlannedPartition)> = topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(move |one| ((&topic.state.name, one.partition), (topic, one))))
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
        Place::BelowLogStart
    } else if offset > partition.keep.next {
        Place::BeyondFence
    } else {
        Place::Within
    }
}

impl Place {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Within => "within the restored data",
            Self::BelowLogStart => "below the log start",
            Self::BeyondFence => "beyond the end of the snapshot's data",
        }
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
