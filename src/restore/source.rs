//! Reads one partition's segments and turns them into batches the target will accept, in order.
//! Runs on a blocking thread; what it hands over waits for room, so memory is bounded.

use bytes::Bytes;

use super::error::RestoreError;
use super::translate::Pieces;
use crate::batch::{
    Admission, AdmissionContext, Batch, Codec, CodecSet, DropReason, HEADER_SIZE, ProducerStamp, Run, admit, reencode,
    reheader,
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
    /// Source offset of its first record.
    pub source_base: i64,
    /// Bytes of the stored batches that it stands for, dropped ones before it included.
    pub source_bytes: u64,
}

impl Prepared {
    /// Bytes on the wire.
    pub(super) fn size(&self) -> usize {
        HEADER_SIZE + self.payload.len()
    }
}

/// How many batches met which fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
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
#[derive(Debug)]
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
}

impl Source {
    /// Reads everything to the end, or until the sink has had enough. Returns what was admitted.
    pub(super) fn read(self, repository: &Repository, sink: &mut dyn Sink) -> Result<Admitted, RestoreError> {
        let aborted = AbortedIndex::up_to(repository, &self.segments, self.keep.next)?;
        let mut reading = Reading {
            pieces: Pieces::new(self.target_base),
            admitted: Admitted::default(),
            complete: Vec::new(),
            skipped_bytes: 0,
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
                    return Ok(reading.admitted);
                }
                reading.flush_pieces()?;
            }
        }
        reading.finish()
    }
}

struct Reading<'a> {
    source: &'a Source,
    aborted: AbortedIndex,
    pieces: Pieces,
    admitted: Admitted,
    skipped_bytes: u64,
    complete: Vec<MapPiece>,
    sink: &'a mut dyn Sink,
}

impl Reading<'_> {
    /// Admits one batch; what gets a new checksum is checked first. False if the sink wants no more.
    fn take(&mut self, owned: &OwnedBatch, batch: &Batch<'_>) -> Result<bool, crate::batch::BatchError> {
        let header = batch.modern()?;
        let uncommitted = self.aborted.uncommitted(header);
        let aborted = uncommitted.is_some();
        let context = AdmissionContext { aborted, keep: self.source.keep, target_codecs: self.source.target_codecs };
        let size = owned.bytes.len() as u64;
        match admit(header, &context)? {
            Admission::Dropped(reason) => {
                self.admitted.count_dropped(reason, uncommitted);
                self.skipped_bytes += size;
                Ok(true)
            }
            Admission::Reheadered => {
                self.admitted.reheadered += 1;
                let run = Run { base: header.base_offset, count: header.record_count };
                Ok(self.hand_over(&owned.bytes, &[run], size)?)
            }
            Admission::Reencoded(_) => {
                let codec = self.codec_for(header.attributes.codec().unwrap_or(Codec::None));
                let Some(written) = reencode(batch, self.source.keep, codec)? else {
                    self.admitted.dropped_out_of_range += 1;
                    self.skipped_bytes += size;
                    return Ok(true);
                };
                self.admitted.reencoded += 1;
                Ok(self.hand_over(&Bytes::from(written.bytes), &written.runs, size)?)
            }
        }
    }

    fn codec_for(&self, codec: Codec) -> Codec {
        if self.source.target_codecs.contains(codec) { codec } else { Codec::Gzip }
    }

    fn hand_over(&mut self, bytes: &Bytes, runs: &[Run], source_bytes: u64) -> Result<bool, crate::batch::BatchError> {
        let target_base = self.pieces.next_target();
        let sent = target_base - self.source.target_base;
        let stamp = ProducerStamp {
            producer_id: self.source.producer.producer_id,
            producer_epoch: self.source.producer.producer_epoch,
            // Sequence numbers count records and wrap after the largest i32 (Kafka class `DefaultRecordBatch`).
            base_sequence: (sent & i64::from(i32::MAX)) as i32,
        };
        let header = reheader(bytes, stamp)?;
        for run in runs {
            let (piece, complete) = self.pieces.add(*run);
            self.sink.passed(piece);
            self.complete.extend(complete);
        }
        self.admitted.records += (self.pieces.next_target() - target_base) as u64;
        let prepared = Prepared {
            header,
            payload: bytes.slice(HEADER_SIZE..),
            target_base,
            source_base: runs.first().map_or(-1, |run| run.base),
            source_bytes: source_bytes + std::mem::take(&mut self.skipped_bytes),
        };
        Ok(self.sink.batch(prepared))
    }

    fn flush_pieces(&mut self) -> Result<(), RestoreError> {
        for piece in self.complete.drain(..) {
            self.sink.piece(piece)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Admitted, RestoreError> {
        self.flush_pieces()?;
        if let Some(last) = self.pieces.finish() {
            self.sink.piece(last)?;
        }
        Ok(self.admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TopicName;
    use crate::repository::testing::{self, batch, marker, transactional};
    use crate::store::MemoryStore;

    #[derive(Default)]
    struct Taken(Vec<i64>);

    impl Sink for Taken {
        fn batch(&mut self, batch: Prepared) -> bool {
            self.0.push(batch.source_base);
            true
        }

        fn passed(&mut self, _piece: MapPiece) {}

        fn piece(&mut self, _piece: MapPiece) -> Result<(), RestoreError> {
            Ok(())
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
        let source = Source {
            at: TopicPartition::new(TopicName::new("orders").unwrap(), 0),
            segments: SegmentList { parts: Vec::new(), tail: seals.to_vec() },
            keep: OffsetRange { base: 0, next: 23 },
            producer: ProducerIdentity { producer_id: 1, producer_epoch: 0 },
            target_codecs: CodecSet::ALL,
            target_base: 0,
        };
        let mut taken = Taken::default();
        let admitted = source.read(&repository, &mut taken).unwrap();
        assert_eq!(taken.0, [1, 20]);
        assert_eq!((admitted.dropped_aborted, admitted.dropped_lost, admitted.dropped_open), (1, 1, 1));
        assert_eq!((admitted.records, admitted.dropped_control), (2, 2));
    }
}
