//! One partition on its way from the leader to its segments: a state machine without I/O.

use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::fences::Bounds;
use super::resume::{Broken, Continuation, Proof};
use crate::batch::{self, Batch, HEADER_SIZE};
use crate::model::{OffsetRange, TopicId, TopicPartition};
use crate::repository::format::{Incomplete, IncompleteKind, MissingRange};

/// Bytes of a batch's header that the log cleaner leaves as they are: leader epoch and magic, the last offset's distance,
/// producer and sequence (Kafka class `MemoryRecords`, `buildRetainedRecordsInto`).
const KEPT: [Range<usize>; 3] = [12..17, 23..27, 43..57];

/// A log that was cut and has grown again says so when it is asked once more.
const REFUSALS_MAX: u32 = 3;
/// A log that is another one again and again is left alone.
const BREAKS_MAX: u32 = 5;

/// Where a partition stands. Invariant: `next` only grows within a lineage.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Fetching {
    /// Which.
    pub at: TopicPartition,
    /// Topic id at the time of the plan.
    pub topic_id: TopicId,
    /// First offset that is not stored.
    pub next: i64,
    /// The log when the fence was taken, and where this run ends.
    pub bounds: Bounds,
    /// What must be found again before anything is appended.
    pub proof: Option<Proof>,
    /// Leader epoch of the last batch that was taken; -1 if there is none.
    epoch: i32,
    /// Where the last batch ends that is stored or was taken; `i64::MIN` if there is none.
    batch_end: i64,
    /// Offsets behind that batch were not read: whatever transaction was open there may have ended in them, unless the
    /// next batch begins where that one ends after all.
    skipped: bool,
    /// The writer has to be told so before the next batches.
    gap: bool,
    /// Where it goes on; replaced when its lineage breaks.
    pub continuation: Continuation,
    /// Losses.
    pub incomplete: Vec<Incomplete>,
    /// Ask for it in a request of its own: only then an empty answer means that there is nothing.
    pub alone: bool,
    empty_answers: u32,
    /// Since when its leader was asked in vain; nothing while it waits its turn or is held back by a quota.
    stalled_since: Option<Instant>,
    /// Since when the cluster has no such topic or partition any more.
    pub gone_since: Option<Instant>,
    /// How often in a row the leader could not place the epoch.
    epoch_refusals: u32,
    /// How often its log turned out to be another one.
    breaks: u32,
    /// Last trouble, for the report if it does not go on.
    pub trouble: Option<String>,
    /// Not before this.
    pub wait_until: Option<Instant>,
    /// Failed attempts since the last progress.
    pub attempts: u32,
    /// No more of it is asked for.
    pub ended: bool,
    /// A batch failed its checks: what was fetched from it on is not stored.
    pub damaged: bool,
}

/// What it means when an answer has nothing for a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    /// A quota holds this client back.
    Throttled,
    /// Others in the same request came first.
    Shared,
    /// The leader had nothing for it, and does not have all up to the fence yet.
    Lagging,
    /// The leader had nothing for it, though its log goes up to the fence.
    Conclusive,
}

/// What an answer means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Append this (it may be empty), then ask again.
    Append(Bytes),
    /// Append this (it may be empty); the fence is reached.
    Done(Bytes),
    /// The log is not the one that was stored: begin a new lineage at the log start.
    Diverged,
    /// The bytes are not batches; the partition ends here.
    Damaged(String),
}

impl Fetching {
    /// A partition as planned.
    pub(super) fn new(at: TopicPartition, topic_id: TopicId, bounds: Bounds, continuation: Continuation) -> Self {
        // A batch that is about to expire cannot be found again; the epochs have been compared for those.
        let found = continuation.first.max(bounds.log_start);
        let proof = continuation.proof.clone().filter(|proof| proof.base >= found);
        Self {
            at,
            topic_id,
            next: continuation.next,
            bounds,
            epoch: -1,
            batch_end: continuation.proof.as_ref().map_or(i64::MIN, |proof| proof.next),
            skipped: continuation.expired.is_some(),
            gap: false,
            proof,
            continuation,
            incomplete: Vec::new(),
            alone: false,
            empty_answers: 0,
            stalled_since: None,
            gone_since: None,
            epoch_refusals: 0,
            breaks: 0,
            trouble: None,
            wait_until: None,
            attempts: 0,
            ended: false,
            damaged: false,
        }
    }

