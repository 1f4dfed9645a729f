//! Reads one partition's segments and turns them into batches the target will accept, in order.
//! Runs on a blocking thread; what it hands over waits for room, so memory is bounded.

use bytes::Bytes;

use super::error::RestoreError;
use super::preserve::{InPlace, LastBatch, Producers};
use super::translate::Pieces;
use crate::batch::{
    Admission, AdmissionContext, Batch, BatchError, BatchHeader, Codec, CodecSet, DropReason, HEADER_SIZE,
    ProducerStamp, Reencoded, Run, admit, kept_runs, reencode, reencode_runs, reheader,
};
use crate::cluster::ProducerIdentity;
use crate::model::{MapPiece, OffsetRange, TopicPartition};
use crate::repository::format::SegmentList;
use crate::repository::{AbortedIndex, ModernBatch, Repository, Uncommitted};

/// What a stretch of target offsets gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A batch of records.
    Batch,
    /// Filler, which is deleted at its end: what lies below the log start.
    Filler,
    /// Markers.
    Hole {
        /// Markers that were asked for earlier may still come.
        unresolved: bool,
    },
}

/// One batch that is ready to be sent, or a stretch of offsets without records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prepared {
    /// What it is; only a batch has header and payload.
    pub kind: Kind,
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
    /// A stretch of offsets without records.
    fn stretch(kind: Kind, range: OffsetRange) -> Self {
        Self {
            kind,
            header: [0; HEADER_SIZE],
            payload: Bytes::new(),
            target_base: range.base,
            target_next: range.next,
            source_base: range.base,
            source_bytes: 0,
        }
    }

    /// Bytes on the wire.
    pub(super) fn size(&self) -> usize {
        HEADER_SIZE + self.payload.len()
    }

    /// Whether its records are compressed.
    pub(super) fn is_compressed(&self) -> bool {
        let header = BatchHeader::parse(&self.header);
        header.is_ok_and(|header| header.attributes.codec() != Some(Codec::None))
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
    /// Messages of format v0 or v1, a compressed one and those in it for one, that were written as v2 batches.
    pub converted: u64,
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
        self.converted += other.converted;
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
    /// Bytes of the largest batch that smaller ones may become: what the topic is to take at the end, and a request.
    pub batch_max: usize,
    /// Offset of the first record in the target.
    pub target_base: i64,
    /// The target's log end: what lies below is there already. Any offset from `target_base` on is right, within a
    /// batch too.
    pub from: i64,
    /// Set where source and target offsets are to be the same.
    pub preserve: Option<Preserve>,
}

