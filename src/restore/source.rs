//! Reads one partition's segments and turns them into batches the target will accept, in order.
//! Runs on a blocking thread; what it hands over waits for room, so memory is bounded.

use bytes::Bytes;

use super::error::RestoreError;
use super::translate::Pieces;
use crate::batch::{
    Admission, AdmissionContext, Batch, BatchError, Codec, CodecSet, DropReason, HEADER_SIZE, ProducerStamp, Reencoded,
    Run, admit, kept_runs, reencode, reheader,
};
use crate::cluster::ProducerIdentity;
use crate::model::{MapPiece, OffsetRange, TopicPartition};
use crate::repository::format::SegmentList;
use crate::repository::{AbortedIndex, OwnedBatch, Repository, Uncommitted};

/// One batch that is ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// Its new header.
    pub header: [u8; HEADER_SIZE],
    /// The rest.
    pub payload: Bytes,
    /// Where it must land.
    pub target_base: i64,
    /// Target offset after its last record.
    pub target_next: i64,
    /// Source offset of its first record.
    pub source_base: i64,
    /// Bytes of the stored batches that it stands for, those before it that were left out or are there already included.
    pub source_bytes: u64,
}

impl Prepared {
    /// Bytes on the wire.
    pub(super) fn size(&self) -> usize {
        HEADER_SIZE + self.payload.len()
    }
}

/// How many batches met which fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Admitted {
    /// Records restored.
    pub records: u64,
    /// Batches that got a new header before the same records.
    pub reheadered: u64,
    /// Batches whose records were decoded and written again.
    pub reencoded: u64,
    /// Markers.
    pub dropped_control: u64,
    /// Batches without records, which compaction leaves.
    pub dropped_empty: u64,
    /// Batches of transactions that were aborted.
    pub dropped_aborted: u64,
    /// Batches of transactions that were still open where the snapshot's data ends.
    pub dropped_open: u64,
    /// Batches of transactions that end behind the cut that was asked for, or not at all.
    pub dropped_open_at_cut: u64,
    /// Batches of transactions whose marker lay in offsets that were never read: nobody can tell their outcome.
    pub dropped_lost: u64,
    /// Batches below the log start or beyond the end of the snapshot.
    pub dropped_out_of_range: u64,
}

impl Admitted {
    /// Adds another partition's.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.reheadered += other.reheadered;
        self.reencoded += other.reencoded;
        self.dropped_control += other.dropped_control;
        self.dropped_empty += other.dropped_empty;
        self.dropped_aborted += other.dropped_aborted;
        self.dropped_open += other.dropped_open;
        self.dropped_open_at_cut += other.dropped_open_at_cut;
        self.dropped_lost += other.dropped_lost;
        self.dropped_out_of_range += other.dropped_out_of_range;
    }

    fn count_dropped(&mut self, reason: DropReason, uncommitted: Option<Uncommitted>) {
        *match reason {
            DropReason::Control => &mut self.dropped_control,
            DropReason::Empty => &mut self.dropped_empty,
            DropReason::Aborted => match uncommitted {
                Some(Uncommitted::Open) => &mut self.dropped_open,
                Some(Uncommitted::OpenAtCut) => &mut self.dropped_open_at_cut,
                Some(Uncommitted::Lost) => &mut self.dropped_lost,
                _ => &mut self.dropped_aborted,
            },
            DropReason::OutOfRange => &mut self.dropped_out_of_range,
        } += 1;
    }
}

/// What becomes of what is prepared. Returning false ends the reading.
pub(super) trait Sink {
    /// Takes the next batch; waits until there is room.
    fn batch(&mut self, batch: Prepared) -> bool;
    /// Takes the next piece of the offset map as records pass, before it is complete.
    fn passed(&mut self, piece: MapPiece);
    /// Takes a complete piece of the offset map.
    fn piece(&mut self, piece: MapPiece) -> Result<(), RestoreError>;
}

