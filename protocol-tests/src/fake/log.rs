//! The log of one partition: what a leader knows of it, and how it grows and shrinks.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};

use super::batch::{CONTROL, Header, TRANSACTIONAL, put, records_of};
use super::producers::Producer;
use super::record::Record;
use super::release::Release;

/// One batch as it lies in the log.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its header.
    pub header: Header,
    /// All of its bytes.
    pub bytes: Bytes,
}

/// A transaction that was aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aborted {
    /// Whose.
    pub producer_id: i64,
    /// Offset of its first record.
    pub first: i64,
    /// Offset of its marker.
    pub last: i64,
}

/// A log, in one segment. An empty one takes no memory of its own, so there may be very many.
#[derive(Debug, Default, Clone)]
pub struct Log {
    start: i64,
    end: i64,
    batches: VecDeque<Stored>,
    held: Option<i64>,
    epochs: Vec<(i32, i64)>,
    open: BTreeMap<i64, i64>,
    aborted: Vec<Aborted>,
    pub(crate) producers: BTreeMap<i64, Producer>,
}

impl Log {
    /// The first offset that may be read.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The offset that the next record gets.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// What all replicas in sync have: the end, unless it is held back.
    pub fn high_watermark(&self) -> i64 {
        self.held.map_or(self.end, |held| held.min(self.end)).max(self.start)
    }

    /// The first offset of a transaction that is still open, or the high watermark.
    pub fn last_stable(&self) -> i64 {
        let open = self.open.values().min().copied().unwrap_or(i64::MAX);
        self.high_watermark().min(open).max(self.start)
    }

    /// Holds the high watermark back, or lets it go with `None`.
    pub fn hold(&mut self, at: Option<i64>) {
        self.held = at;
    }

    /// Bytes of all batches.
    pub fn size(&self) -> i64 {
        self.batches.iter().map(|batch| batch.bytes.len() as i64).sum()
    }

    /// What lies in it, from the first batch that reaches the log start.
    pub fn batches(&self) -> impl Iterator<Item = &Stored> {
        self.batches.iter()
    }

    /// Offset of the first record of each open transaction, by producer id.
    pub fn open_transactions(&self) -> &BTreeMap<i64, i64> {
        &self.open
    }

    /// What is known of a producer.
    pub fn producer(&self, id: i64) -> Option<&Producer> {
        self.producers.get(&id)
    }

    /// Forgets all producers, as after `producer.id.expiration.ms`.
    pub fn forget_producers(&mut self) {
        self.producers.clear();
    }

    /// Appends a batch as the leader does once it is judged: at the end, under its epoch. Gives its base offset.
    pub fn append(&mut self, batch: BytesMut, epoch: i32, release: Release, append_time: i64) -> Option<i64> {
        self.append_at(self.end, batch, epoch, release, append_time)
    }

    /// The same at an offset that leaves a hole before it.
    pub(crate) fn append_at(
        &mut self,
        base: i64,
        mut batch: BytesMut,
        epoch: i32,
        release: Release,
        append_time: i64,
    ) -> Option<i64> {
        let base = base.max(self.end);
        put(&mut batch, 0, &base.to_be_bytes());
        put(&mut batch, 12, &epoch.to_be_bytes());
        let header = Header::read(&batch)?;
        let stored = Stored { header, bytes: batch.freeze() };
        self.note(&stored, release, append_time);
        self.batches.push_back(stored);
        Some(base)
    }

    /// Everything but the batch itself: epochs, transactions, producers, the end.
    fn note(&mut self, stored: &Stored, release: Release, append_time: i64) {
        let header = &stored.header;
        if self.epochs.last().is_none_or(|(last, _)| *last < header.leader_epoch) {
            self.epochs.push((header.leader_epoch, header.base_offset));
        }
        self.end = header.last_offset() + 1;
        if header.producer_id < 0 {
            return;
        }
        if header.is(CONTROL) {
            self.note_marker(stored);
            return;
        }
        if header.is(TRANSACTIONAL) {
            self.open.entry(header.producer_id).or_insert(header.base_offset);
        }
        if header.sequence >= 0 {
            let fresh = || Producer::new(header.producer_epoch);
            self.producers.entry(header.producer_id).or_insert_with(fresh).remember(header, release, append_time);
        }
    }

    fn note_marker(&mut self, stored: &Stored) {
        let header = &stored.header;
        let records = records_of(&stored.bytes).unwrap_or_default();
        let record = records.first();
        let key = record.and_then(|record| record.key.as_deref()).unwrap_or_default();
        let abort = key.get(2..4) == Some(&[0, 0]);
        let value = record.and_then(|record| record.value.as_deref()).unwrap_or_default();
        let epoch = value.get(2..6).and_then(|bytes| bytes.try_into().ok()).map_or(-1, i32::from_be_bytes);
        let producer = self.producers.entry(header.producer_id).or_insert_with(|| Producer::new(header.producer_epoch));
        producer.coordinator_epoch = epoch;
        if producer.epoch != header.producer_epoch {
            producer.epoch = header.producer_epoch;
            producer.batches.clear();
        }
        producer.last_timestamp = header.max_timestamp;
        let first = self.open.remove(&header.producer_id);
        if let (true, Some(first)) = (abort, first) {
            let (producer_id, last) = (header.producer_id, header.base_offset);
            self.aborted.push(Aborted { producer_id, first, last });
        }
    }

