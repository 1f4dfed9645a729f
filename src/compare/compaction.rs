//! Records that a compacted topic does not show any more: fine if a later record has the same key.

use std::collections::HashMap;

use crate::batch::Record;

/// Keys that are remembered at a time; a digest and some numbers each.
const KEYS_MAX: usize = 1 << 18;

/// A record that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost {
    /// Its offset in the snapshot.
    pub source: i64,
    /// The offset that it should have in the cluster.
    pub target: i64,
}

/// Missing records of a compacted partition that wait for a later one with the same key.
#[derive(Debug, Default)]
pub(super) struct Compaction {
    waiting: HashMap<[u8; 16], (Lost, u64)>,
    /// Records whose key could not be remembered any more.
    pub(super) unjudged: u64,
    /// Records that compaction took rightly.
    pub(super) taken: u64,
}

impl Compaction {
    /// Whether keys of later records matter.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A record of the snapshot is not there. A tombstone may go by itself, and takes those before it along; a record
    /// without a key is never kept.
    pub(super) fn miss(&mut self, record: &Record<'_>, lost: Lost) {
        let Some(key) = record.key.map(digest) else {
            self.taken += 1;
            return;
        };
        if record.value.is_none() {
            self.taken += 1;
            self.settle(key);
            return;
        }
        if self.waiting.len() >= KEYS_MAX && !self.waiting.contains_key(&key) {
            self.unjudged += 1;
            return;
        }
        self.waiting.entry(key).or_insert((lost, 0)).1 += 1;
    }

    /// The cluster shows a record.
    pub(super) fn see(&mut self, record: &Record<'_>) {
        if let (true, Some(key)) = (self.is_waiting(), record.key) {
            self.settle(digest(key));
        }
    }

    fn settle(&mut self, key: [u8; 16]) {
        if let Some((_, count)) = self.waiting.remove(&key) {
            self.taken += count;
        }
    }

    /// What nothing later explains: the first of them, and how many.
    pub(super) fn unexplained(&self) -> Option<(Lost, u64)> {
        let first = self.waiting.values().map(|(lost, _)| *lost).min_by_key(|lost| lost.source)?;
        Some((first, self.waiting.values().map(|(_, count)| count).sum()))
    }
}

fn digest(key: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.iter_mut().zip(blake3::hash(key).as_bytes()).for_each(|(to, from)| *to = *from);
    short
}