    /// Whether its last batch has to be looked at even if there is nothing new: without topic ids (before 2.8) a topic that
    /// was deleted and made anew is told from its predecessor by its batches alone.
    pub(super) fn is_to_be_proved(&self) -> bool {
        self.topic_id == TopicId::ZERO && self.proof.is_some()
    }

    /// Whether offsets were skipped before the batches that were taken last. Asked once for them.
    pub(super) fn take_gap(&mut self) -> bool {
        std::mem::take(&mut self.gap)
    }

    /// Offset to ask for: the last stored batch until it is proved, then the first one that is not stored.
    pub(super) fn fetch_offset(&self) -> i64 {
        self.proof.as_ref().map_or(self.next, |proof| proof.base)
    }

    /// Leader epoch of what lies before [`Self::fetch_offset`], as far as it is known: with it a leader notices that its
    /// log was cut below that offset, even where it has grown beyond it again.
    pub(super) fn last_epoch(&self) -> i32 {
        // The stored batch has at least the epoch of the one before it, and the leader must still know it.
        self.proof.as_ref().map_or(self.epoch, |proof| proof.leader_epoch)
    }

    /// The leader does not place the epoch, although it has the offset. Where it says so again and again its epochs were
    /// lost, and say nothing.
    pub(super) fn doubt_epoch(&mut self) {
        self.epoch_refusals += 1;
        if self.epoch_refusals >= REFUSALS_MAX {
            self.epoch = -1;
            if let Some(proof) = &mut self.proof {
                proof.leader_epoch = -1;
            }
        }
    }

    /// Whether nothing is left to fetch.
    pub(super) fn is_done(&self) -> bool {
        self.next >= self.bounds.fence
    }

