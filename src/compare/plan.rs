//! What is compared with what.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Context;
use super::error::CompareError;
use super::known::{self, Known};
use super::report::{Against, NotCompared};
use crate::cluster::{Metadata, OffsetSpec};
use crate::model::{
    GroupId, OffsetRange, Patterns, Timestamp, TopicFilter, TopicId, TopicName, TopicPartition, describe,
};
use crate::repository::format::{GroupState, PartitionState, SegmentList, TopicState};
use crate::repository::{Snapshot, SnapshotChoice};

/// Everything that is decided before records are read.
#[derive(Debug)]
pub(super) struct Plan {
    pub snapshot: Snapshot,
    pub against: Against,
    /// The restore, where the cluster is its target.
    pub known: Option<Known>,
    pub partitions: Vec<PlannedPartition>,
    pub groups: Vec<GroupState>,
    pub not_compared: Vec<NotCompared>,
    pub notes: Vec<String>,
}

/// One partition.
#[derive(Debug, Clone)]
pub(super) struct PlannedPartition {
    /// In the snapshot.
    pub source: TopicPartition,
    /// In the cluster.
    pub at: TopicPartition,
    pub topic_id: TopicId,
    /// Source offsets to compare.
    pub keep: OffsetRange,
    /// Offsets of the cluster to compare.
    pub range: OffsetRange,
    /// Log start and high watermark of the cluster.
    pub log_start: i64,
    pub high_watermark: i64,
    /// Offsets of the snapshot that have expired.
    pub expired: u64,
    /// The topic is compacted.
    pub compacted: bool,
    /// A tombstone of after the snapshot may have come and gone.
    pub tombstones_may_be_gone: bool,
    pub segments: SegmentList,
}

/// Reads the snapshot, finds out what the cluster is to it, and asks where its logs begin and end.
pub(super) async fn plan(context: Context<'_>) -> Result<Plan, CompareError> {
    let Context { cluster, repository, options, .. } = context;
    let (snapshot, mut notes) = choose_snapshot(context)?;
    let against_source = snapshot.head.cluster_id == cluster.cluster_id();
    let known = known::find(context, &snapshot)?;
    let against = match (&known, against_source) {
        (Some(known), _) => Against::Target { restore: known.folder.path().to_owned(), restored: known.restored },
        (None, true) => Against::Source,
        (None, false) => {
            return Err(CompareError::Stranger {
                cluster_id: cluster.cluster_id(),
                snapshot: snapshot.head.sequence,
                source_cluster_id: snapshot.head.cluster_id.clone(),
                states: known::states(repository, options).location(),
            });
        }
    };
    for one in &snapshot.head.incomplete {
        notes.push(format!("the snapshot is incomplete: {}: {}", one.subject, one.detail));
    }
    let groups = choose_groups(context, &snapshot)?;
    let current = cluster.metadata().await?;
    let metadata = cluster.refresh(&current).await?;
    let mut plan = Plan { snapshot, against, known, partitions: Vec::new(), groups, not_compared: Vec::new(), notes };
    choose_partitions(context, &metadata, &mut plan)?;
    ask_bounds(context, &mut plan).await?;
    ask_configs(context, &mut plan).await;
    Ok(plan)
}

fn choose_snapshot(context: Context<'_>) -> Result<(Snapshot, Vec<String>), CompareError> {
    let filter = context.options.selection.topic_filter()?;
    let takes = |name: &TopicName, partition: i32| filter.takes(name.as_str(), partition);
    let (snapshot, skipped) = context.repository.choose_complete(context.options.snapshot, takes)?;
    let notes = skipped.iter().map(|one| format!("snapshot {} was passed over: {}", one.sequence, one.reason));
    let notes = notes.collect();
    match (snapshot, skipped.into_iter().next()) {
        (Some(snapshot), _) => Ok((snapshot, notes)),
        (None, Some(first)) => Err(first.reason.into()),
        (None, None) => Err(CompareError::NoSnapshot(match context.options.snapshot {
            SnapshotChoice::At(time) => format!("taken at or before {time}"),
            _ => "at all: nothing was ever backed up into it".to_owned(),
        })),
    }
}

