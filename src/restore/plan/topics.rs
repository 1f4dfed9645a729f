//! Which snapshot, and which of its topics and partitions, under which names.

use std::collections::{BTreeMap, HashMap};

use super::{PlannedPartition, PlannedTopic};
use crate::model::{OffsetRange, Timestamp, TopicFilter, TopicName};
use crate::repository::format::{PartitionState, SegmentList, TopicState};
use crate::repository::{Repository, SkippedSnapshot, Snapshot};
use crate::restore::error::RestoreError;
use crate::restore::options::{RestoreOptions, SnapshotChoice};

/// Nothing is begun that could not be finished: every segment that is needed must be there. In a copy that was made
/// while a backup ran, the newest snapshot may lack some; then the newest whole one is taken, and the notes say so.
pub(super) fn choose_snapshot(
    repository: &Repository,
    options: &RestoreOptions,
) -> Result<(Snapshot, Vec<String>), RestoreError> {
    let filter = options.selection.topic_filter()?;
    let takes = |name: &TopicName, partition| filter.takes(name.as_str(), partition);
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

/// The topics that the options select.
pub(super) fn choose(
    repository: &Repository,
    snapshot: &Snapshot,
    options: &RestoreOptions,
) -> Result<Vec<PlannedTopic>, RestoreError> {
    let filter = options.selection.topic_filter()?;
    let sequence = snapshot.head.sequence;
    let mut topics: BTreeMap<TopicName, PlannedTopic> = BTreeMap::new();
    for state in repository.topics(&snapshot.head)? {
        let state = state?;
        if state.partitions.iter().any(|one| filter.takes(state.name.as_str(), one.partition)) {
            topics.insert(state.name.clone(), plan_topic(repository, state, options, &filter)?);
        }
    }
    let names: Vec<TopicName> = topics.keys().cloned().collect();
    let sizes: Vec<(&str, usize)> =
        topics.values().map(|topic| (topic.state.name.as_str(), topic.partitions.len())).collect();
    let idle = filter.unmatched(&sizes).first().map(|pattern| format!("topic pattern {pattern:?}"));
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
    filter: &TopicFilter,
) -> Result<PlannedTopic, RestoreError> {
    let mut topic = PlannedTopic {
        target: options.renames.target(&state.name)?,
        exists: false,
        replication_factor: options.replication_factor.unwrap_or(state.replication_factor),
        partitions: Vec::new(),
        max_batch: 0,
        min_timestamp: Timestamp(-1),
        hold: None,
        state: TopicState { partitions: Vec::new(), ..state.clone() },
    };
    for partition in state.partitions.drain(..) {
        let planned = if filter.takes(state.name.as_str(), partition.partition) {
            plan_partition(repository, &mut topic, partition)?
        } else {
            left_empty(&partition)
        };
        topic.partitions.push(planned);
    }
    Ok(topic)
}

fn plan_partition(
    repository: &Repository,
    topic: &mut PlannedTopic,
    partition: PartitionState,
) -> Result<PlannedPartition, RestoreError> {
    let mut bytes = 0;
    for seal in repository.seals(&partition.segments) {
        let seal = seal?;
        bytes += seal.size;
        // What was compressed by another library may grow when it is written anew.
        let growth = if seal.legacy_batches > 0 { seal.max_batch / 8 } else { 0 };
        topic.max_batch = topic.max_batch.max(seal.max_batch + growth);
        let earlier = topic.min_timestamp.0 < 0 || seal.min_timestamp < topic.min_timestamp;
        if seal.min_timestamp.0 >= 0 && earlier {
            topic.min_timestamp = seal.min_timestamp;
        }
    }
    Ok(PlannedPartition {
        partition: partition.partition,
        selected: true,
        keep: OffsetRange { base: partition.log_start, next: partition.next.max(partition.log_start) },
        high_watermark: partition.high_watermark,
        bytes,
        segments: partition.segments,
        preserving: None,
    })
}

/// A partition whose data is not asked for: the topic has it all the same.
fn left_empty(partition: &PartitionState) -> PlannedPartition {
    PlannedPartition {
        partition: partition.partition,
        selected: false,
        keep: OffsetRange { base: partition.log_start, next: partition.log_start },
        high_watermark: partition.high_watermark,
        bytes: 0,
        segments: SegmentList::default(),
        preserving: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::old_messages::{Old, message};
    use crate::repository::testing::{self, batch, batch_of};
    use crate::restore::plan::testing::planned;
    use crate::store::MemoryStore;

    /// A topic of which one partition was planned, with a segment for each list of batches; and the partition, and sizes
    /// of the largest batches.
    fn plan(segments: &[Vec<Vec<u8>>]) -> (PlannedTopic, PlannedPartition, Vec<u64>) {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(testing::CLUSTER).unwrap();
        let start = || testing::start("orders", 0, &run, None);
        let seals: Vec<_> =
            segments.iter().map(|batches| testing::segment(&repository, &run, start(), batches)).collect();
        let list = SegmentList { parts: Vec::new(), tail: seals.clone() };
        let mut topic = planned("orders", &[]);
        let planned = plan_partition(&repository, &mut topic, testing::partition(0, &seals, list)).unwrap();
        assert_eq!(planned.bytes, seals.iter().map(|seal| seal.size).sum::<u64>());
        (topic, planned, seals.iter().map(|seal| seal.max_batch).collect())
    }

    #[test]
    fn the_earliest_time_of_all_segments_counts_and_none_does_not() {
        let earliest = |times: &[i64]| {
            let batches: Vec<_> = (0..).zip(times).map(|(base, time)| vec![batch_of(base, &[*time])]).collect();
            plan(&batches).0.min_timestamp.0
        };
        assert_eq!(earliest(&[50, 30, 70, -1]), 30);
        assert_eq!(earliest(&[0, 5]), 0);
        assert_eq!(earliest(&[-1, 8]), 8);
        assert_eq!(earliest(&[-1]), -1);
    }

    #[test]
    fn the_largest_batch_counts_and_an_old_one_may_grow() {
        let (topic, partition, largest) = plan(&[vec![batch(5, 90)], vec![batch(95, 3), batch(98, 2)]]);
        assert_eq!(partition.keep, OffsetRange { base: 5, next: 100 });
        assert!(largest[0] > largest[1]);
        assert_eq!(topic.max_batch, largest[0]);
        let (old, _, largest) = plan(&[vec![message(1, 0, &Old::of(0, &"long ".repeat(200)))]]);
        assert!(largest[0] > 1_000);
        assert_eq!(old.max_batch, largest[0] + largest[0] / 8);
    }
}
