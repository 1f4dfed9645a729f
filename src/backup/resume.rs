//! Where a partition's backup goes on: what the last snapshot and killed runs left, and whether it still holds.
//!
//! A lineage is one unbroken history. It is left, and the partition read again from its log start, when the stored
//! end is not part of the log any more (truncation), when a compacted log may have lost tombstones meanwhile, or when
//! the newest segment is missing from the repository.

use crate::model::{OffsetRange, Timestamp};
use crate::repository::format::{MissingRange, OpenTransaction, Seal, SegmentList};

/// What is stored of one partition so far, from the last snapshot and from runs that were killed after it.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Its lineage.
    pub lineage: u32,
    /// Where the lineage began.
    pub first: i64,
    /// Up to where it is stored.
    pub next: i64,
    /// When the data was last known to be the log as it was: the last fence, or the first seal of a killed run that
    /// began a lineage.
    pub fenced: Option<Timestamp>,
    /// Segments of the snapshot.
    pub segments: SegmentList,
    /// Offsets already known to be missing.
    pub missing: Vec<MissingRange>,
    /// The newest of those segments.
    pub last: Option<Seal>,
    /// The newest segment is not there any more, or not whole: nothing may build on it.
    pub damaged: bool,
    /// Seals taken over from killed runs, ascending.
    pub taken_over: Vec<Seal>,
}

impl Stored {
    /// The newest seal: what continuity is proved by.
    pub fn last_seal(&self) -> Option<&Seal> {
        self.taken_over.last().or(self.last.as_ref())
    }

    /// Below which every transaction has ended. As a last stable offset that never falls, unless the log is cut.
    fn decided(&self) -> i64 {
        let Some(last) = self.last_seal() else { return i64::MIN };
        last.open.iter().map(|one| one.first).min().unwrap_or(last.next)
    }

    /// Takes over seals of killed runs: those that continue this lineage, or a whole newer lineage.
    pub fn take_over(&mut self, mut seals: Vec<Seal>) {
        seals.sort_by_key(|seal| (seal.lineage, seal.base, seal.next));
        for seal in seals {
            if seal.lineage > self.lineage || (self.last_seal().is_none() && self.fenced.is_none()) {
                *self = Self {
                    lineage: seal.lineage,
                    first: seal.base,
                    next: seal.base,
                    fenced: Some(seal.index.first().map_or(seal.observed, |entry| entry.observed)),
                    ..Self::default()
                };
            } else if seal.lineage < self.lineage {
                continue;
            }
            if self.continues(&seal) {
                self.next = seal.next;
                self.taken_over.push(seal);
            }
        }
    }

    /// A killed run went on exactly where this ends: from the same offset, or past offsets that hold no batch,
    /// handing over the same open transactions.
    fn continues(&self, seal: &Seal) -> bool {
        let open = self.last_seal().map_or(&[][..], |last| &last.open);
        seal.base >= self.next && seal.carried == open
    }
}

/// What the broker says of a partition now.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// First offset.
    pub log_start: i64,
    /// Where the first transaction begins that is still open, or `high_watermark`.
    pub last_stable: i64,
    /// Where the log ends as far as it is replicated.
    pub high_watermark: i64,
    /// The wall clock.
    pub time: Timestamp,
    /// Smallest `delete.retention.ms` since the last fence, where the topic is or was compacted.
    pub delete_retention_ms: Option<i64>,
}

/// How a partition is continued.
#[derive(Debug, Clone)]
pub struct Continuation {
    /// Lineage to write into.
    pub lineage: u32,
    /// Why the former lineage was left, if it was.
    pub broken: Option<Broken>,
    /// Where the lineage begins.
    pub first: i64,
    /// First offset that is not stored.
    pub next: i64,
    /// Header of the last stored batch, to be found again at its base offset before anything is appended.
    pub proof: Option<Proof>,
    /// Transactions open at `next`.
    pub open: Vec<OpenTransaction>,
    /// Segments so far.
    pub segments: SegmentList,
    /// Seals of killed runs that continue them.
    pub taken_over: Vec<Seal>,
    /// Offsets that are not stored.
    pub missing: Vec<MissingRange>,
    /// Offsets that retention took since the last run, which is normal.
    pub expired: Option<OffsetRange>,
}

/// The last stored batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Its base offset.
    pub base: i64,
    /// First offset after it.
    pub next: i64,
    /// Its 61 header bytes, hexadecimal.
    pub header: String,
    /// Leader epoch under which it was written; -1 if unknown.
    pub leader_epoch: i32,
    /// Compaction may have thinned or removed the batch: then the epochs alone decide.
    pub compacted: bool,
}

/// Why a lineage was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The log ends before what is stored, or holds something else there.
    Truncated,
    /// Tombstones written after the last fence may have come and gone.
    TombstonesMayBeGone,
    /// The newest segment is not in the repository any more, or not whole.
    SegmentMissing,
}

