//! The cut of one partition.

use super::PartitionCut;
use crate::model::{OffsetRange, Timestamp, TopicPartition};
use crate::repository::format::RestoreCut;
use crate::repository::{Repository, RepositoryError};
use crate::restore::plan::PlannedPartition;

/// Cuts the partition; `None` where nothing of it is left out.
pub(super) fn cut(
    repository: &Repository,
    cut: RestoreCut,
    at: &TopicPartition,
    partition: &mut PlannedPartition,
) -> Result<Option<PartitionCut>, RepositoryError> {
    let whole = partition.keep;
    if let Some(from) = cut.from {
        partition.keep.base = start(repository, partition, from)?;
    }
    if let Some(time) = cut.until_observed {
        let end = repository.observed_until(&partition.segments, time)?.unwrap_or(partition.keep.next);
        partition.keep.next = end.clamp(partition.keep.base, partition.keep.next);
    }
    let mut told = PartitionCut {
        partition: at.clone(),
        from: (partition.keep.base > whole.base).then_some(partition.keep.base),
        until: None,
        timestamp: None,
        behind: 0,
        at_or_before: 0,
        jump_ms: None,
    };
    if let Some(time) = cut.until {
        until(repository, partition, time, &mut told)?;
    }
    told.until = (partition.keep.next < whole.next).then_some(partition.keep.next);
    if partition.keep != whole {
        partition.bytes = bytes(repository, partition)?;
    }
    Ok((told.from.is_some() || told.until.is_some()).then_some(told))
}

/// Offset of the first record that is not earlier, or the end.
fn start(repository: &Repository, partition: &PlannedPartition, from: Timestamp) -> Result<i64, RepositoryError> {
    let times = repository.record_times(&partition.segments, partition.keep)?;
    // Not earlier than a millisecond is later than the one before.
    let found = times.first_later_than(Timestamp(from.0.saturating_sub(1)))?;
    Ok(found.map_or(partition.keep.next, |found| found.offset))
}

/// Ends the partition before the first later record, and counts what lies behind it.
fn until(
    repository: &Repository,
    partition: &mut PlannedPartition,
    time: Timestamp,
    told: &mut PartitionCut,
) -> Result<(), RepositoryError> {
    let times = repository.record_times(&partition.segments, partition.keep)?;
    let Some(found) = times.first_later_than(time)? else { return Ok(()) };
    let behind = times.behind(found.offset, time)?;
    told.timestamp = Some(found.timestamp);
    told.behind = behind.records;
    if behind.records > 0 {
        told.at_or_before = behind.records + times.before(found.offset)?;
    }
    told.jump_ms = (behind.earliest.0 >= 0).then(|| found.timestamp.0.saturating_sub(behind.earliest.0));
    partition.keep.next = found.offset;
    Ok(())
}

fn bytes(repository: &Repository, partition: &PlannedPartition) -> Result<u64, RepositoryError> {
    let OffsetRange { base, next } = partition.keep;
    let mut bytes = 0;
    for seal in repository.seals(&partition.segments) {
        let seal = seal?;
        bytes += if seal.base < next && seal.next > base { seal.size } else { 0 };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::format::SegmentList;
    use crate::repository::testing::{self, batch};
    use crate::restore::plan::testing::planned;
    use crate::store::MemoryStore;

    #[test]
    fn what_is_left_of_a_partition_has_the_size_of_the_segments_that_it_lies_in() {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(testing::CLUSTER).unwrap();
        let batches = [vec![batch(0, 10)], vec![batch(10, 5), batch(15, 5)], vec![batch(20, 3)]];
        let start = || testing::start("orders", 0, &run, None);
        let seals = batches.map(|batches| testing::segment(&repository, &run, start(), &batches));
        let sizes = seals.each_ref().map(|seal| seal.size);
        let whole = || {
            let mut partition = planned("orders", &[]).partitions.remove(0);
            partition.segments = SegmentList { parts: Vec::new(), tail: seals.to_vec() };
            partition.keep = OffsetRange { base: 0, next: 23 };
            partition.bytes = sizes.iter().sum();
            partition
        };
        let of = |base, next| {
            let keep = OffsetRange { base, next };
            bytes(&repository, &PlannedPartition { keep, ..whole() }).unwrap()
        };
        assert_eq!([of(0, 10), of(10, 20), of(20, 23)], sizes);
        assert_eq!([of(9, 11), of(19, 21), of(5, 22)], [sizes[0] + sizes[1], sizes[1] + sizes[2], sizes.iter().sum()]);

        // Records are a millisecond apart from one batch to the next offset.
        let at = TopicPartition::new(crate::model::TopicName::new("orders").unwrap(), 0);
        let from = RestoreCut { from: Some(Timestamp(1_000_010)), ..RestoreCut::default() };
        let mut partition = whole();
        assert_eq!(cut(&repository, from, &at, &mut partition).unwrap().unwrap().from, Some(10));
        assert_eq!(partition.bytes, sizes[1] + sizes[2]);
    }
}
