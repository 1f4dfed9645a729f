//! One look at a segment's batches, in order. The writer takes it on the way in, verify again on the bytes that lie
//! there; both must find the same.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Facts;
use crate::batch::{Batch, BatchError, HEADER_SIZE, Marker, marker};
use crate::model::Timestamp;
use crate::repository::format::{AbortedTransaction, EpochStart, IndexEntry, OpenTransaction};

/// Plain bytes between two entries of the sparse index, at least.
const INDEX_BYTES: u64 = 4 << 20;
/// Milliseconds of fetching between two entries, at most: what [`Repository::observed_until`] can tell apart.
///
/// [`Repository::observed_until`]: crate::repository::Repository::observed_until
pub(super) const INDEX_MILLIS: u64 = 10_000;

/// Why a batch cannot be the next of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanFault {
    /// Its checksum does not fit, or a marker in it cannot be read.
    Batch(BatchError),
    /// Its offsets do not follow.
    OutOfOrder {
        /// Smallest base offset that could follow.
        expected: i64,
        /// Its base offset.
        found: i64,
    },
}

/// When batches were fetched, as far as the index of a seal tells: so that a second scan finds the same index.
#[derive(Debug)]
pub struct Observed<'a> {
    rest: &'a [IndexEntry],
    last: Timestamp,
}

impl<'a> Observed<'a> {
    /// Begins before the first batch.
    pub fn of(index: &'a [IndexEntry]) -> Self {
        Self { rest: index, last: Timestamp(-1) }
    }

    /// Of the batch at this position of the plain log. Positions ascend.
    pub fn at(&mut self, position: u64) -> Timestamp {
        while let Some((entry, rest)) = self.rest.split_first().filter(|(entry, _)| entry.position <= position) {
            self.rest = rest;
            if entry.position == position {
                self.last = entry.observed;
            }
        }
        self.last
    }
}

/// What was found so far.
#[derive(Debug)]
pub struct Scan {
    facts: Facts,
    codecs: u8,
    open: BTreeMap<i64, i64>,
    last_header: [u8; HEADER_SIZE],
    last_header_size: usize,
    indexed: u64,
}

impl Scan {
    /// Begins before the first batch, with the transactions that are open there.
    pub fn new(carried: &[OpenTransaction]) -> Self {
        Self {
            facts: Facts {
                base: -1,
                next: -1,
                size: 0,
                batches: 0,
                records: 0,
                max_batch: 0,
                min_timestamp: Timestamp(-1),
                max_timestamp: Timestamp(-1),
                codecs: Vec::new(),
                legacy_batches: 0,
                leader_epochs: Vec::new(),
                aborted: Vec::new(),
                committed: 0,
                open: Vec::new(),
                last_batch_header: String::new(),
                last_batch_base: -1,
                index: Vec::new(),
            },
            codecs: 0,
            open: carried.iter().map(|open| (open.producer_id, open.first)).collect(),
            last_header: [0; HEADER_SIZE],
            last_header_size: 0,
            indexed: 0,
        }
    }

    /// Plain bytes so far: the position of the next batch.
    pub fn size(&self) -> u64 {
        self.facts.size
    }

    /// First offset of the first batch, -1 before it.
    pub fn base(&self) -> i64 {
        self.facts.base
    }

    /// First offset after the last batch, -1 before the first.
    pub fn next_offset(&self) -> i64 {
        self.facts.next
    }

    /// Takes the next batch, fetched at `observed`. One that is refused leaves the scan as it was. Who scans again gives
    /// the times that the index has, see [`Observed`].
    pub fn add(&mut self, batch: &Batch<'_>, observed: Timestamp) -> Result<(), ScanFault> {
        batch.check_crc().map_err(ScanFault::Batch)?;
        self.add_checked(batch, observed)
    }

