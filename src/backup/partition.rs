//! One partition on its way from the leader to its segments: a state machine without I/O.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::resume::{Broken, Continuation, Proof};
use crate::batch::{self, Batch, HEADER_SIZE};
use crate::model::{OffsetRange, TopicId, TopicPartition};
use crate::repository::format::{Incomplete, IncompleteKind, MissingRange};

/// Where a partition stands. Invariant: `next` only grows within a lineage.
#[derive(Debug)]
pub struct Fetching {
    /// Which.
    pub at: TopicPartition,
    /// Topic id at the time of the plan.
    pub topic_id: TopicId,
    /// First offset that is not stored.
    pub next: i64,
    /// Where this run ends.
    pub fence: i64,
    /// What must be found again before anything is appended.
    pub proof: Option<Proof>,
    /// Where it goes on; replaced when its lineage breaks.
    pub continuation: Continuation,
    /// Losses.
    pub incomplete: Vec<Incomplete>,
    /// Ask for it in a request of its own: only then an empty answer means that there is nothing.
    pub alone: bool,
    empty_answers: u32,
    last_progress: Instant,
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

/// What an answer means.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
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
    pub fn new(at: TopicPartition, topic_id: TopicId, fence: i64, continuation: Continuation) -> Self {
        // A batch that is about to expire cannot be found again; the epochs have been compared for those.
        let proof = continuation.proof.clone().filter(|proof| proof.base >= continuation.first);
        Self {
            at,
            topic_id,
            next: continuation.next,
            fence,
            proof,
            continuation,
            incomplete: Vec::new(),
            alone: false,
            empty_answers: 0,
            last_progress: Instant::now(),
            trouble: None,
            wait_until: None,
            attempts: 0,
            ended: false,
            damaged: false,
        }
    }

    /// It is its turn: from now on it must make progress.
    pub fn begin(&mut self) {
        self.last_progress = Instant::now();
    }

    /// Offset to ask for: the last stored batch until it is proved, then the first one that is not stored.
    pub fn fetch_offset(&self) -> i64 {
        self.proof.as_ref().map_or(self.next, |proof| proof.base)
    }

    /// Whether nothing is left to fetch.
    pub fn is_done(&self) -> bool {
        self.next >= self.fence
    }

    /// How long it has been without progress.
    pub fn stalled_for(&self) -> Duration {
        self.last_progress.elapsed()
    }

    /// Takes an answer that has no error. `conclusive` means that the request was for this partition alone, nobody
    /// was throttled, and the high watermark is not below the fence.
    pub fn take(&mut self, records: &Bytes, conclusive: bool) -> Step {
        let mut walk = batch::walk(records);
        let (mut begin, mut end, mut position) = (None, 0, 0);
        let mut next = self.next;
        let mut any = false;
        while let Some(found) = walk.next() {
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
            if found.base_offset() >= self.fence {
                next = self.fence.max(next);
                break;
            }
            if found.next_offset() > next {
                begin.get_or_insert(position);
                next = found.next_offset();
                end = position + size;
            }
            position += size;
        }
        if !any {
            return self.take_nothing(conclusive);
        }
        self.progress(next);
        let batches = begin.map_or_else(Bytes::new, |begin| records.slice(begin..end));
        if self.is_done() { Step::Done(batches) } else { Step::Append(batches) }
    }

    fn progress(&mut self, next: i64) {
        if next > self.next {
            self.last_progress = Instant::now();
            self.empty_answers = 0;
            self.alone = false;
            self.attempts = 0;
            self.trouble = None;
        }
        self.next = next;
    }

    /// No whole batch in the answer: it was cut short, throttled, or the log holds nothing up to its end.
    fn take_nothing(&mut self, conclusive: bool) -> Step {
        self.empty_answers += 1;
        if conclusive && self.alone && self.empty_answers >= 3 {
            // Compaction took everything from here on, the stored batch that should be proved included.
            self.proof = None;
            self.progress(self.fence);
            return Step::Done(Bytes::new());
        }
        self.alone = true;
        Step::Append(Bytes::new())
    }

    /// Compares the first batch of the first answer with the header that was stored. On a compacted topic the
    /// batch may have been thinned or removed; there the comparison of epochs, made before, decides.
    fn prove(&mut self, found: &Batch<'_>) -> Proved {
        let Some(proof) = self.proof.take() else { return Proved::Yes };
        let header: String = found.bytes().iter().take(HEADER_SIZE).map(|byte| format!("{byte:02x}")).collect();
        let same = found.base_offset() == proof.base && header == proof.header;
        if same || proof.compacted { Proved::Yes } else { Proved::No }
    }

    /// The log is not the one that was stored: everything from the log start belongs to a new lineage.
    pub fn begin_again(&mut self, log_start: i64) {
        self.continuation = self.continuation.begin_again(Broken::Truncated, log_start);
        self.next = log_start;
        self.proof = None;
        self.alone = false;
        self.last_progress = Instant::now();
    }

    /// Retention took offsets before they were read: a loss, unless they were only wanted as proof.
    pub fn lose_up_to(&mut self, log_start: i64) {
        self.proof = None;
        if log_start <= self.next {
            return;
        }
        let range = OffsetRange { base: self.next, next: log_start.min(self.fence) };
        self.continuation.missing.push(MissingRange { range, gap: true });
        self.incomplete.push(Incomplete {
            kind: IncompleteKind::Gap,
            subject: self.at.to_string(),
            detail: format!("offsets {range} were deleted by retention before they could be read"),
        });
        self.progress(log_start.min(self.fence));
    }

    /// Ends the partition before its fence.
    pub fn give_up(&mut self, cause: &str) {
        self.incomplete.push(Incomplete {
            kind: IncompleteKind::NotReached,
            subject: self.at.to_string(),
            detail: format!("stored up to offset {}, not up to its fence {}: {cause}", self.next, self.fence),
        });
    }
}

enum Proved {
    Yes,
    No,
}