/// How one partition is read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// In the source.
    pub at: TopicPartition,
    /// Its segments.
    pub segments: SegmentList,
    /// Offsets to restore.
    pub keep: OffsetRange,
    /// Who produces.
    pub producer: ProducerIdentity,
    /// Codecs that the target takes.
    pub target_codecs: CodecSet,
    /// Offset of the first record in the target.
    pub target_base: i64,
    /// The target's log end: what lies below is there already. Any offset from `target_base` on is right, within a
    /// batch too.
    pub from: i64,
}

/// What one pass over a partition found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed {
    /// What was admitted, whether it was there already or not.
    pub admitted: Admitted,
    /// Target offset after the last record.
    pub log_end: i64,
    /// Bytes of stored batches after the last one handed over.
    pub rest_bytes: u64,
}

impl Source {
    /// Reads everything to the end. Nothing if the sink had enough before.
    pub(super) fn read(self, repository: &Repository, sink: &mut dyn Sink) -> Result<Option<Passed>, RestoreError> {
        let aborted = AbortedIndex::up_to(repository, &self.segments, self.keep.next)?;
        let mut reading = Reading {
            pieces: Pieces::new(self.target_base),
            admitted: Admitted::default(),
            complete: Vec::new(),
            passed_bytes: 0,
            source: &self,
            aborted,
            sink,
        };
        for seal in repository.seals(&self.segments) {
            let seal = seal?;
            if seal.next <= self.keep.base || seal.base >= self.keep.next {
                continue;
            }
            let mut segment = repository.read_segment_from(&seal, self.keep.base)?;
            while let Some(owned) = segment.next()? {
                let bad = |source| RestoreError::Batch { object: seal.object.clone(), source };
                let batch = owned.batch().map_err(bad)?;
                if batch.base_offset() >= self.keep.next {
                    break;
                }
                if !reading.take(&owned, &batch).map_err(bad)? {
                    return Ok(None);
                }
                reading.flush_pieces()?;
            }
        }
        reading.finish().map(Some)
    }
}

struct Reading<'a> {
    source: &'a Source,
    aborted: AbortedIndex,
    pieces: Pieces,
    admitted: Admitted,
    passed_bytes: u64,
    complete: Vec<MapPiece>,
    sink: &'a mut dyn Sink,
}

