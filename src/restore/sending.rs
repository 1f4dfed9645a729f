//! One partition on its way into the target: what is ready, what is in flight, what is acknowledged. No I/O.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::readers::{Ended, Reading, Room};
use super::source::Prepared;
use crate::model::{TopicId, TopicPartition};

/// How often the log end may be looked at without any progress in between.
const LOOKS_MAX: u32 = 6;

/// A batch with the room it takes.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The batch.
    pub batch: Prepared,
    /// Given back when this is dropped.
    _room: Room,
}

/// One partition. One batch is in flight at a time: the broker remembers it, so sending it again after an unknown
/// outcome cannot double it (protocol: producer id, epoch and sequence; Kafka class `ProducerStateEntry`).
#[derive(Debug)]
pub(super) struct Sending {
    /// In the target.
    pub at: TopicPartition,
    /// The topic's id in the target.
    pub topic_id: TopicId,
    /// Counts the passes over the source: what an earlier one tells is void.
    pub pass: u32,
    /// The pass that is under way.
    pub reading: Option<Reading>,
    /// The log end is being looked at; nothing is sent meanwhile.
    pub looking: bool,
    /// Batches that are ready, ascending; the first may be in flight.
    pub queue: VecDeque<Waiting>,
    /// The first batch of the queue is on its way.
    pub in_flight: bool,
    /// What is on its way is not a batch but has a deadline of its own.
    pub has_job: bool,
    /// Leader, and its epoch, that were sent a batch whose fate is not known.
    pub unknown_at: Option<(i32, i32)>,
    /// Not before this.
    pub wait_until: Option<Instant>,
    /// Failed attempts since the last acknowledgement.
    pub attempts: u32,
    /// What was wrong last.
    pub trouble: String,
    /// Set when everything was read.
    pub ended: Option<Box<Ended>>,
    /// Target offset below which everything is in the log.
    reached: i64,
    looks: u32,
    last_progress: Instant,
}

/// What the log end says about a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The first batch of the queue is what comes next.
    GoOn,
    /// The batch that was in flight is in the log.
    Landed,
    /// The source is to be read again from here.
    ReadFrom(i64),
    /// It ends before what was acknowledged: an election took records away. The source is to be read again from here.
    FellBack {
        /// Up to where records were acknowledged.
        reached: i64,
        /// Where the log ends.
        from: i64,
    },
}

impl Sending {
    /// A partition of which nothing was looked at yet. `reached` is its first target offset.
    pub(super) fn new(at: TopicPartition, topic_id: TopicId, reached: i64) -> Self {
        Self {
            at,
            topic_id,
            pass: 0,
            reading: None,
            looking: false,
            queue: VecDeque::new(),
            in_flight: false,
            has_job: false,
            unknown_at: None,
            wait_until: None,
            attempts: 0,
            trouble: String::new(),
            ended: None,
            reached,
            looks: 0,
            last_progress: Instant::now(),
        }
    }

    /// Whether its next batch can leave now.
    pub(super) fn is_sendable(&self, now: Instant) -> bool {
        let free = !self.in_flight && !self.looking;
        free && !self.queue.is_empty() && self.wait_until.is_none_or(|until| until <= now)
    }

    /// Whether everything was read, sent and acknowledged.
    pub(super) fn is_done(&self) -> bool {
        self.ended.is_some() && self.queue.is_empty() && !self.looking
    }

    /// Adds a batch at the end.
    pub(super) fn push(&mut self, batch: Prepared, room: Room) {
        if self.queue.is_empty() {
            self.last_progress = Instant::now();
        }
        self.queue.push_back(Waiting { batch, _room: room });
    }

    /// The first batch of the queue is on its way. Until it was sent for the first time, nobody kept it waiting but us.
    pub(super) fn sent(&mut self) {
        self.in_flight = true;
        if self.attempts == 0 {
            self.last_progress = Instant::now();
        }
    }

    /// The first batch of the queue is in the log.
    pub(super) fn acknowledged(&mut self) -> Option<Waiting> {
        self.in_flight = false;
        self.has_job = false;
        self.unknown_at = None;
        self.wait_until = None;
        let first = self.queue.pop_front();
        if let Some(first) = &first {
            self.progress_to(first.batch.target_next);
        }
        first
    }

    fn progress_to(&mut self, reached: i64) {
        self.reached = reached;
        self.attempts = 0;
        self.looks = 0;
        self.last_progress = Instant::now();
    }

    /// The batch in flight is to be sent again after a pause.
    pub(super) fn again(&mut self, trouble: String, pause: Duration) {
        self.in_flight = false;
        self.attempts += 1;
        self.trouble = trouble;
        self.wait_until = Some(Instant::now() + pause);
    }

    /// The log end is to be looked at. False if that was done too often without progress.
    pub(super) fn look(&mut self, trouble: String) -> bool {
        self.in_flight = false;
        self.has_job = false;
        self.unknown_at = None;
        self.looking = true;
        self.trouble = trouble;
        self.looks += 1;
        self.looks <= LOOKS_MAX
    }