    /// Index of the batch that holds an offset, or of the next one.
    fn position(&self, offset: i64) -> usize {
        self.batches.partition_point(|batch| batch.header.last_offset() < offset)
    }

    /// Batches from an offset on, whole ones below `until`, as their bytes lie there: cut at `most` bytes, but at least
    /// the first batch if `at_least_one`.
    pub(crate) fn read(&self, offset: i64, until: i64, most: usize, at_least_one: bool) -> Bytes {
        let from = self.position(offset);
        let mut out = BytesMut::new();
        for stored in self.batches.range(from..).take_while(|stored| stored.header.last_offset() < until) {
            let first = out.is_empty();
            let room = most.saturating_sub(out.len());
            if stored.bytes.len() > room {
                match (first, at_least_one) {
                    (true, true) => return stored.bytes.clone(),
                    (true, false) => return Bytes::new(),
                    _ => out.extend_from_slice(stored.bytes.get(..room).unwrap_or_default()),
                }
                break;
            }
            out.extend_from_slice(&stored.bytes);
        }
        out.freeze()
    }

    /// Aborted transactions that have something between two offsets.
    pub fn aborted_between(&self, from: i64, to: i64) -> impl Iterator<Item = &Aborted> {
        self.aborted.iter().filter(move |aborted| aborted.last >= from && aborted.first < to)
    }

    /// Notes that a leader began.
    pub(crate) fn begin_epoch(&mut self, epoch: i32) {
        if self.epochs.last().is_none_or(|(last, _)| *last < epoch) {
            self.epochs.retain(|(_, start)| *start < self.end);
            self.epochs.push((epoch, self.end));
        }
    }

    /// The latest epoch not above `epoch`, and where the next one begins (Kafka class `LeaderEpochFileCache`).
    pub fn epoch_end(&self, epoch: i32) -> (i32, i64) {
        let after = self.epochs.partition_point(|(known, _)| *known <= epoch);
        let end = self.epochs.get(after).map_or(self.end, |(_, start)| *start);
        match after.checked_sub(1).and_then(|at| self.epochs.get(at)) {
            _ if self.epochs.last().is_none_or(|(newest, _)| epoch > *newest) => (-1, -1),
            Some((found, _)) => (*found, end),
            None => (epoch, end),
        }
    }

    /// The epoch of the last batch, -1 if there was none.
    pub fn last_epoch(&self) -> i32 {
        self.epochs.last().map_or(-1, |(epoch, _)| *epoch)
    }

    /// The epoch under which an offset was written, -1 if unknown.
    pub fn epoch_of(&self, offset: i64) -> i32 {
        let after = self.epochs.partition_point(|(_, start)| *start <= offset);
        after.checked_sub(1).and_then(|at| self.epochs.get(at)).map_or(-1, |(epoch, _)| *epoch)
    }

    /// The first record below `until` that is not older, with its time.
    pub fn at_time(&self, time: i64, until: i64) -> Option<(i64, i64)> {
        let mut newer = self.batches.iter().filter(|batch| batch.header.max_timestamp >= time);
        newer
            .find_map(|batch| {
                let records = records_of(&batch.bytes)?;
                let fits = |record: &&Record| record.timestamp >= time && record.offset >= self.start;
                records.iter().find(fits).map(|record| (record.offset, record.timestamp))
            })
            .filter(|(offset, _)| *offset < until)
    }

    /// Moves the log start; batches wholly below it go.
    pub fn trim(&mut self, start: i64) {
        self.start = self.start.max(start.min(self.end));
        let gone = self.position(self.start);
        self.batches.drain(..gone);
        let start = self.start;
        self.aborted.retain(|aborted| aborted.last >= start);
        while matches!(self.epochs.as_slice(), [_, (_, next), ..] if *next <= start) {
            self.epochs.remove(0);
        }
    }

    /// Loses everything from an offset on, as an unclean election does. Batches stay whole.
    pub fn truncate(&mut self, end: i64, release: Release) {
        let kept = self.batches.partition_point(|batch| batch.header.last_offset() < end);
        self.batches.truncate(kept);
        self.rebuild(release);
    }

    /// Loses everything, and begins again at an offset.
    pub fn wipe(&mut self, start: i64) {
        *self = Self { start, end: start, ..Self::default() };
    }

    /// Replaces what the log holds, as compaction does: offsets stay where they are.
    pub fn rewrite(&mut self, change: impl Fn(&Stored) -> Option<Bytes>) {
        let changed = self.batches.iter().filter_map(|stored| {
            let bytes = change(stored)?;
            Some(Stored { header: Header::read(&bytes)?, bytes })
        });
        self.batches = changed.collect();
    }

    /// Knows again what it knew after the batches that are left.
    fn rebuild(&mut self, release: Release) {
        let batches = std::mem::take(&mut self.batches);
        let held = self.held;
        *self = Self { start: self.start, end: self.start, held, ..Self::default() };
        for stored in batches {
            self.note(&stored, release, -1);
            self.batches.push_back(stored);
        }
    }
}
