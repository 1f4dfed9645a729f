//! Finding committed records by their time: with the seals and the sparse index first, then by decoding one batch.

use super::AbortedIndex;
use crate::batch::{Batch, BatchHeader, records};
use crate::model::{OffsetRange, Timestamp};
use crate::repository::format::{Seal, SegmentList};
use crate::repository::{Damage, Repository, RepositoryError};

/// A record that was found by its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundByTime {
    /// Its offset.
    pub offset: i64,
    /// Its time.
    pub timestamp: Timestamp,
}

/// What lies behind a cut though it is not later than the time that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// Committed records, at least: of a batch whose header knows only later times, no record is looked at.
    pub records: u64,
    /// The smallest time among them that is known; -1 if none has one.
    pub earliest: Timestamp,
}

/// The committed records of a partition between two offsets, by their times. The time of a record that the broker
/// stamped is its batch's; a record without a time (-1) is never later than anything.
#[derive(Debug)]
pub struct RecordTimes<'a> {
    repository: &'a Repository,
    segments: &'a SegmentList,
    keep: OffsetRange,
    aborted: AbortedIndex,
}

impl Repository {
    /// Gets ready to find records of a partition by time.
    pub fn record_times<'a>(
        &'a self,
        segments: &'a SegmentList,
        keep: OffsetRange,
    ) -> Result<RecordTimes<'a>, RepositoryError> {
        let aborted = AbortedIndex::up_to(self, segments, keep.next)?;
        Ok(RecordTimes { repository: self, segments, keep, aborted })
    }

    /// The largest offset below which everything is known to have been fetched at or before a time; `None` if all of it
    /// was. Never too large; too small by what was fetched within ten seconds, or by 4 MiB: the index knows no more.
    pub fn observed_until(&self, segments: &SegmentList, time: Timestamp) -> Result<Option<i64>, RepositoryError> {
        for seal in self.seals(segments) {
            let seal = seal?;
            if seal.observed <= time && seal.index.iter().all(|entry| entry.observed <= time) {
                continue;
            }
            let known = seal.index.iter().take_while(|entry| entry.observed <= time).last();
            let Some(entry) = known else { return Ok(Some(seal.base)) };
            // Of what follows the entry's own batch nobody knows.
            let next = match self.read_segment_from(&seal, entry.offset)?.next()? {
                Some(owned) => owned.batch().map_err(|fault| damaged(&seal, entry.position, fault))?.next_offset(),
                None => seal.base,
            };
            return Ok(Some(next));
        }
        Ok(None)
    }
}