    /// The log ends here, all of it ours.
    pub(super) fn seen(&mut self, end: i64) -> Verdict {
        self.looking = false;
        self.wait_until = None;
        let (first, reached) = (self.queue.front().map(|first| &first.batch), self.reached);
        match first {
            Some(first) if first.target_base == end => Verdict::GoOn,
            Some(first) if first.target_next == end => Verdict::Landed,
            _ if end < reached => {
                self.reached = end;
                Verdict::FellBack { reached, from: end }
            }
            _ => {
                if end > reached {
                    self.progress_to(end);
                }
                Verdict::ReadFrom(end)
            }
        }
    }

    /// Target offset below which everything is in the log.
    pub(super) fn reached(&self) -> i64 {
        self.reached
    }

    /// Forgets what was read: the source is read again.
    pub(super) fn read_again(&mut self) -> u32 {
        self.reading = None;
        self.queue.clear();
        self.ended = None;
        self.pass += 1;
        self.pass
    }

    /// How long a batch has been waiting for its acknowledgement.
    pub(super) fn stalled_for(&self) -> Duration {
        let is_tried = self.in_flight || self.looking || self.attempts > 0;
        if self.queue.is_empty() || self.has_job || !is_tried { Duration::ZERO } else { self.last_progress.elapsed() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::HEADER_SIZE;
    use crate::model::TopicName;

    fn sending(bases: &[i64], end: i64) -> Sending {
        let at = TopicPartition::new(TopicName::new("orders").unwrap(), 0);
        let mut sending = Sending::new(at, TopicId::ZERO, bases[0]);
        for (index, base) in bases.iter().enumerate() {
            let batch = Prepared {
                kind: crate::restore::source::Kind::Batch,
                header: [0; HEADER_SIZE],
                payload: bytes::Bytes::new(),
                target_base: *base,
                target_next: bases.get(index + 1).copied().unwrap_or(end),
                source_base: *base,
                source_bytes: 0,
            };
            sending.push(batch, Room::none());
        }
        sending
    }

    #[test]
    fn the_log_end_says_how_to_go_on() {
        let mut one = sending(&[0, 10, 30], 40);
        assert!(one.look(String::new()));
        assert_eq!(one.seen(0), Verdict::GoOn, "nothing of it was written");
        assert_eq!(one.seen(10), Verdict::Landed, "the batch in flight was written");
        one.acknowledged();
        assert_eq!(one.seen(15), Verdict::ReadFrom(15), "somebody of ours cut his batches elsewhere");
        assert_eq!(one.seen(5), Verdict::FellBack { reached: 15, from: 5 });
    }

    #[test]
    fn a_log_that_ends_where_nothing_was_read_yet_did_not_fall_back() {
        let at = TopicPartition::new(TopicName::new("orders").unwrap(), 0);
        let mut one = Sending::new(at, TopicId::ZERO, 10);
        assert!(one.look(String::new()));
        assert_eq!(one.seen(10), Verdict::ReadFrom(10));
    }

    #[test]
    fn looking_without_progress_ends() {
        let mut one = sending(&[0, 10], 20);
        assert!((0..LOOKS_MAX).all(|_| one.look(String::new())));
        assert!(!one.look(String::new()));
        one.acknowledged();
        assert!(one.look(String::new()), "an acknowledgement is progress");
    }

    #[test]
    fn a_batch_that_was_refused_waits_and_one_that_is_not_acknowledged_has_patience() {
        let mut one = sending(&[0, 10], 20);
        let now = Instant::now();
        assert!(one.is_sendable(now));
        one.in_flight = true;
        assert!(!one.is_sendable(now));
        let hour = Duration::from_secs(3600);
        one.again("its leader moved".to_owned(), hour);
        one.again("its leader moved again".to_owned(), hour);
        assert_eq!((one.attempts, one.trouble.as_str()), (2, "its leader moved again"));
        assert!(!one.is_sendable(now + hour / 2) && one.is_sendable(now + 2 * hour));
        one.last_progress = now.checked_sub(Duration::from_secs(9)).unwrap();
        assert!(one.stalled_for() >= Duration::from_secs(9));
        one.has_job = true;
        assert_eq!(one.stalled_for(), Duration::ZERO, "a job has a deadline of its own");
        one.has_job = false;
        one.acknowledged();
        assert_eq!((one.reached(), one.attempts), (10, 0));
        assert!(one.stalled_for() < Duration::from_secs(9));
        one.acknowledged();
        one.last_progress = now.checked_sub(hour).unwrap();
        assert_eq!((one.reached(), one.stalled_for()), (20, Duration::ZERO), "nothing is waited for");
        let pass = one.pass;
        assert_eq!((one.read_again(), one.read_again()), (pass + 1, pass + 2));
    }
}
