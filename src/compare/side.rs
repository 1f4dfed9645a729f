//! One side of a comparison: batches in order, taken apart only where that is needed.

use bytes::Bytes;

use crate::batch::{Batch, BatchError, BatchHeader, HEADER_SIZE, Place, Record, Records, records};
use crate::model::OffsetRange;
use crate::repository::RepositoryError;

/// Why the comparison of a partition ends before its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// The repository cannot be read: that ends the whole comparison.
    Stored(RepositoryError),
    /// The cluster serves something that nobody can read: a difference.
    Unreadable {
        /// Offset from which on.
        offset: i64,
        /// What is wrong.
        detail: String,
    },
    /// The rest cannot be compared, and why.
    NotCompared(String),
    /// The person gave up.
    Cancelled,
}

/// Where batches come from.
pub(super) trait Batches {
    /// The next batch of format v2 that holds what a reader of committed records sees, its checksum checked.
    fn next(&mut self) -> Result<Option<Bytes>, Halt>;

    /// What it means here that the records of the batch given out last cannot be read.
    fn broken(&self, fault: &BatchError) -> Halt;

    /// Offsets below are not there any more.
    fn log_start(&self) -> i64 {
        i64::MIN
    }
}

/// The records of one side whose offsets lie in a range.
#[derive(Debug)]
pub(super) struct Side<B> {
    pub(super) batches: B,
    range: OffsetRange,
    current: Option<Current>,
    ended: bool,
}

/// The batch that is looked at.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) bytes: Bytes,
    pub(super) header: BatchHeader,
    /// Its records and how many have passed, once they were needed.
    reading: Option<(Records<'static>, Place)>,
}

impl Current {
    pub(super) fn payload(&self) -> &[u8] {
        self.bytes.get(HEADER_SIZE..).unwrap_or_default()
    }
}

impl<B: Batches> Side<B> {
    pub(super) fn new(batches: B, range: OffsetRange) -> Self {
        Self { batches, range, current: None, ended: false }
    }

    /// The current batch, if none of it was taken apart so far and all of it is in the range.
    pub(super) fn untouched(&mut self) -> Result<Option<&Current>, Halt> {
        self.fill()?;
        let range = self.range;
        let whole = |current: &&Current| {
            current.reading.is_none()
                && current.header.base_offset >= range.base
                && current.header.next_offset() <= range.next
        };
        Ok(self.current.as_ref().filter(whole))
    }

    /// The current batch is done with.
    pub(super) fn pass_batch(&mut self) {
        self.current = None;
    }

    /// Finds the next record in the range; false where there is none.
    pub(super) fn settle(&mut self) -> Result<bool, Halt> {
        loop {
            self.fill()?;
            let Some(current) = &mut self.current else { return Ok(false) };
            if current.header.base_offset >= self.range.next {
                return Ok(false);
            }
            if current.reading.is_none() {
                let taken = Batch::parse(&current.bytes).and_then(|batch| Ok(records(&batch)?.into_owned()));
                current.reading = Some((taken.map_err(|fault| self.batches.broken(&fault))?, Place::START));
            }
            let Some((records, place)) = &mut current.reading else { return Ok(false) };
            let inside =
                current.header.base_offset >= self.range.base && current.header.next_offset() <= self.range.next;
            if inside && place.passed() < current.header.record_count {
                return Ok(true);
            }
            let mut iter = records.iter_from(*place);
            match iter.next().transpose().map_err(|fault| self.batches.broken(&fault))? {
                None => self.current = None,
                Some(record) if record.offset >= self.range.next => return Ok(false),
                Some(record) if record.offset >= self.range.base => return Ok(true),
                Some(_) => *place = iter.place(records),
            }
        }
    }

    /// The record that [`Side::settle`] found, and the place after it.
    pub(super) fn record(&self) -> Result<(Record<'_>, Place), Halt> {
        let lost = || Halt::NotCompared("a record was lost between two looks at it".to_owned());
        let (records, place) = self.current.as_ref().and_then(|current| current.reading.as_ref()).ok_or_else(lost)?;
        let mut iter = records.iter_from(*place);
        let record = iter.next().ok_or_else(lost)?.map_err(|fault| self.batches.broken(&fault))?;
        Ok((record, iter.place(records)))
    }

    /// The record before the place is done with.
    pub(super) fn advance(&mut self, to: Place) {
        if let Some((_, place)) = self.current.as_mut().and_then(|current| current.reading.as_mut()) {
            *place = to;
        }
    }

    /// From now on records behind the range count as well.
    pub(super) fn open_end(&mut self) {
        self.range.next = i64::MAX;
    }

    fn fill(&mut self) -> Result<(), Halt> {
        while self.current.is_none() && !self.ended {
            let Some(bytes) = self.batches.next()? else {
                self.ended = true;
                break;
            };
            let header = BatchHeader::parse(&bytes).map_err(|fault| self.batches.broken(&fault))?;
            if header.record_count > 0 && header.next_offset() > self.range.base {
                self.current = Some(Current { bytes, header, reading: None });
            }
        }
        Ok(())
    }
}