fn choose_groups(context: Context<'_>, snapshot: &Snapshot) -> Result<Vec<GroupState>, CompareError> {
    let selection = &context.options.selection;
    let include = Patterns::new(&selection.groups)?;
    let exclude = Patterns::new(&selection.exclude_groups)?;
    let part = context.repository.groups(&snapshot.head)?;
    let takes = |id: &str| (include.texts().is_empty() || include.matches(id)) && !exclude.matches(id);
    let groups: Vec<GroupState> = part.groups.into_iter().filter(|group| takes(group.id.as_str())).collect();
    let ids: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    match include.unmatched(&ids).first() {
        None => Ok(groups),
        Some(pattern) => Err(CompareError::NothingMatches {
            snapshot: snapshot.head.sequence,
            what: format!("group pattern {pattern:?}"),
        }),
    }
}

/// Pairs the partitions of the snapshot with those of the cluster.
fn choose_partitions(context: Context<'_>, metadata: &Metadata, plan: &mut Plan) -> Result<(), CompareError> {
    let filter: TopicFilter = context.options.selection.topic_filter()?;
    let mut topics = Vec::new();
    for state in context.repository.topics(&plan.snapshot.head)? {
        let state = state?;
        if filter.takes_topic(state.name.as_str()) {
            topics.push(state);
        }
    }
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    let seen: Vec<(&str, usize)> = topics.iter().map(|topic| (topic.name.as_str(), topic.partitions.len())).collect();
    if let Some(pattern) = filter.unmatched(&seen).first() {
        let what = format!("topic pattern {pattern:?}");
        return Err(CompareError::NothingMatches { snapshot: plan.snapshot.head.sequence, what });
    }
    for state in topics {
        pair(&filter, metadata, state, plan)?;
    }
    Ok(())
}

fn pair(filter: &TopicFilter, metadata: &Metadata, state: TopicState, plan: &mut Plan) -> Result<(), CompareError> {
    let restored = plan.known.as_ref().map(|known| known.topics.get(&state.name).cloned());
    let (name, id) = match &restored {
        None => (state.name.clone(), state.id),
        Some(Some(topic)) => (topic.target.clone(), topic.id),
        Some(None) => {
            plan.not_compared.push(not(&state.name, "the restore did not take it"));
            return Ok(());
        }
    };
    if let Err(reason) = is_there(metadata, &name, id) {
        plan.not_compared.push(not(&name, reason));
        return Ok(());
    }
    for partition in state.partitions {
        if !filter.takes(state.name.as_str(), partition.partition) {
            continue;
        }
        let source = TopicPartition::new(state.name.clone(), partition.partition);
        let at = TopicPartition::new(name.clone(), partition.partition);
        let bounds = match (&restored, &plan.known) {
            (Some(Some(topic)), Some(known)) => known.bounds(topic, &source)?,
            _ => Some(of_source(&partition)),
        };
        let Some((keep, range)) = bounds else {
            plan.not_compared.push(not(&at, "the restore did not take it"));
            continue;
        };
        if partition.next < partition.fence && restored.is_none() {
            let reason = format!(
                "the snapshot has it only up to offset {} of {}: its fence was not reached",
                partition.next, partition.fence
            );
            plan.not_compared.push(not(&at, reason));
        }
        plan.partitions.push(PlannedPartition {
            source,
            at,
            topic_id: id,
            keep,
            range,
            log_start: -1,
            high_watermark: -1,
            expired: 0,
            compacted: has_compact(state.effective.iter().map(|one| (one.name.as_str(), one.value.as_deref()))),
            tombstones_may_be_gone: false,
            segments: partition.segments,
        });
    }
    Ok(())
}

fn not(subject: &dyn std::fmt::Display, reason: impl Into<String>) -> NotCompared {
    NotCompared { subject: subject.to_string(), reason: reason.into() }
}

fn is_there(metadata: &Metadata, name: &TopicName, id: TopicId) -> Result<(), &'static str> {
    match metadata.topics.get(name) {
        None => Err("the topic is not there any more"),
        Some(topic) if topic.id != TopicId::ZERO && id != TopicId::ZERO && topic.id != id => {
            Err("the topic was deleted and made anew: its id is another")
        }
        Some(_) => Ok(()),
    }
}

fn of_source(partition: &PartitionState) -> (OffsetRange, OffsetRange) {
    let base = partition.log_start.max(0);
    let keep = OffsetRange { base, next: partition.next.max(base) };
    (keep, keep)
}