impl Continuation {
    /// Decides from the two sides. Without anything stored, lineage 0 begins at the log start.
    pub fn new(stored: Option<Stored>, now: Now) -> Self {
        let Some(stored) = stored else { return Self::begin(0, None, now.log_start) };
        if stored.damaged {
            return Self::begin(stored.lineage + 1, Some(Broken::SegmentMissing), now.log_start);
        }
        if stored.next > now.high_watermark.max(now.log_start) || stored.decided() > now.last_stable.max(now.log_start)
        {
            return Self::begin(stored.lineage + 1, Some(Broken::Truncated), now.log_start);
        }
        if tombstones_may_be_gone(stored.fenced, stored.next, now) {
            return Self::begin(stored.lineage + 1, Some(Broken::TombstonesMayBeGone), now.log_start);
        }
        Self::go_on(stored, now)
    }

    /// The same partition from its log start, in a new lineage.
    pub fn begin_again(&self, reason: Broken, log_start: i64) -> Self {
        Self::begin(self.lineage + 1, Some(reason), log_start)
    }

    fn begin(lineage: u32, broken: Option<Broken>, log_start: i64) -> Self {
        Self {
            lineage,
            broken,
            first: log_start,
            next: log_start,
            proof: None,
            open: Vec::new(),
            segments: SegmentList::default(),
            taken_over: Vec::new(),
            missing: Vec::new(),
            expired: None,
        }
    }

    fn go_on(stored: Stored, now: Now) -> Self {
        let last = stored.last_seal();
        let proof = last.map(|seal| Proof {
            base: seal.last_batch_base,
            next: seal.next,
            header: seal.last_batch_header.clone(),
            leader_epoch: seal.leader_epochs.last().map_or(-1, |start| start.epoch),
            compacted: now.delete_retention_ms.is_some(),
        });
        let expired = OffsetRange { base: stored.next, next: now.log_start };
        Self {
            lineage: stored.lineage,
            broken: None,
            first: stored.first,
            next: stored.next.max(now.log_start),
            open: last.map(|seal| seal.open.clone()).unwrap_or_default(),
            proof,
            segments: trim(stored.segments, now.log_start),
            taken_over: stored.taken_over,
            missing: stored.missing.into_iter().filter(|one| one.range.next > now.log_start).collect(),
            expired: (expired.base < expired.next).then_some(expired),
        }
    }
}

/// A tombstone lives at least `delete.retention.ms` after it is written, so one written after the last fence can
/// only have gone if that is about as long ago. A tenth, or five minutes, is kept for the run itself and for clocks that differ.
/// Where the clock was set back since, nobody knows how long ago that is.
fn tombstones_may_be_gone(fenced: Option<Timestamp>, next: i64, now: Now) -> bool {
    let (Some(retention), Some(fenced)) = (now.delete_retention_ms, fenced) else { return false };
    // Whatever is written lies above the stored end: where nothing was, no tombstone was.
    if now.high_watermark <= next {
        return false;
    }
    let margin = (retention / 10).max(5 * 60 * 1000);
    let since = now.time.0.saturating_sub(fenced.0);
    since < 0 || since.saturating_add(margin) >= retention
}