/// How offsets are preserved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Preserve {
    /// Who writes what.
    pub producers: Producers,
    /// The batch before the target's log end, if it was looked at: then somebody may have written before.
    pub looked: bool,
    /// See `looked`; nothing where the log is empty or all of it is deleted.
    pub last: Option<LastBatch>,
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
    /// Whether the target's log ends no further than where it is to begin: filler may be there that is not deleted yet.
    pub(super) fn may_hold_filler(&self) -> bool {
        self.preserve.is_some() && self.from <= self.keep.base
    }

    /// Reads everything to the end. Nothing if the sink had enough before.
    pub(super) fn read(self, repository: &Repository, sink: &mut dyn Sink) -> Result<Option<Passed>, RestoreError> {
        let aborted = AbortedIndex::up_to(repository, &self.segments, self.keep.next)?;
        let mut reading = Reading {
            pieces: Pieces::new(self.target_base),
            admitted: Admitted::default(),
            complete: Vec::new(),
            passed_bytes: 0,
            in_place: self.preserve.map(|preserve| InPlace::new(preserve.producers, self.from, preserve.last)),
            handed_over: false,
            source: &self,
            aborted,
            sink,
        };
        if !reading.begin()? {
            return reading.cut_short();
        }
        for seal in repository.seals(&self.segments) {
            let seal = seal?;
            if seal.next <= self.keep.base || seal.base >= self.keep.next {
                continue;
            }
            let mut segment = repository.read_modern(&seal, self.keep.base, true)?;
            while let Some(owned) = segment.next()? {
                let bad = |source| RestoreError::Batch { object: seal.object.clone(), source };
                let batch = owned.batch().map_err(bad)?;
                if batch.base_offset() >= self.keep.next {
                    break;
                }
                if !reading.take(&owned, &batch).map_err(bad)? {
                    return reading.cut_short();
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
    passed_bytes: u64,
    in_place: Option<InPlace>,
    handed_over: bool,
    complete: Vec<MapPiece>,
    sink: &'a mut dyn Sink,
}

impl Reading<'_> {
    /// Admits one batch; what gets a new checksum is checked first. False if the sink wants no more.
    fn take(&mut self, owned: &ModernBatch, batch: &Batch<'_>) -> Result<bool, BatchError> {
        let header = batch.modern()?;
        let uncommitted = self.aborted.uncommitted(header);
        let aborted = uncommitted.is_some();
        let context = AdmissionContext { aborted, keep: self.source.keep, target_codecs: self.source.target_codecs };
        self.passed_bytes += owned.stored;
        self.admitted.converted += owned.converted;
        match admit(header, &context)? {
            Admission::Dropped(reason) => {
                self.admitted.count_dropped(reason, uncommitted);
                Ok(true)
            }
            Admission::Reheadered => {
                self.admitted.reheadered += 1;
                let runs = [Run { base: header.base_offset, count: header.record_count }];
                if self.in_place.is_some() {
                    return self.keep_in_place(batch, &runs, Some(owned.bytes.clone()));
                }
                self.admit_kept(batch, &runs, Some(owned.bytes.clone()))
            }
            Admission::Reencoded(_) if self.in_place.is_some() => {
                let runs = kept_runs(batch, self.source.keep)?;
                if runs.is_empty() {
                    self.admitted.dropped_out_of_range += 1;
                } else {
                    self.admitted.reencoded += 1;
                }
                self.keep_in_place(batch, &runs, None)
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
        let target = OffsetRange { base: base + first, next };
        let records_before = target.base - self.source.target_base;
        self.hand_over(&bytes, target, source_offset(runs, first), records_before)
    }

    fn hand_over(
        &mut self,
        bytes: &Bytes,
        target: OffsetRange,
        source_base: i64,
        records_before: i64,
    ) -> Result<bool, BatchError> {
        let stamp = ProducerStamp {
            producer_id: self.source.producer.producer_id,
            producer_epoch: self.source.producer.producer_epoch,
            base_sequence: sequence(records_before),
        };
        self.handed_over = true;
        Ok(self.sink.batch(Prepared {
            kind: Kind::Batch,
            header: reheader(bytes, stamp)?,
            payload: bytes.slice(HEADER_SIZE..),
            target_base: target.base,
            target_next: target.next,
            source_base,
            source_bytes: std::mem::take(&mut self.passed_bytes),
        }))
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

    fn finish(mut self) -> Result<Option<Passed>, RestoreError> {
        self.flush_pieces()?;
        let mut log_end = self.pieces.next_target();
        if self.in_place.is_some() {
            log_end = self.source.keep.next;
            if !self.mark_until(log_end) {
                return self.cut_short();
            }
        }
        if let Some(last) = self.pieces.finish() {
            self.sink.piece(last)?;
        }
        Ok(Some(Passed { admitted: self.admitted, log_end, rest_bytes: self.passed_bytes }))
    }
}

/// Where offsets are preserved.
impl Reading<'_> {
    /// The map is one piece, holes included: every position is the same on both sides.
    fn begin(&mut self) -> Result<bool, RestoreError> {
        let keep = self.source.keep;
        let Some(in_place) = &mut self.in_place else { return Ok(true) };
        let filler = in_place.filler(keep.base);
        if keep.next > keep.base {
            let piece = MapPiece { source: keep.base, target: keep.base, count: keep.next - keep.base };
            self.sink.passed(piece);
            self.sink.piece(piece)?;
        }
        Ok(filler.is_none_or(|range| self.hand_over_stretch(Kind::Filler, range)))
    }

    /// Hands over what is missing of the runs, each as a batch of its own, and the holes before them.
    fn keep_in_place(&mut self, batch: &Batch<'_>, runs: &[Run], whole: Option<Bytes>) -> Result<bool, BatchError> {
        let from = self.source.from;
        let there = runs.last().is_none_or(|run| run.base + i64::from(run.count) <= from);
        let untouched = runs.first().is_some_and(|run| run.base >= from);
        let mut dense = match whole.filter(|_| untouched) {
            _ if there => {
                batch.check_crc()?;
                Vec::new()
            }
            Some(bytes) => vec![bytes],
            None => self.source.dense(batch)?,
        }
        .into_iter();
        for run in runs {
            if !self.mark_until(run.base) {
                return Ok(false);
            }
            self.admitted.records += u64::from(run.count.unsigned_abs());
            let Some((first, below)) = self.in_place.as_mut().and_then(|plan| plan.records(*run)) else { continue };
            let missing = BatchError::Unfit { base_offset: batch.base_offset(), reason: "none of its records is kept" };
            let bytes = dense.next().ok_or(missing)?;
            let target = OffsetRange { base: first, next: run.base + i64::from(run.count) };
            if !self.fits() || !self.hand_over(&bytes, target, first, below)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn mark_until(&mut self, offset: i64) -> bool {
        let hole = self.in_place.as_mut().and_then(|plan| plan.hole(offset));
        let unresolved = !self.handed_over && self.source.preserve.is_some_and(|preserve| preserve.looked);
        self.fits() && hole.is_none_or(|range| self.hand_over_stretch(Kind::Hole { unresolved }, range))
    }

    fn hand_over_stretch(&mut self, kind: Kind, range: OffsetRange) -> bool {
        self.handed_over = true;
        self.fits() && self.sink.batch(Prepared::stretch(kind, range))
    }

    fn fits(&self) -> bool {
        self.in_place.as_ref().is_none_or(InPlace::fits)
    }

    /// The sink had enough, or the log is not a beginning of what is to be in it: nobody knows from where on.
    fn cut_short(&self) -> Result<Option<Passed>, RestoreError> {
        if self.fits() {
            return Ok(None);
        }
        Err(RestoreError::OutOfPlace { partition: self.source.at.clone(), planned: 0, found: self.source.from })
    }
}

impl Source {
    /// The records of a batch that are not in the target yet, a batch for each run of them.
    fn dense(&self, batch: &Batch<'_>) -> Result<Vec<Bytes>, BatchError> {
        let keep = OffsetRange { base: self.keep.base.max(self.from), next: self.keep.next };
        let written = reencode_runs(batch, keep, self.codec_for(batch)?)?;
        Ok(written.into_iter().map(|one| Bytes::from(one.bytes)).collect())
    }

    fn codec_for(&self, batch: &Batch<'_>) -> Result<Codec, BatchError> {
        let codec = batch.modern()?.attributes.codec().unwrap_or(Codec::None);
        Ok(if self.target_codecs.contains(codec) { codec } else { Codec::Gzip })
    }

    /// The records of a batch that lie in `keep`, written anew.
    fn rewritten(&self, batch: &Batch<'_>, keep: OffsetRange) -> Result<Option<Reencoded>, BatchError> {
        reencode(batch, keep, self.codec_for(batch)?)
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
mod tests;