    /// How long its leader has been asked in vain.
    pub(super) fn stalled_for(&self) -> Duration {
        self.stalled_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// It was asked for in vain.
    pub(super) fn stalls(&mut self) {
        self.stalled_since.get_or_insert_with(Instant::now);
    }

    /// What it was asked for in vain so far is not held against it.
    pub(super) fn pardon(&mut self) {
        self.stalled_since = self.stalled_since.map(|_| Instant::now());
    }

    /// Takes an answer that has no error. `empty` is what it would mean if there were nothing in it.
    pub(super) fn take(&mut self, records: &Bytes, empty: Empty) -> Step {
        let (mut begin, mut end, mut position) = (None, 0, 0);
        let mut next = self.next;
        let mut epoch = self.last_epoch();
        let mut any = false;
        for found in batch::walk(records) {
            let found = match found {
                Ok(found) => found,
                Err(error) => return Step::Damaged(format!("after offset {next}: {error}")),
            };
            any = true;
            match self.prove(&found) {
                Proved::Yes => {}
                Proved::No => return Step::Diverged,
            }
            let size = found.bytes().len();
            if found.base_offset() >= self.bounds.fence {
                next = self.bounds.fence.max(next);
                break;
            }
            if found.next_offset() > next {
                if lies_across(&found, self.batch_end) {
                    return Step::Diverged;
                }
                begin.get_or_insert(position);
                self.gap |= std::mem::take(&mut self.skipped) && found.base_offset() > self.batch_end;
                next = found.next_offset();
                self.batch_end = next;
                epoch = epoch_of(&found).unwrap_or(epoch);
                end = position + size;
            }
            position += size;
        }
        if !any {
            return self.take_nothing(empty);
        }
        self.epoch = epoch;
        self.progress(next);
        let batches = begin.map_or_else(Bytes::new, |begin| records.slice(begin..end));
        if self.is_done() { Step::Done(batches) } else { Step::Append(batches) }
    }

    fn progress(&mut self, next: i64) {
        if next > self.next {
            self.stalled_since = None;
            self.epoch_refusals = 0;
            self.empty_answers = 0;
            self.alone = false;
            self.attempts = 0;
            self.trouble = None;
        }
        self.next = next;
    }

    /// No whole batch in the answer: it was cut short, throttled, or the log holds nothing up to its end.
    fn take_nothing(&mut self, empty: Empty) -> Step {
        match empty {
            Empty::Throttled => self.stalled_since = None,
            Empty::Shared => {}
            Empty::Lagging | Empty::Conclusive => self.stalls(),
        }
        self.empty_answers += 1;
        if empty == Empty::Conclusive && self.alone && self.empty_answers >= 3 {
            // Compaction took everything from here on, the stored batch that should be proved included.
            self.proof = None;
            self.progress(self.bounds.fence);
            return Step::Done(Bytes::new());
        }
        self.alone = true;
        Step::Append(Bytes::new())
    }

    /// Compares the first batch of the first answer with the header that was stored. On a compacted topic the batch may
    /// have been removed: there the comparison of epochs, made before, decides; or thinned: what it keeps then is compared.
    fn prove(&mut self, found: &Batch<'_>) -> Proved {
        let Some(proof) = self.proof.take() else { return Proved::Yes };
        let header = found.bytes().get(..HEADER_SIZE).unwrap_or(found.bytes());
        let same = if proof.compacted {
            found.header().is_none() || found.base_offset() > proof.base || is_thinned(found, header, &proof)
        } else {
            found.base_offset() == proof.base && is_hex_of(&proof.header, header)
        };
        if same { Proved::Yes } else { Proved::No }
    }

    /// The log is not the one that was stored: everything from its start, up to where it ends now, belongs to a new
    /// lineage. False if that has happened too often.
    pub(super) fn begin_again(&mut self, bounds: Bounds) -> bool {
        self.breaks += 1;
        self.continuation = self.continuation.begin_again(Broken::Truncated, bounds.log_start);
        self.bounds = bounds;
        self.next = bounds.log_start;
        self.proof = None;
        self.epoch = -1;
        self.batch_end = i64::MIN;
        (self.skipped, self.gap) = (false, false);
        self.alone = false;
        self.stalled_since = None;
        // What this run lost of the old log is not lost of the new one.
        self.incomplete.clear();
        self.breaks <= BREAKS_MAX
    }

    /// Retention took offsets before they were read: a loss, unless they were only wanted as proof.
    pub(super) fn lose_up_to(&mut self, log_start: i64) {
        self.proof = None;
        self.epoch = -1;
        if log_start <= self.next {
            return;
        }
        self.skipped = true;
        let range = OffsetRange { base: self.next, next: log_start.min(self.bounds.fence) };
        self.continuation.missing.push(MissingRange { range, gap: true });
        self.incomplete.push(Incomplete::new(
            IncompleteKind::Gap,
            self.at.to_string(),
            format!("offsets {range} were deleted by retention before they could be read"),
        ));
        self.progress(log_start.min(self.bounds.fence));
    }

    /// A batch failed its checks when it was to be written: nothing from it on is stored, whatever was fetched.
    pub(super) fn spoil(&mut self, cause: &str) {
        self.damaged = true;
        self.incomplete.push(Incomplete::new(
            IncompleteKind::NotReached,
            self.at.to_string(),
            format!(
                "stored only up to a batch that failed its checks, not up to its fence {}: {cause}",
                self.bounds.fence
            ),
        ));
    }

    /// Ends the partition before its fence.
    pub(super) fn give_up(&mut self, cause: &str) {
        let detail = if self.is_done() {
            format!("stored up to its fence {}, but its last batch could not be looked at again: {cause}", self.next)
        } else {
            format!("stored up to offset {}, not up to its fence {}: {cause}", self.next, self.bounds.fence)
        };
        self.incomplete.push(Incomplete::new(IncompleteKind::NotReached, self.at.to_string(), detail));
    }
}

/// Whether a batch can be what cleaning left of the stored one.
fn is_thinned(found: &Batch<'_>, header: &[u8], stored: &Proof) -> bool {
    let kept = |range: &Range<usize>| {
        let (stored, now) = (stored.header.get(2 * range.start..2 * range.end), header.get(range.clone()));
        stored.zip(now).is_some_and(|(stored, now)| is_hex_of(stored, now))
    };
    found.base_offset() == stored.base && KEPT.iter().all(kept)
}

/// The leader epoch of a batch; nothing where the format has none.
fn epoch_of(batch: &Batch<'_>) -> Option<i32> {
    batch.header().map(|header| header.leader_epoch).filter(|epoch| *epoch >= 0)
}

/// Whether a batch that goes on beyond the end of another begins before it: batches of one log never do, thinned by
/// compaction or not. Where an old format's wrapper begins is not known without opening it.
fn lies_across(batch: &Batch<'_>, end: i64) -> bool {
    batch.header().is_some() && batch.base_offset() < end
}

fn is_hex_of(text: &str, bytes: &[u8]) -> bool {
    let byte = |at: usize| text.get(2 * at..2 * at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    text.len() == 2 * bytes.len() && bytes.iter().enumerate().all(|(at, expected)| byte(at) == Some(*expected))
}

enum Proved {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::options::FenceAt;
    use crate::backup::resume::Now;
    use crate::model::{Timestamp, TopicName};
    use crate::repository::testing::batch;

    fn at() -> TopicPartition {
        TopicPartition::new(TopicName::new("orders").unwrap(), 0)
    }

    fn fetching(log_start: i64, fence: i64) -> Fetching {
        let (last_stable, high_watermark) = (fence, fence);
        let now = Now { log_start, last_stable, high_watermark, time: Timestamp(0), delete_retention_ms: None };
        Fetching::new(at(), TopicId::ZERO, bounds(log_start, fence), Continuation::new(None, now))
    }

    fn bounds(log_start: i64, fence: i64) -> Bounds {
        Bounds::new(log_start, fence, fence, FenceAt::LastStable)
    }

    fn with_proof(stored: &[u8], compacted: bool) -> Fetching {
        let mut continuation = fetching(0, 0).continuation;
        let header: String =
            stored[..HEADER_SIZE].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        continuation.next = 5;
        continuation.proof = Some(Proof { base: 0, next: 5, header, leader_epoch: 0, compacted });
        Fetching::new(at(), TopicId::ZERO, bounds(0, 20), continuation)
    }

    #[test]
    fn batches_are_taken_up_to_the_fence_and_the_partial_tail_is_left() {
        let (a, b, c) = (batch(0, 5), batch(5, 5), batch(10, 5));
        let mut whole = fetching(0, 10);
        let answer = Bytes::from([a.clone(), b.clone(), c.clone()].concat());
        assert_eq!(whole.take(&answer, Empty::Shared), Step::Done(answer.slice(..a.len() + b.len())));
        let mut cut = fetching(0, 15);
        let answer = answer.slice(..a.len() + b.len() + c.len() - 1);
        assert_eq!(cut.take(&answer, Empty::Shared), Step::Append(answer.slice(..a.len() + b.len())));
        assert_eq!(cut.fetch_offset(), 10);
    }

    #[test]
    fn the_last_stored_batch_is_proved_and_not_stored_again() {
        let (stored, new) = (batch(0, 5), batch(5, 15));
        let answer = Bytes::from([stored.clone(), new.clone()].concat());
        let mut same = with_proof(&stored, false);
        assert_eq!(same.fetch_offset(), 0);
        assert_eq!(same.take(&answer, Empty::Shared), Step::Done(answer.slice(stored.len()..)));
        let other = crate::repository::testing::batch_with(0, 5, |header| header.leader_epoch = 3);
        assert_eq!(with_proof(&other, false).take(&answer, Empty::Shared), Step::Diverged);
        assert_eq!(with_proof(&other, true).take(&answer, Empty::Shared), Step::Diverged, "cleaning keeps the epoch");
        let before_cleaning = crate::repository::testing::batch_with(0, 5, |header| header.max_timestamp += 9);
        let thinned = with_proof(&before_cleaning, true).take(&answer, Empty::Shared);
        assert_eq!(thinned, Step::Done(answer.slice(stored.len()..)));
        let removed = with_proof(&stored, true).take(&Bytes::from(new.clone()), Empty::Shared);
        assert_eq!(removed, Step::Done(Bytes::from(new)));
    }

    #[test]
    fn a_batch_across_the_stored_end_is_of_another_log() {
        let answer = Bytes::from(batch(3, 12));
        let mut partition = with_proof(&batch(0, 5), true);
        assert_eq!(partition.take(&answer, Empty::Shared), Step::Diverged, "compacted or not");
        let mut expired = with_proof(&batch(0, 5), false);
        expired.lose_up_to(4);
        assert_eq!(expired.take(&answer, Empty::Shared), Step::Diverged, "with nothing left to prove");
        let mut on = with_proof(&batch(0, 5), false);
        on.lose_up_to(7);
        assert_eq!(on.take(&Bytes::from(batch(5, 9)), Empty::Shared), Step::Append(Bytes::from(batch(5, 9))));
        assert!(!on.take_gap(), "nothing is missing before a batch that the log start lies in");
        let mut beyond = fetching(0, 15);
        beyond.lose_up_to(4);
        assert_eq!(beyond.take(&answer, Empty::Shared), Step::Done(answer.clone()), "the log start lies in a batch");
        assert!(beyond.take_gap() && !beyond.take_gap());
    }

    #[test]
    fn nothing_is_only_believed_when_the_answer_is_conclusive() {
        let mut partition = fetching(0, 10);
        for _ in 0..9 {
            assert_eq!(partition.take(&Bytes::new(), Empty::Shared), Step::Append(Bytes::new()));
        }
        assert!(partition.alone && !partition.is_done());
        assert_eq!(partition.take(&Bytes::new(), Empty::Conclusive), Step::Done(Bytes::new()));
        assert!(partition.is_done());
    }

    #[test]
    fn the_leader_is_told_the_epoch_of_what_was_read_last() {
        let mut partition = fetching(0, 20);
        assert_eq!(partition.last_epoch(), -1);
        let later = crate::repository::testing::batch_with(5, 5, |header| header.leader_epoch = 3);
        partition.take(&Bytes::from([batch(0, 5), later].concat()), Empty::Shared);
        assert_eq!((partition.fetch_offset(), partition.last_epoch()), (10, 3));
        assert!(partition.begin_again(bounds(2, 7)));
        assert_eq!((partition.next, partition.last_epoch(), partition.bounds.fence), (2, -1, 7));
        assert_eq!((partition.continuation.lineage, partition.continuation.first), (1, 2));
        assert!(!(0..9).all(|_| partition.begin_again(bounds(0, 5))), "a log cannot change for ever");
        assert_eq!(with_proof(&batch(0, 5), false).last_epoch(), 0, "the stored batch has one too");
    }

    #[test]
    fn only_a_leader_that_is_asked_in_vain_stalls() {
        let mut partition = fetching(0, 10);
        partition.take(&Bytes::new(), Empty::Shared);
        assert_eq!(partition.stalled_for(), Duration::ZERO);
        partition.take(&Bytes::new(), Empty::Lagging);
        std::thread::sleep(Duration::from_millis(2));
        assert!(partition.stalled_for() > Duration::ZERO);
        partition.take(&Bytes::new(), Empty::Throttled);
        assert_eq!(partition.stalled_for(), Duration::ZERO, "a quota is no silence");
        partition.stalls();
        partition.take(&Bytes::from(batch(0, 5)), Empty::Shared);
        assert_eq!(partition.stalled_for(), Duration::ZERO);
    }

    #[test]
    fn offsets_that_retention_took_first_are_a_gap() {
        let mut partition = fetching(0, 10);
        partition.lose_up_to(7);
        assert_eq!(partition.next, 7);
        assert_eq!(partition.incomplete[0].kind, IncompleteKind::Gap);
        assert!(partition.incomplete[0].detail.contains("[0, 7)"));
        partition.lose_up_to(99);
        assert!(partition.is_done());
    }

    #[test]
    fn bytes_that_are_no_batches_end_the_partition() {
        let mut bytes = batch(0, 5);
        bytes[16] = 9;
        assert!(matches!(fetching(0, 10).take(&Bytes::from(bytes), Empty::Shared), Step::Damaged(_)));
    }
}
