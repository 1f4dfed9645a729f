//! What a segment's bytes say about themselves: the part of a seal that a second look at them must find again.

use crate::model::Timestamp;
use crate::repository::format::{AbortedTransaction, EpochStart, IndexEntry, OpenTransaction, Seal};

/// What a scan found. Fields are those of [`Seal`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the field of the same name in Seal")]
pub struct Facts {
    pub base: i64,
    pub next: i64,
    pub size: u64,
    pub batches: u64,
    pub records: u64,
    pub max_batch: u64,
    pub min_timestamp: Timestamp,
    pub max_timestamp: Timestamp,
    pub codecs: Vec<u8>,
    pub legacy_batches: u64,
    pub leader_epochs: Vec<EpochStart>,
    pub aborted: Vec<AbortedTransaction>,
    pub committed: u64,
    pub open: Vec<OpenTransaction>,
    pub last_batch_header: String,
    pub last_batch_base: i64,
    pub index: Vec<IndexEntry>,
}

impl Facts {
    /// What a seal claims.
    pub fn of(seal: &Seal) -> Self {
        Self {
            base: seal.base,
            next: seal.next,
            size: seal.size,
            batches: seal.batches,
            records: seal.records,
            max_batch: seal.max_batch,
            min_timestamp: seal.min_timestamp,
            max_timestamp: seal.max_timestamp,
            codecs: seal.codecs.clone(),
            legacy_batches: seal.legacy_batches,
            leader_epochs: seal.leader_epochs.clone(),
            aborted: seal.aborted.clone(),
            committed: seal.committed,
            open: seal.open.clone(),
            last_batch_header: seal.last_batch_header.clone(),
            last_batch_base: seal.last_batch_base,
            index: seal.index.clone(),
        }
    }

    /// Names of the fields in which a second scan differs. When something was fetched cannot be found again.
    pub fn differences(&self, found: &Self) -> Vec<&'static str> {
        let place = |entry: &IndexEntry| (entry.offset, entry.position, entry.timestamp);
        let index = self.index.iter().map(place).eq(found.index.iter().map(place));
        let fields = [
            ("base", self.base == found.base),
            ("next", self.next == found.next),
            ("size", self.size == found.size),
            ("batches", self.batches == found.batches),
            ("records", self.records == found.records),
            ("max_batch", self.max_batch == found.max_batch),
            ("min_timestamp", self.min_timestamp == found.min_timestamp),
            ("max_timestamp", self.max_timestamp == found.max_timestamp),
            ("codecs", self.codecs == found.codecs),
            ("legacy_batches", self.legacy_batches == found.legacy_batches),
            ("leader_epochs", self.leader_epochs == found.leader_epochs),
            ("aborted", self.aborted == found.aborted),
            ("committed", self.committed == found.committed),
            ("open", self.open == found.open),
            ("last_batch_header", self.last_batch_header == found.last_batch_header),
            ("last_batch_base", self.last_batch_base == found.last_batch_base),
            ("index", index),
        ];
        fields.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }
}
