//! What lies where in a partition whose offsets are kept: filler below the log start, records at their own offsets,
//! markers in the holes between them. No I/O.

use crate::batch::Run;
use crate::model::OffsetRange;
use crate::restore::source::sequence;

/// The batch before a log end, as far as it tells who wrote it and how far he was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::restore) struct LastBatch {
    /// Its producer.
    pub producer_id: i64,
    /// The sequence that follows its own.
    pub next_sequence: i32,
}

/// The producers whose batches make up such a log. Each has an id of its own, so the last batch of a log tells which
/// part of the plan it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::restore) struct Producers {
    /// Of records.
    pub data: i64,
    /// Of filler.
    pub filler: i64,
    /// Of markers.
    pub markers: i64,
}

impl Producers {
    /// Whether it is one of them.
    pub(in crate::restore) fn include(&self, producer_id: i64) -> bool {
        [self.data, self.filler, self.markers].contains(&producer_id)
    }
}

/// A pass over the plan of one partition, from offset 0 to the end of what is restored.
#[derive(Debug)]
pub(in crate::restore) struct InPlace {
    producers: Producers,
    /// The target's log end, and the batch before it if there is one left.
    from: i64,
    last: Option<LastBatch>,
    /// Offset after what was passed.
    next: i64,
    /// Records passed.
    records: i64,
    fits: bool,
}

impl InPlace {
    /// Begins at offset 0.
    pub(in crate::restore) fn new(producers: Producers, from: i64, last: Option<LastBatch>) -> Self {
        Self { producers, from, last, next: 0, records: 0, fits: true }
    }

    /// Passes what lies below the log start. Gives what is to be filled, if filling is not known to be over.
    pub(in crate::restore) fn filler(&mut self, log_start: i64) -> Option<OffsetRange> {
        self.end_within(log_start, self.producers.filler, self.from);
        self.next = log_start;
        (log_start > 0 && self.from <= log_start).then_some(OffsetRange { base: self.from, next: log_start })
    }

    /// Passes the hole up to an offset. Gives the part of it that is not in the log yet.
    pub(in crate::restore) fn hole(&mut self, until: i64) -> Option<OffsetRange> {
        if until > self.next {
            // A marker has the sequence -1 and counts as one record.
            self.end_within(until, self.producers.markers, 0);
        }
        let missing = OffsetRange { base: self.next.max(self.from), next: until };
        self.next = self.next.max(until);
        (missing.base < missing.next).then_some(missing)
    }

    /// Passes consecutive records. Gives the first offset that is not in the log yet, and how many records lie below it.
    pub(in crate::restore) fn records(&mut self, run: Run) -> Option<(i64, i64)> {
        let until = run.base + i64::from(run.count);
        self.end_within(until, self.producers.data, self.records + self.from - run.base);
        let first = run.base.max(self.from);
        let below = self.records + first - run.base;
        self.records += i64::from(run.count);
        self.next = until;
        (first < until).then_some((first, below))
    }

    /// Whether the log is a beginning of this plan, as far as it was passed.
    pub(in crate::restore) fn fits(&self) -> bool {
        self.fits
    }

    /// If the log ends in what is about to be passed, its last batch must be one of it.
    fn end_within(&mut self, until: i64, producer_id: i64, records: i64) {
        let Some(last) = self.last.filter(|_| self.next < self.from && self.from <= until) else { return };
        self.fits = last.producer_id == producer_id && last.next_sequence == sequence(records);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Producers = Producers { data: 1, filler: 2, markers: 3 };

    /// The plan of a log that begins at 100: records 100 to 109, a hole of 3, records 113 to 114, a hole of 1. What is
    /// missing of each part when the log ends at `from`, and whether its last batch fits.
    fn pass(from: i64, last: Option<(i64, i32)>) -> (Vec<String>, bool) {
        let last = last.map(|(producer_id, next_sequence)| LastBatch { producer_id, next_sequence });
        let mut plan = InPlace::new(OURS, from, last);
        let mut missing = Vec::new();
        let range = |what: &str, range: OffsetRange| format!("{what} {}-{}", range.base, range.next);
        missing.extend(plan.filler(100).map(|one| range("fill", one)));
        for (base, count) in [(100, 10), (113, 2)] {
            missing.extend(plan.hole(base).map(|one| range("mark", one)));
            missing.extend(plan.records(Run { base, count }).map(|(first, below)| format!("from {first} #{below}")));
        }
        missing.extend(plan.hole(116).map(|one| range("mark", one)));
        assert_eq!(plan.next, 116);
        (missing, plan.fits())
    }

    #[test]
    fn any_log_end_tells_what_is_missing() {
        let all = ["fill 0-100", "from 100 #0", "mark 110-113", "from 113 #10", "mark 115-116"];
        assert_eq!(pass(0, None), (all.map(str::to_owned).to_vec(), true));
        let cases = [
            (64, (2, 64), "fill 64-100", 0),
            (100, (2, 100), "fill 100-100", 0),
            (101, (1, 1), "from 101 #1", 1),
            (110, (1, 10), "mark 110-113", 2),
            (111, (3, 0), "mark 111-113", 2),
            (113, (3, 0), "from 113 #10", 3),
            (114, (1, 11), "from 114 #11", 3),
            (115, (1, 12), "mark 115-116", 4),
        ];
        for (from, last, first, part) in cases {
            let mut expected = all.map(str::to_owned).to_vec().split_off(part);
            first.clone_into(&mut expected[0]);
            assert_eq!(pass(from, Some(last)), (expected, true), "log end {from}");
        }
        assert_eq!(pass(116, Some((3, 0))), (Vec::new(), true));
    }

    #[test]
    fn nothing_is_filled_below_a_log_that_begins_at_0() {
        assert_eq!(InPlace::new(OURS, 0, None).filler(0), None);
        assert!(OURS.include(3) && !OURS.include(-1) && !OURS.include(4));
    }

    #[test]
    fn a_log_that_is_not_a_beginning_of_the_plan_is_seen() {
        // A marker among the records; a record where the hole goes on; one record too many; filler beyond the log start.
        for (from, last) in
            [(105, (3, 0)), (112, (1, 10)), (114, (3, 0)), (109, (1, 10)), (101, (2, 101)), (115, (1, 11))]
        {
            assert!(!pass(from, Some(last)).1, "log end {from}");
        }
    }
}