impl RecordTimes<'_> {
    /// The first record that is later than a time.
    pub fn first_later_than(&self, time: Timestamp) -> Result<Option<FoundByTime>, RepositoryError> {
        let mut found = None;
        for seal in self.seals_from(self.keep.base) {
            let seal = seal?;
            if seal.max_timestamp <= time {
                continue;
            }
            // Everything up to the batch of such an entry is not later.
            let known = seal.index.iter().take_while(|entry| entry.timestamp <= time).last();
            let from = known.map_or(seal.base, |entry| entry.offset).max(self.keep.base);
            self.walk(&seal, from, |position, batch, header| {
                if header.max_timestamp > time.0 {
                    self.records(&seal, position, batch, |offset, timestamp| {
                        if timestamp > time && found.is_none() {
                            found = Some(FoundByTime { offset, timestamp });
                        }
                    })?;
                }
                Ok(found.is_none())
            })?;
            if found.is_some() {
                break;
            }
        }
        Ok(found)
    }

    /// The records at or behind an offset that are not later than a time.
    pub fn behind(&self, cut: i64, time: Timestamp) -> Result<Behind, RepositoryError> {
        let mut behind = Behind { records: 0, earliest: Timestamp(-1) };
        for seal in self.seals_from(cut) {
            let seal = seal?;
            if seal.min_timestamp > time {
                continue;
            }
            let within = seal.base >= cut && seal.next <= self.keep.next;
            if within && seal.max_timestamp <= time && !seal.has_transactions() {
                behind.add(seal.records, seal.min_timestamp);
                continue;
            }
            self.walk(&seal, cut, |position, batch, header| {
                let within = header.base_offset >= cut && header.next_offset() <= self.keep.next;
                if within && header.max_timestamp <= time.0 {
                    behind.add(u64::from(header.record_count.unsigned_abs()), Timestamp(batch.min_timestamp()));
                } else if batch.min_timestamp() <= time.0 {
                    self.records(&seal, position, batch, |offset, timestamp| {
                        if offset >= cut && timestamp <= time {
                            behind.add(1, timestamp);
                        }
                    })?;
                }
                Ok(true)
            })?;
        }
        Ok(behind)
    }

    /// How many records lie before an offset. Where compaction took records of the very batch that holds it, a few more.
    pub fn before(&self, cut: i64) -> Result<u64, RepositoryError> {
        let mut count = 0;
        for seal in self.seals_from(self.keep.base) {
            let seal = seal?;
            if seal.base >= cut {
                break;
            }
            if seal.base >= self.keep.base && seal.next <= cut && !seal.has_transactions() {
                count += seal.records;
                continue;
            }
            self.walk(&seal, self.keep.base, |_, _, header| {
                let within = header.next_offset().min(cut) - header.base_offset.max(self.keep.base);
                count += u64::from(header.record_count.unsigned_abs()).min(u64::try_from(within).unwrap_or(0));
                Ok(header.next_offset() < cut)
            })?;
        }
        Ok(count)
    }

    fn seals_from(&self, offset: i64) -> impl Iterator<Item = Result<Seal, RepositoryError>> + use<> {
        let next = self.keep.next;
        let touches = move |seal: &Seal| seal.next > offset && seal.base < next;
        self.repository.seals(self.segments).filter(move |seal| seal.as_ref().map_or(true, touches))
    }

    /// Goes over the batches that hold committed records, from the one that holds `from`, until `take` says false.
    fn walk(
        &self,
        seal: &Seal,
        from: i64,
        mut take: impl FnMut(u64, &Batch<'_>, &BatchHeader) -> Result<bool, RepositoryError>,
    ) -> Result<(), RepositoryError> {
        let mut segment = self.repository.read_modern(seal, from, true)?;
        while let Some(owned) = segment.next()? {
            let position = owned.position;
            let batch = owned.batch().map_err(|fault| damaged(seal, position, fault))?;
            if batch.base_offset() >= self.keep.next {
                break;
            }
            let Some(header) = batch.header() else { continue };
            let empty = header.attributes.control() || header.record_count == 0;
            if empty || self.aborted.uncommitted(header).is_some() {
                continue;
            }
            if !take(position, &batch, header)? {
                break;
            }
        }
        Ok(())
    }

    /// Offset and time of each record of the batch that is not outside.
    fn records(
        &self,
        seal: &Seal,
        position: u64,
        batch: &Batch<'_>,
        mut each: impl FnMut(i64, Timestamp),
    ) -> Result<(), RepositoryError> {
        let broken = |fault| damaged(seal, position, fault);
        batch.check_crc().map_err(broken)?;
        let all = records(batch).map_err(broken)?;
        for record in &all {
            let record = record.map_err(broken)?;
            if (self.keep.base..self.keep.next).contains(&record.offset) {
                each(record.offset, Timestamp(record.timestamp));
            }
        }
        Ok(())
    }
}

impl Behind {
    fn add(&mut self, records: u64, earliest: Timestamp) {
        self.records += records;
        if earliest.0 >= 0 && (self.earliest.0 < 0 || earliest < self.earliest) {
            self.earliest = earliest;
        }
    }
}

