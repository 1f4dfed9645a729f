//! One partition on its way into the target: what is ready, what is in flight, what is acknowledged. No I/O.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::readers::{Ended, Room};
use super::source::Prepared;
use crate::model::{TopicId, TopicPartition};

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
    /// Batches that are ready, ascending; the first may be in flight.
    pub queue: VecDeque<Waiting>,
    /// The first batch of the queue is on its way.
    pub in_flight: bool,
    /// Not before this.
    pub wait_until: Option<Instant>,
    /// Failed attempts since the last acknowledgement.
    pub attempts: u32,
    /// What was wrong last.
    pub trouble: String,
    /// Set when everything was read.
    pub ended: Option<Box<Ended>>,
    last_progress: Instant,
}

impl Sending {
    /// A partition of which nothing is sent yet.
    pub(super) fn new(at: TopicPartition, topic_id: TopicId) -> Self {
        Self {
            at,
            topic_id,
            queue: VecDeque::new(),
            in_flight: false,
            wait_until: None,
            attempts: 0,
            trouble: String::new(),
            ended: None,
            last_progress: Instant::now(),
        }
    }

    /// Whether its next batch can leave now.
    pub(super) fn is_sendable(&self, now: Instant) -> bool {
        !self.in_flight && !self.queue.is_empty() && self.wait_until.is_none_or(|until| until <= now)
    }

    /// Whether everything was read, sent and acknowledged.
    pub(super) fn is_done(&self) -> bool {
        self.ended.is_some() && self.queue.is_empty()
    }

    /// Adds a batch at the end.
    pub(super) fn push(&mut self, batch: Prepared, room: Room) {
        if self.queue.is_empty() {
            self.last_progress = Instant::now();
        }
        self.queue.push_back(Waiting { batch, _room: room });
    }

    /// The batch in flight is in the log.
    pub(super) fn acknowledged(&mut self) -> Option<Waiting> {
        self.in_flight = false;
        self.attempts = 0;
        self.wait_until = None;
        self.last_progress = Instant::now();
        self.queue.pop_front()
    }

    /// The batch in flight is to be sent again after a pause.
    pub(super) fn again(&mut self, trouble: String, pause: Duration) {
        self.in_flight = false;
        self.attempts += 1;
        self.trouble = trouble;
        self.wait_until = Some(Instant::now() + pause);
    }

    /// How long a batch has been waiting for its acknowledgement.
    pub(super) fn stalled_for(&self) -> Duration {
        if self.queue.is_empty() { Duration::ZERO } else { self.last_progress.elapsed() }
    }
}