/// Forgets segments wholly below the log start: a snapshot holds what the source showed.
fn trim(mut segments: SegmentList, log_start: i64) -> SegmentList {
    let newest = segments.tail.pop();
    segments.parts.retain(|part| part.next > log_start);
    segments.tail.retain(|seal| seal.next > log_start);
    // The newest stays even if expired: continuity is proved by it, and it carries the open transactions.
    segments.tail.extend(newest);
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing;
    use crate::store::MemoryStore;

    const HOUR: i64 = 3_600_000;

    fn seal(lineage: u32, base: i64, next: i64) -> Seal {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(testing::CLUSTER).unwrap();
        let batches: Vec<_> = (base..next).map(|offset| testing::batch(offset, 1)).collect();
        let seal = testing::segment(&repository, &run, testing::start("orders", 0, &run, None), &batches);
        Seal { lineage, ..seal }
    }

    fn stored(next: i64) -> Stored {
        let last = seal(0, 0, next);
        Stored {
            next,
            fenced: Some(Timestamp(0)),
            segments: SegmentList { parts: Vec::new(), tail: vec![last.clone()] },
            last: Some(last),
            ..Stored::default()
        }
    }

    fn now(log_start: i64, fence: i64) -> Now {
        let (last_stable, high_watermark) = (fence, fence);
        Now { log_start, last_stable, high_watermark, time: Timestamp(0), delete_retention_ms: None }
    }

    #[test]
    fn the_first_run_begins_at_the_log_start() {
        let first = Continuation::new(None, now(40, 90));
        assert_eq!((first.lineage, first.first, first.next, first.broken), (0, 40, 40, None));
        assert!(first.proof.is_none());
    }

    #[test]
    fn a_run_goes_on_after_the_last_sealed_offset_and_proves_it() {
        let next = Continuation::new(Some(stored(50)), now(0, 90));
        assert_eq!((next.lineage, next.next, next.broken), (0, 50, None));
        assert_eq!(next.proof.map(|proof| (proof.base, proof.next)), Some((49, 50)));
        assert!(next.missing.is_empty());
    }

    #[test]
    fn what_expired_between_two_runs_is_noted_and_forgotten_once_it_is_below_the_log_start() {
        let mut past = stored(50);
        past.missing.push(MissingRange { range: OffsetRange { base: 5, next: 9 }, gap: true });
        let next = Continuation::new(Some(past), now(60, 90));
        assert_eq!((next.next, next.broken), (60, None));
        assert_eq!(next.expired, Some(OffsetRange { base: 50, next: 60 }));
        assert!(next.missing.is_empty(), "the log start itself says that nothing below it is there");
        assert_eq!(next.segments.tail.len(), 1, "the newest seal stays to prove continuity");
    }

    #[test]
    fn a_log_that_ends_before_what_is_stored_begins_a_lineage() {
        let cut = Continuation::new(Some(stored(50)), now(0, 30));
        assert_eq!((cut.lineage, cut.next, cut.broken), (1, 0, Some(Broken::Truncated)));
        assert!(cut.segments.tail.is_empty());
    }

    #[test]
    fn what_is_stored_beyond_an_open_transaction_is_no_truncation() {
        let past = || {
            let mut past = stored(50);
            let open = OpenTransaction { producer_id: 7, first: 40 };
            past.last.iter_mut().for_each(|seal| seal.open = vec![open]);
            past
        };
        let next = Continuation::new(Some(past()), Now { last_stable: 40, ..now(0, 60) });
        assert_eq!((next.lineage, next.next, next.broken), (0, 50, None));
        // One that begins where all had ended was written there later.
        let cut = Continuation::new(Some(past()), Now { last_stable: 39, ..now(0, 60) });
        assert_eq!((cut.lineage, cut.broken), (1, Some(Broken::Truncated)));
    }

    #[test]
    fn nothing_builds_on_a_segment_that_is_gone() {
        let again = Continuation::new(Some(Stored { damaged: true, ..stored(50) }), now(10, 90));
        assert_eq!((again.lineage, again.next, again.broken), (1, 10, Some(Broken::SegmentMissing)));
        assert!(again.segments.tail.is_empty());
    }

    #[test]
    fn a_compacted_log_is_read_again_when_tombstones_may_have_gone() {
        let at = |hours: i64| {
            let now = Now { time: Timestamp(hours * HOUR), delete_retention_ms: Some(24 * HOUR), ..now(0, 51) };
            Continuation::new(Some(stored(50)), now).broken
        };
        assert_eq!(at(1), None);
        assert_eq!(at(21), None);
        assert_eq!(at(22), Some(Broken::TombstonesMayBeGone));
        let nothing_new = Now { time: Timestamp(99 * HOUR), delete_retention_ms: Some(24 * HOUR), ..now(0, 50) };
        assert_eq!(Continuation::new(Some(stored(50)), nothing_new).broken, None, "nothing was written, no tombstone");
        let never = Now { delete_retention_ms: None, time: Timestamp(99 * HOUR), ..now(0, 50) };
        assert_eq!(Continuation::new(Some(stored(50)), never).broken, None);
    }

    #[test]
    fn a_compacted_log_is_read_again_when_the_clock_was_set_back() {
        let at = |hours: i64, fenced_at: i64| {
            let now = Now { time: Timestamp(hours * HOUR), delete_retention_ms: Some(24 * HOUR), ..now(0, 51) };
            let stored = Stored { fenced: Some(Timestamp(fenced_at * HOUR)), ..stored(50) };
            Continuation::new(Some(stored), now).broken
        };
        assert_eq!(at(100, 99), None);
        assert_eq!(at(100, 101), Some(Broken::TombstonesMayBeGone), "it was set back by an hour or by a hundred");
        assert_eq!(at(100, 87_700), Some(Broken::TombstonesMayBeGone));
    }

    #[test]
    fn seals_of_a_killed_run_are_taken_over_as_far_as_they_continue() {
        let mut past = stored(50);
        past.take_over(vec![seal(0, 80, 90), seal(0, 50, 80), seal(0, 70, 85)]);
        assert_eq!(past.next, 90);
        let bases: Vec<i64> = past.taken_over.iter().map(|seal| seal.base).collect();
        assert_eq!(bases, [50, 80]);
        let next = Continuation::new(Some(past), now(0, 100));
        assert_eq!((next.next, next.proof.map(|proof| proof.base)), (90, Some(89)));
    }

    #[test]
    fn a_killed_run_that_began_a_lineage_is_taken_over_whole() {
        let mut past = stored(50);
        past.take_over(vec![seal(0, 50, 60), seal(1, 0, 55), seal(1, 55, 70)]);
        assert_eq!((past.lineage, past.first, past.next), (1, 0, 70));
        assert!(past.segments.tail.is_empty());
        let mut none = Stored::default();
        none.take_over(vec![seal(0, 10, 20), seal(0, 20, 30)]);
        assert_eq!((none.lineage, none.first, none.next), (0, 10, 30));
    }
}