fn damaged(seal: &Seal, position: u64, fault: crate::batch::BatchError) -> RepositoryError {
    RepositoryError::damaged(seal.object.as_str(), Damage::Batch { position, fault })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Attributes, Builder, Record};
    use crate::repository::segment::{Facts, Observed, Scan};
    use crate::repository::testing::{self, batch_of, marker, transactional};
    use crate::store::MemoryStore;

    /// A repository with a partition whose segments hold these batches.
    fn partition(segments: &[&[Vec<u8>]]) -> (Repository, SegmentList) {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(testing::CLUSTER).unwrap();
        let mut tail: Vec<Seal> = Vec::new();
        for batches in segments {
            let start = testing::start("orders", 0, &run, tail.last());
            tail.push(testing::segment(&repository, &run, start, batches));
        }
        (repository, SegmentList { parts: Vec::new(), tail })
    }

    fn all(segments: &SegmentList) -> OffsetRange {
        OffsetRange { base: segments.tail[0].base, next: segments.tail.last().unwrap().next }
    }

    fn later_than(of: &(Repository, SegmentList), time: i64) -> Option<(i64, i64)> {
        let times = of.0.record_times(&of.1, all(&of.1)).unwrap();
        times.first_later_than(Timestamp(time)).unwrap().map(|found| (found.offset, found.timestamp.0))
    }

    #[test]
    fn the_first_later_record_is_found_within_its_batch() {
        let of = partition(&[&[batch_of(0, &[10, 20, 30]), batch_of(3, &[-1, 25])], &[batch_of(5, &[40, 35, 50])]]);
        for (time, expected) in [
            (0, Some((0, 10))),
            (9, Some((0, 10))),
            (10, Some((1, 20))),
            (29, Some((2, 30))),
            (30, Some((5, 40))),
            (40, Some((7, 50))),
            (50, None),
        ] {
            assert_eq!(later_than(&of, time), expected, "{time}");
        }
    }

    #[test]
    fn markers_aborted_data_and_what_lies_outside_are_no_records() {
        // Times of these are a million and the offset.
        let of = partition(&[&[transactional(0, 2, 7), batch_of(2, &[5]), marker(3, 7, false), batch_of(4, &[6])]]);
        assert_eq!(later_than(&of, 4), Some((2, 5)));
        assert_eq!(later_than(&of, 5), Some((4, 6)));
        assert_eq!(later_than(&of, 6), None);
        let times = of.0.record_times(&of.1, OffsetRange { base: 3, next: 5 }).unwrap();
        assert_eq!(times.first_later_than(Timestamp(0)).unwrap().map(|found| found.offset), Some(4));
    }

    #[test]
    fn a_batch_that_the_broker_stamped_is_as_late_as_its_header_says() {
        let mut builder = Builder::new();
        for timestamp in [1, 2, 3] {
            builder.push(&Record { timestamp, ..Record::default() }).unwrap();
        }
        let mut stamped = builder.finish(Attributes(Attributes::LOG_APPEND_TIME)).unwrap();
        stamped[35..43].copy_from_slice(&77_i64.to_be_bytes());
        let crc = crc32c::crc32c(&stamped[21..]);
        stamped[17..21].copy_from_slice(&crc.to_be_bytes());
        let of = partition(&[&[stamped]]);
        assert_eq!(later_than(&of, 76), Some((0, 77)));
        assert_eq!(later_than(&of, 77), None);
    }

    #[test]
    fn what_lies_behind_is_counted() {
        let future = 9_000;
        let of = partition(&[
            &[batch_of(0, &[10]), batch_of(1, &[20, future, 30]), batch_of(4, &[40, 41])],
            &[batch_of(6, &[50, 51]), batch_of(8, &[8_000, 60])],
            &[batch_of(10, &[8_001]), batch_of(11, &[8_002])],
        ]);
        let times = of.0.record_times(&of.1, all(&of.1)).unwrap();
        let cut = times.first_later_than(Timestamp(100)).unwrap().unwrap();
        assert_eq!((cut.offset, cut.timestamp.0), (2, future));
        let behind = times.behind(cut.offset, Timestamp(100)).unwrap();
        // 30, 40, 41, 50, 51; the 60 hides in a batch that begins late.
        assert_eq!((behind.records, behind.earliest.0), (5, 30));
        assert_eq!(times.before(cut.offset).unwrap(), 2);
        assert_eq!(times.before(12).unwrap(), 12);
        assert_eq!(times.behind(10, Timestamp(8_000)).unwrap().records, 0);
    }

    #[test]
    fn a_cut_by_fetching_never_takes_what_came_later() {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(testing::CLUSTER).unwrap();
        let mut tail: Vec<Seal> = Vec::new();
        for (base, observed) in [(0, [1_000, 3_000, 12_000, 30_000]), (40, [90_000, 90_001, 90_002, 90_003])] {
            let mut writer = repository.create_segment(testing::start("orders", 0, &run, tail.last())).unwrap();
            for (number, observed) in observed.into_iter().enumerate() {
                let bytes = testing::batch(base + 10 * number as i64, 10);
                writer.append_run(&bytes, i64::MAX, Timestamp(observed)).unwrap();
            }
            tail.push(writer.seal().unwrap());
        }
        for seal in &tail {
            let (mut scan, mut observed) = (Scan::new(&seal.carried), Observed::of(&seal.index));
            let mut segment = repository.read_segment(seal).unwrap();
            while let Some(owned) = segment.next().unwrap() {
                let position = scan.size();
                scan.add(&owned.batch().unwrap(), observed.at(position)).unwrap();
            }
            assert_eq!(Facts::of(seal).differences(&scan.finish()), [""; 0], "a second scan finds the same index");
        }
        assert_eq!(tail[0].index.iter().map(|entry| entry.offset).collect::<Vec<_>>(), [0, 20, 30]);
        let list = SegmentList { parts: Vec::new(), tail };
        for (time, expected) in [
            (999, Some(0)),
            (1_000, Some(10)),
            (11_999, Some(10)),
            (12_000, Some(30)),
            (29_999, Some(30)),
            (30_000, Some(40)),
            (89_999, Some(40)),
            (90_000, Some(50)),
            (90_003, None),
        ] {
            assert_eq!(repository.observed_until(&list, Timestamp(time)).unwrap(), expected, "{time}");
        }
    }

    /// A segment with an index entry for each batch.
    fn indexed(batches: &[Vec<u8>]) -> (Repository, SegmentList) {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(testing::CLUSTER).unwrap();
        let mut writer = repository.create_segment(testing::start("orders", 0, &run, None)).unwrap();
        for (number, bytes) in (1..).zip(batches) {
            writer.append_run(bytes, i64::MAX, Timestamp(number * 60_000)).unwrap();
        }
        let seal = writer.seal().unwrap();
        assert_eq!(seal.index.len(), batches.len());
        (repository, SegmentList { parts: Vec::new(), tail: vec![seal] })
    }

    #[test]
    fn the_first_later_record_is_found_whatever_the_index_says() {
        let of = indexed(&[batch_of(0, &[10]), batch_of(1, &[20]), batch_of(2, &[15]), batch_of(3, &[30])]);
        for (time, expected) in [(5, Some((0, 10))), (10, Some((1, 20))), (20, Some((3, 30))), (30, None)] {
            assert_eq!(later_than(&of, time), expected, "{time}");
        }
    }

    /// Number and earliest time of what lies behind the cut.
    fn behind(of: &(Repository, SegmentList), keep: OffsetRange, cut: i64, time: i64) -> (u64, i64) {
        let found = of.0.record_times(&of.1, keep).unwrap().behind(cut, Timestamp(time)).unwrap();
        (found.records, found.earliest.0)
    }

    #[test]
    fn behind_a_cut_every_record_counts_once_and_only_there() {
        let of = partition(&[&[batch_of(0, &[10, 20, 30])], &[batch_of(3, &[8, 9])], &[batch_of(5, &[0])]]);
        let whole = all(&of.1);
        assert_eq!(behind(&of, whole, 0, 100), (6, 0));
        assert_eq!(behind(&of, whole, 1, 100), (5, 0), "not what lies before it in its batch");
        assert_eq!(behind(&of, whole, 1, 7), (1, 0));
        assert_eq!(behind(&of, whole, 1, 8), (2, 0), "the smallest time of a segment is the one asked for");
        let shorter = |next| OffsetRange { next, ..whole };
        assert_eq!(behind(&of, shorter(5), 1, 100), (4, 8), "nothing behind the end");
        assert_eq!(behind(&of, shorter(4), 1, 100), (3, 8), "nor within the segment, or the batch, that holds it");
        let ascending = partition(&[&[batch_of(0, &[0])], &[batch_of(1, &[5])], &[batch_of(2, &[4])]]);
        assert_eq!(behind(&ascending, all(&ascending.1), 0, 9), (3, 0));
        assert_eq!(behind(&ascending, all(&ascending.1), 1, 9), (2, 4));
    }

    #[test]
    fn only_committed_records_are_counted() {
        // Times of these are a million and the offset.
        let of = partition(&[
            &[batch_of(0, &[5, 6])],
            &[transactional(2, 2, 7), marker(4, 7, false), transactional(5, 1, 7), marker(6, 7, true)],
            &[batch_of(7, &[9, 9])],
        ]);
        let times = of.0.record_times(&of.1, all(&of.1)).unwrap();
        assert_eq!(behind(&of, all(&of.1), 0, 2_000_000).0, 5);
        assert_eq!([2, 5, 6, 7, 8, 9].map(|cut| times.before(cut).unwrap()), [2, 2, 3, 3, 4, 5]);
        let later = of.0.record_times(&of.1, OffsetRange { base: 1, next: 9 }).unwrap();
        assert_eq!([2, 7, 9].map(|cut| later.before(cut).unwrap()), [1, 2, 4], "not what lies before the range");
    }
}