/// Log starts and ends. Against the source, what has expired is left out, and so is what is not decided any more.
async fn ask_bounds(context: Context<'_>, plan: &mut Plan) -> Result<(), CompareError> {
    let all: Vec<TopicPartition> = plan.partitions.iter().map(|one| one.at.clone()).collect();
    let mut failed: BTreeMap<TopicPartition, String> = BTreeMap::new();
    let mut bounds: HashMap<TopicPartition, [i64; 3]> = HashMap::new();
    for (index, spec) in [OffsetSpec::Earliest, OffsetSpec::HighWatermark, OffsetSpec::LastStable].iter().enumerate() {
        for (at, answer) in context.cluster.list_offsets(&all, *spec).await? {
            match answer {
                Ok(found) => {
                    if let Some(slot) = bounds.entry(at).or_insert([-1; 3]).get_mut(index) {
                        *slot = found.offset;
                    }
                }
                Err(error) => {
                    failed.insert(at, describe(&error));
                }
            }
        }
    }
    let source = plan.against == Against::Source;
    let mut not_compared = Vec::new();
    plan.partitions.retain_mut(|one| {
        if let Some(cause) = failed.get(&one.at) {
            not_compared.push(not(&one.at, format!("its leader does not say where it begins and ends: {cause}")));
            return false;
        }
        let [log_start, high_watermark, last_stable] = bounds.get(&one.at).copied().unwrap_or([-1; 3]);
        (one.log_start, one.high_watermark) = (log_start, high_watermark);
        if source {
            let begin = one.keep.base.max(log_start).min(one.keep.next);
            one.expired = (begin - one.keep.base).unsigned_abs();
            one.keep.base = begin;
            if last_stable < one.keep.next && high_watermark >= one.keep.next {
                let undecided = last_stable.max(begin);
                let reason = format!(
                    "offsets from {undecided} up to {} lie behind the last stable offset: a transaction is open there",
                    one.keep.next
                );
                not_compared.push(not(&one.at, reason));
                one.keep.next = undecided;
            }
            one.range = one.keep;
        }
        true
    });
    plan.not_compared.append(&mut not_compared);
    Ok(())
}

/// Which topics are compacted, by what the cluster says now; by the snapshot where it does not say.
async fn ask_configs(context: Context<'_>, plan: &mut Plan) {
    let names: BTreeSet<TopicName> = plan.partitions.iter().map(|one| one.at.topic.clone()).collect();
    let names: Vec<TopicName> = names.into_iter().collect();
    let since = match plan.against {
        Against::Source => plan.snapshot.head.fences_taken,
        Against::Target { restored, .. } => restored,
    };
    let age = Timestamp::now().0.saturating_sub(since.0);
    let mut found: HashMap<TopicName, (bool, bool)> = HashMap::new();
    for (name, answer) in context.cluster.describe_topic_configs(&names).await {
        let Ok(configs) = answer else { continue };
        let pairs = || configs.iter().map(|one| (one.name.as_str(), one.value.as_deref()));
        let retention = pairs().find(|(name, _)| *name == "delete.retention.ms");
        let retention = retention.and_then(|(_, value)| value?.parse::<i64>().ok()).unwrap_or(86_400_000);
        // A tenth and some minutes for the run itself.
        let gone = age.saturating_add((retention / 10).max(300_000)) >= retention;
        found.insert(name, (has_compact(pairs()), gone));
    }
    for one in &mut plan.partitions {
        let (compacted, gone) = found.get(&one.at.topic).copied().unwrap_or((one.compacted, true));
        one.compacted = compacted || one.compacted;
        // Only what was written behind the compared range can have been such a tombstone.
        one.tombstones_may_be_gone = gone && one.high_watermark > one.range.next;
    }
}

fn has_compact<'a>(configs: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> bool {
    let mut configs = configs;
    configs.any(|(name, value)| name == "cleanup.policy" && value.is_some_and(|value| value.contains("compact")))
}

/// Groups by what they are called in the cluster.
pub(super) fn target_group(plan: &Plan, group: &GroupId) -> GroupId {
    let prefix = plan.known.as_ref().and_then(|known| known.plan.key.group_prefix.as_deref()).unwrap_or_default();
    GroupId::new(format!("{prefix}{group}"))
}
