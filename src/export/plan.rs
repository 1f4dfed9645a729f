//! Which partitions and offsets an export reads.

use super::error::ExportError;
use super::options::ExportOptions;
use super::report::{MissingOffsets, TimeCut};
use crate::model::{OffsetRange, Timestamp, TopicName, TopicPartition};
use crate::repository::format::{PartitionState, SegmentList};
use crate::repository::{Repository, Snapshot};

/// What will be read.
#[derive(Debug, Clone)]
pub struct ExportPlan {
    /// Number of the snapshot.
    pub snapshot: u64,
    /// The topic.
    pub topic: TopicName,
    /// Its partitions, ascending.
    pub partitions: Vec<PartitionPlan>,
}

/// What will be read of one partition.
#[derive(Debug, Clone)]
pub struct PartitionPlan {
    /// Which.
    pub partition: i32,
    /// Offsets that are shown: from the log start to the fence, or what was asked for of that.
    pub keep: OffsetRange,
    /// Where it ends by time, if it does.
    pub cut: Option<TimeCut>,
    /// Bytes of the segments, for the progress: an upper bound.
    pub bytes: u64,
    /// Offsets in `keep` that the repository should have and has not.
    pub missing: Vec<MissingOffsets>,
    /// The segments.
    pub segments: SegmentList,
}

/// Finds the topic in the snapshot and cuts the request to what it holds.
pub fn plan(repository: &Repository, snapshot: &Snapshot, options: &ExportOptions) -> Result<ExportPlan, ExportError> {
    let number = snapshot.head.sequence;
    let topic = options.topic.clone();
    let Some(state) = repository.topic(&snapshot.head, &topic)? else {
        return Err(ExportError::NoSuchTopic { snapshot: number, topic });
    };
    let exists = |partition: &i32| state.partitions.iter().any(|state| state.partition == *partition);
    if let Some(partition) = options.partitions.iter().find(|partition| !exists(partition)) {
        let partition = TopicPartition::new(topic, *partition);
        return Err(ExportError::NoSuchPartition { snapshot: number, partition });
    }
    let wanted = |partition: i32| options.partitions.is_empty() || options.partitions.contains(&partition);
    let chosen = state.partitions.into_iter().filter(|state| wanted(state.partition));
    let partitions = chosen.map(|state| partition_plan(repository, state, options)).collect::<Result<_, _>>()?;
    Ok(ExportPlan { snapshot: number, topic, partitions })
}

fn partition_plan(
    repository: &Repository,
    state: PartitionState,
    options: &ExportOptions,
) -> Result<PartitionPlan, ExportError> {
    let mut keep = cut(OffsetRange { base: state.log_start.max(0), next: state.fence }, options.offsets);
    let found = cut_by_time(repository, &state, options, &mut keep)?;
    let gaps = state.missing.iter().filter(|missing| missing.gap).map(|missing| missing.range);
    let unread = OffsetRange { base: state.next, next: state.fence };
    let missing = gaps.chain([unread]).map(|range| cut(range, keep)).filter(|range| range.base < range.next);
    Ok(PartitionPlan {
        partition: state.partition,
        keep,
        cut: found,
        bytes: bytes(&state.segments, keep),
        missing: missing.map(|range| MissingOffsets { partition: state.partition, range }).collect(),
        segments: state.segments,
    })
}

fn cut_by_time(
    repository: &Repository,
    state: &PartitionState,
    options: &ExportOptions,
    keep: &mut OffsetRange,
) -> Result<Option<TimeCut>, ExportError> {
    if let Some(from) = options.from_time {
        // Not earlier than a millisecond is later than the one before.
        let found = repository.record_times(&state.segments, *keep)?.first_later_than(Timestamp(from.0 - 1))?;
        keep.base = found.map_or(keep.next, |found| found.offset);
    }
    let Some(until) = options.until else { return Ok(None) };
    let times = repository.record_times(&state.segments, *keep)?;
    let Some(found) = times.first_later_than(until)? else { return Ok(None) };
    let behind = times.behind(found.offset, until)?.records;
    keep.next = found.offset;
    Ok(Some(TimeCut { partition: state.partition, offset: found.offset, timestamp: found.timestamp, behind }))
}

fn cut(range: OffsetRange, to: OffsetRange) -> OffsetRange {
    let base = range.base.max(to.base);
    OffsetRange { base, next: range.next.min(to.next).max(base) }
}

fn bytes(segments: &SegmentList, keep: OffsetRange) -> u64 {
    let parts = segments.parts.iter().map(|part| (part.base, part.next, part.size));
    let tail = segments.tail.iter().map(|seal| (seal.base, seal.next, seal.size));
    let touched = parts.chain(tail).filter(|(base, next, _)| *base < keep.next && *next > keep.base);
    touched.map(|(_, _, size)| size).sum()
}