impl Reading<'_> {
    /// Admits one batch; what gets a new checksum is checked first. False if the sink wants no more.
    fn take(&mut self, owned: &OwnedBatch, batch: &Batch<'_>) -> Result<bool, BatchError> {
        let header = batch.modern()?;
        let uncommitted = self.aborted.uncommitted(header);
        let aborted = uncommitted.is_some();
        let context = AdmissionContext { aborted, keep: self.source.keep, target_codecs: self.source.target_codecs };
        self.passed_bytes += owned.bytes.len() as u64;
        match admit(header, &context)? {
            Admission::Dropped(reason) => {
                self.admitted.count_dropped(reason, uncommitted);
                Ok(true)
            }
            Admission::Reheadered => {
                self.admitted.reheadered += 1;
                let runs = [Run { base: header.base_offset, count: header.record_count }];
                self.admit_kept(batch, &runs, Some(owned.bytes.clone()))
            }
            Admission::Reencoded(_) => {
                let missing = self.pieces.next_target() >= self.source.from;
                let written = if missing { self.source.rewritten(batch, self.source.keep)? } else { None };
                let (runs, bytes) = match written {
                    Some(written) => (written.runs, Some(Bytes::from(written.bytes))),
                    None => (kept_runs(batch, self.source.keep)?, None),
                };
                if runs.is_empty() {
                    self.admitted.dropped_out_of_range += 1;
                    return Ok(true);
                }
                self.admitted.reencoded += 1;
                self.admit_kept(batch, &runs, bytes)
            }
        }
    }

    /// Hands a batch over that is not in the target yet. One that is there is only passed; of one that is there in part
    /// the rest is written anew: whoever sent the first part may have cut his batches elsewhere.
    fn admit_kept(&mut self, batch: &Batch<'_>, runs: &[Run], whole: Option<Bytes>) -> Result<bool, BatchError> {
        let from = self.source.from;
        let base = self.pieces.next_target();
        self.pass(runs);
        let next = self.pieces.next_target();
        self.admitted.records += (next - base) as u64;
        if next <= from {
            batch.check_crc()?;
            return Ok(true);
        }
        let first = (from - base).max(0);
        let bytes = if let Some(bytes) = whole.filter(|_| first == 0) {
            bytes
        } else {
            let keep = OffsetRange { base: source_offset(runs, first), next: self.source.keep.next };
            let none = BatchError::Unfit { base_offset: batch.base_offset(), reason: "none of its records is kept" };
            Bytes::from(self.source.rewritten(batch, keep)?.ok_or(none)?.bytes)
        };
        let target_base = base + first;
        let stamp = ProducerStamp {
            producer_id: self.source.producer.producer_id,
            producer_epoch: self.source.producer.producer_epoch,
            base_sequence: sequence(target_base - self.source.target_base),
        };
        let prepared = Prepared {
            header: reheader(&bytes, stamp)?,
            payload: bytes.slice(HEADER_SIZE..),
            target_base,
            target_next: next,
            source_base: source_offset(runs, first),
            source_bytes: std::mem::take(&mut self.passed_bytes),
        };
        Ok(self.sink.batch(prepared))
    }

    fn pass(&mut self, runs: &[Run]) {
        for run in runs {
            let (piece, complete) = self.pieces.add(*run);
            self.sink.passed(piece);
            self.complete.extend(complete);
        }
    }

    fn flush_pieces(&mut self) -> Result<(), RestoreError> {
        for piece in self.complete.drain(..) {
            self.sink.piece(piece)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Passed, RestoreError> {
        self.flush_pieces()?;
        let log_end = self.pieces.next_target();
        if let Some(last) = self.pieces.finish() {
            self.sink.piece(last)?;
        }
        Ok(Passed { admitted: self.admitted, log_end, rest_bytes: self.passed_bytes })
    }
}

impl Source {
    /// The records of a batch that lie in `keep`, written anew.
    fn rewritten(&self, batch: &Batch<'_>, keep: OffsetRange) -> Result<Option<Reencoded>, BatchError> {
        let codec = batch.modern()?.attributes.codec().unwrap_or(Codec::None);
        reencode(batch, keep, if self.target_codecs.contains(codec) { codec } else { Codec::Gzip })
    }
}

/// Sequence number of the record before which that many were produced: they count records and wrap after the largest
/// i32 (Kafka class `DefaultRecordBatch`).
pub(super) fn sequence(records_before: i64) -> i32 {
    (records_before & i64::from(i32::MAX)) as i32
}

/// Source offset of the record number `nth`, from 0, of those that the runs hold.
fn source_offset(runs: &[Run], mut nth: i64) -> i64 {
    for run in runs {
        if nth < i64::from(run.count) {
            return run.base + nth;
        }
        nth -= i64::from(run.count);
    }
    -1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchHeader, records};
    use crate::model::TopicName;
    use crate::repository::testing::{self, batch, batch_with, marker, transactional};
    use crate::store::MemoryStore;

    /// Batches as a broker would append them.
    #[derive(Default)]
    struct Taken {
        bases: Vec<i64>,
        /// Target offset, sequence number and value of each record.
        records: Vec<(i64, i32, Vec<u8>)>,
        pieces: Vec<MapPiece>,
    }

    impl Sink for Taken {
        fn batch(&mut self, prepared: Prepared) -> bool {
            let bytes = [&prepared.header[..], &prepared.payload].concat();
            let sent = Batch::parse(&bytes).unwrap();
            sent.check_crc().unwrap();
            let header: BatchHeader = *sent.modern().unwrap();
            assert!(header.is_whole() && header.base_offset == 0);
            assert_eq!(prepared.target_next - prepared.target_base, i64::from(header.record_count));
            for record in &records(&sent).unwrap() {
                let record = record.unwrap();
                let sequence = header.base_sequence + record.offset as i32;
                self.records.push((prepared.target_base + record.offset, sequence, record.value.unwrap().to_vec()));
            }
            self.bases.push(prepared.source_base);
            true
        }

        fn passed(&mut self, _piece: MapPiece) {}

        fn piece(&mut self, piece: MapPiece) -> Result<(), RestoreError> {
            self.pieces.push(piece);
            Ok(())
        }
    }

    fn source(seals: &[crate::repository::format::Seal], keep: OffsetRange) -> Source {
        Source {
            at: TopicPartition::new(TopicName::new("orders").unwrap(), 0),
            segments: SegmentList { parts: Vec::new(), tail: seals.to_vec() },
            keep,
            producer: ProducerIdentity { producer_id: 1, producer_epoch: 0 },
            target_codecs: CodecSet::ALL,
            target_base: 0,
            from: 0,
        }
    }

    #[test]
    fn data_without_an_outcome_is_not_restored_and_not_called_aborted() {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(testing::CLUSTER).unwrap();
        let begin = || testing::start("orders", 0, &run, None);
        // Producer 7 is aborted, 8 commits, 9 ends in offsets that were never read, 5 is open at the end.
        let before = [transactional(0, 1, 7), transactional(1, 1, 8), transactional(2, 1, 9), marker(3, 7, false)];
        let before = [&before[..], &[marker(4, 8, true)]].concat();
        let after = [batch(20, 1), transactional(21, 2, 5)];
        let seals = [&before[..], &after[..]].map(|batches| testing::segment(&repository, &run, begin(), batches));
        let mut taken = Taken::default();
        let passed = source(&seals, OffsetRange { base: 0, next: 23 }).read(&repository, &mut taken).unwrap().unwrap();
        let admitted = passed.admitted;
        assert_eq!(taken.bases, [1, 20]);
        assert_eq!((admitted.dropped_aborted, admitted.dropped_lost, admitted.dropped_open), (1, 1, 1));
        assert_eq!((admitted.records, admitted.dropped_control), (2, 2));
    }

    #[test]
    fn any_log_end_is_a_legal_start() {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(testing::CLUSTER).unwrap();
        let begin = || testing::start("orders", 0, &run, None);
        // A log start within the first batch, a marker, a hole within a batch and one between two, an end within the last.
        let holes = |header: &mut BatchHeader| header.last_offset_delta = 9;
        let batches = [batch(10, 4), marker(14, 8, true), batch_with(15, 3, holes), batch(40, 5)];
        let seals = [testing::segment(&repository, &run, begin(), &batches)];
        let whole = source(&seals, OffsetRange { base: 12, next: 43 });
        let mut first = Taken::default();
        let passed = whole.clone().read(&repository, &mut first).unwrap().unwrap();
        let admitted = passed.admitted;
        assert_eq!((passed.log_end, admitted.records), (8, 8));
        assert!(first.records.iter().map(|(at, sequence, _)| (*at, *sequence)).eq((0..8).zip(0..8)));
        assert_eq!(first.records.len(), 8);
        for from in 0..=9 {
            for base in [0, 100] {
                let mut rest = Taken::default();
                let again = Source { target_base: base, from: base + from, ..whole.clone() };
                let passed = again.read(&repository, &mut rest).unwrap().unwrap();
                let expected = first.records.iter().skip(from as usize).cloned();
                let expected: Vec<_> = expected.map(|(at, sequence, value)| (at + base, sequence, value)).collect();
                assert_eq!(rest.records, expected, "from {from}");
                assert_eq!((passed.admitted, passed.log_end), (admitted, base + 8), "from {from}");
                let map = first.pieces.iter().map(|piece| MapPiece { target: piece.target + base, ..*piece });
                assert_eq!(rest.pieces, map.collect::<Vec<_>>(), "the map is that of the whole, from {from}");
            }
        }
    }

    #[test]
    fn sequence_numbers_wrap_after_the_largest() {
        assert_eq!(sequence(0), 0);
        assert_eq!(sequence(i64::from(i32::MAX)), i32::MAX);
        assert_eq!(sequence(i64::from(i32::MAX) + 1), 0);
        assert_eq!(sequence(i64::from(i32::MAX) + 4), 3);
    }
}