    /// The same for a batch whose checksum is known to fit, or does not matter.
    pub fn add_checked(&mut self, batch: &Batch<'_>, observed: Timestamp) -> Result<(), ScanFault> {
        let base = batch.base_offset();
        if base < self.facts.next {
            return Err(ScanFault::OutOfOrder { expected: self.facts.next, found: base });
        }
        self.transaction(batch)?;
        self.times(batch);
        self.entry(batch, observed);
        let (first, records) = batch.extent();
        let facts = &mut self.facts;
        if facts.batches == 0 {
            facts.base = first;
        }
        let epoch = batch.leader_epoch();
        if facts.leader_epochs.last().is_none_or(|last| last.epoch != epoch) {
            facts.leader_epochs.push(EpochStart { epoch, base });
        }
        let size = batch.bytes().len() as u64;
        facts.next = batch.next_offset();
        facts.size += size;
        facts.batches += 1;
        facts.records += records;
        facts.max_batch = facts.max_batch.max(size);
        facts.legacy_batches += u64::from(batch.is_legacy());
        facts.last_batch_base = base;
        self.codecs |= 1 << batch.codec_code();
        self.last_header_size = HEADER_SIZE.min(batch.bytes().len());
        for (to, from) in self.last_header.iter_mut().zip(batch.bytes()) {
            *to = *from;
        }
        Ok(())
    }

    /// What was found in all.
    pub fn finish(self) -> Facts {
        let mut facts = self.facts;
        facts.codecs = (0..8).filter(|code| self.codecs & 1 << code != 0).collect();
        facts.open = self.open.into_iter().map(|(producer_id, first)| OpenTransaction { producer_id, first }).collect();
        for byte in self.last_header.iter().take(self.last_header_size) {
            // Writing to a string cannot fail.
            let _ = write!(facts.last_batch_header, "{byte:02x}");
        }
        facts
    }

    /// A transaction opens with its first data and ends with its marker. A marker without data is fine: aborting a
    /// transaction that wrote nothing here, or data that lies before everything in the repository.
    fn transaction(&mut self, batch: &Batch<'_>) -> Result<(), ScanFault> {
        let Some(header) = batch.header().filter(|header| header.attributes.transactional()) else { return Ok(()) };
        let producer_id = header.producer_id;
        if !header.attributes.control() {
            self.open.entry(producer_id).or_insert(header.base_offset);
            return Ok(());
        }
        match marker(batch).map_err(ScanFault::Batch)? {
            Some(Marker::Commit) => {
                self.open.remove(&producer_id);
                self.facts.committed += 1;
            }
            // Compaction empties a marker only when none of its transaction's data is left in the log: data that we
            // have and the source no longer shows is as good as aborted.
            Some(Marker::Abort) | None => {
                if let Some(first) = self.open.remove(&producer_id) {
                    self.facts.aborted.push(AbortedTransaction { producer_id, first, marker: header.base_offset });
                }
            }
            Some(Marker::Other) => {}
        }
        Ok(())
    }

    fn times(&mut self, batch: &Batch<'_>) {
        let facts = &mut self.facts;
        let (min, max) = (Timestamp(batch.min_timestamp()), Timestamp(batch.max_timestamp()));
        if min.0 >= 0 && (facts.min_timestamp.0 < 0 || min < facts.min_timestamp) {
            facts.min_timestamp = min;
        }
        facts.max_timestamp = facts.max_timestamp.max(max);
    }

    fn entry(&mut self, batch: &Batch<'_>, observed: Timestamp) {
        let facts = &mut self.facts;
        let is_later = |last: &IndexEntry| observed.0.abs_diff(last.observed.0) >= INDEX_MILLIS;
        if facts.index.last().is_none_or(is_later) || facts.size - self.indexed >= INDEX_BYTES {
            self.indexed = facts.size;
            let (offset, position, timestamp) = (batch.base_offset(), facts.size, facts.max_timestamp);
            facts.index.push(IndexEntry { offset, position, timestamp, observed });
        }
    }
}
