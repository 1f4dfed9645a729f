//! What a leader remembers of producers (Kafka classes `ProducerStateEntry` and `ProducerAppendInfo`).

use std::collections::VecDeque;

use super::batch::{Header, sequence_after};
use super::code;
use super::release::Release;

/// A batch that a producer appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// Its first sequence.
    pub first: i32,
    /// Its last.
    pub last: i32,
    /// The offset it got.
    pub base_offset: i64,
    /// The broker's clock, where it gave the time; else -1.
    pub append_time: i64,
}

/// What is known of one producer in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Producer {
    /// Its epoch.
    pub epoch: i16,
    /// The epoch of the last coordinator that wrote a marker, -1 if none did.
    pub coordinator_epoch: i32,
    /// The time of its last batch.
    pub last_timestamp: i64,
    /// Its last batches, the newest last.
    pub batches: VecDeque<Remembered>,
}

/// What becomes of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is appended.
    Append,
    /// It was appended before, there.
    Duplicate(Remembered),
    /// It is refused.
    Refuse(i16),
}

impl Producer {
    pub(crate) fn new(epoch: i16) -> Self {
        Self { epoch, coordinator_epoch: -1, last_timestamp: -1, batches: VecDeque::new() }
    }

    /// The last sequence, -1 if there is none.
    pub fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(-1, |batch| batch.last)
    }

    /// Notes that a batch was appended.
    pub(crate) fn remember(&mut self, header: &Header, release: Release, append_time: i64) {
        if self.epoch != header.producer_epoch {
            self.batches.clear();
        }
        self.epoch = header.producer_epoch;
        self.last_timestamp = header.max_timestamp;
        let base_offset = header.base_offset;
        let batch = Remembered { first: header.sequence, last: header.last_sequence(), base_offset, append_time };
        self.batches.push_back(batch);
        while self.batches.len() > window(release) {
            self.batches.pop_front();
        }
    }
}

/// How many batches are remembered: one in 0.11, five since.
fn window(release: Release) -> usize {
    if release == Release::V0_11 { 1 } else { 5 }
}

/// Judges a batch by what is known of its producer.
pub(crate) fn judge(known: Option<&Producer>, header: &Header, release: Release) -> Verdict {
    // Up to 2.4 a producer nobody knows had to begin with 0 (KIP-360 ended that in 2.5).
    let strict = release <= Release::V2_4;
    let Some(producer) = known else {
        return match header.sequence {
            0 => Verdict::Append,
            _ if strict && release == Release::V0_11 => Verdict::Refuse(code::OUT_OF_ORDER_SEQUENCE_NUMBER),
            _ if strict => Verdict::Refuse(code::UNKNOWN_PRODUCER_ID),
            _ => Verdict::Append,
        };
    };
    let (first, last) = (header.sequence, header.last_sequence());
    if producer.epoch == header.producer_epoch
        && let Some(same) = producer.batches.iter().find(|batch| (batch.first, batch.last) == (first, last))
    {
        return Verdict::Duplicate(*same);
    }
    if header.producer_epoch < producer.epoch {
        return Verdict::Refuse(code::INVALID_PRODUCER_EPOCH);
    }
    if header.producer_epoch > producer.epoch {
        return if first == 0 { Verdict::Append } else { Verdict::Refuse(code::OUT_OF_ORDER_SEQUENCE_NUMBER) };
    }
    let Some(newest) = producer.batches.back() else {
        // Only markers so far.
        let lenient = first == 0 || !strict;
        return if lenient { Verdict::Append } else { Verdict::Refuse(code::UNKNOWN_PRODUCER_ID) };
    };
    if first == sequence_after(newest.last, 1) {
        return Verdict::Append;
    }
    if release == Release::V0_11 && last <= newest.last {
        return Verdict::Refuse(code::DUPLICATE_SEQUENCE_NUMBER);
    }
    Verdict::Refuse(code::OUT_OF_ORDER_SEQUENCE_NUMBER)
}

#[cfg(test)]
mod tests {
    use super::super::batch::Batch;
    use super::super::record::Record;
    use super::*;

    fn header(epoch: i16, sequence: i32, count: usize) -> Header {
        let records = vec![Record::new("k", "v", 1); count];
        let batch = Batch { producer_id: 7, producer_epoch: epoch, sequence, ..Batch::of(records) };
        Header::read(&batch.encode().unwrap()).unwrap()
    }

    #[test]
    fn the_last_five_batches_are_known_and_the_next_must_follow() {
        let release = Release::V4_1;
        let mut producer = Producer::new(0);
        for number in 0..7 {
            let next = Header { base_offset: i64::from(number * 2), ..header(0, number * 2, 2) };
            assert_eq!(judge(Some(&producer), &next, release), Verdict::Append);
            producer.remember(&next, release, -1);
        }
        let judged = |epoch, sequence, count| judge(Some(&producer), &header(epoch, sequence, count), release);
        assert!(matches!(judged(0, 4, 2), Verdict::Duplicate(batch) if batch.base_offset == 4));
        assert_eq!(judged(0, 2, 2), Verdict::Refuse(code::OUT_OF_ORDER_SEQUENCE_NUMBER));
        assert_eq!(judged(0, 12, 1), Verdict::Refuse(code::OUT_OF_ORDER_SEQUENCE_NUMBER));
        assert_eq!(judged(0, 15, 1), Verdict::Refuse(code::OUT_OF_ORDER_SEQUENCE_NUMBER));
        assert_eq!(judged(1, 0, 1), Verdict::Append);
        assert_eq!(judged(1, 14, 1), Verdict::Refuse(code::OUT_OF_ORDER_SEQUENCE_NUMBER));
        assert_eq!(judged(-1, 14, 1), Verdict::Refuse(code::INVALID_PRODUCER_EPOCH));
    }

    #[test]
    fn an_unknown_producer_may_begin_anywhere_since_2_5_only() {
        let at = |release| judge(None, &header(0, 5, 1), release);
        assert_eq!(at(Release::V4_1), Verdict::Append);
        assert_eq!(at(Release::V2_4), Verdict::Refuse(code::UNKNOWN_PRODUCER_ID));
        assert_eq!(at(Release::V0_11), Verdict::Refuse(code::OUT_OF_ORDER_SEQUENCE_NUMBER));
    }
}
