//! Two sides, record by record. Batches whose records lie in the same bytes are compared as such.

use super::compaction::{Compaction, Lost};
use super::content::{What, difference};
use super::offsets::Offsets;
use super::side::{Batches, Current, Halt, Side};
use crate::batch::{Place, Record};

/// What is not a difference in this comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Rules {
    /// The topic is compacted.
    pub compacted: bool,
    /// What lies below the log start has expired.
    pub may_expire: bool,
    /// A tombstone written after the snapshot may have come and gone.
    pub tombstones_may_be_gone: bool,
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Odd {
    /// Offset in the snapshot, if the snapshot has the record.
    pub source: Option<i64>,
    /// Offset in the cluster, if that is known.
    pub target: Option<i64>,
    pub what: What,
    pub detail: String,
}

/// What was found in one partition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Records that are equal.
    pub equal: u64,
    /// Batches whose bytes were compared, and records that were compared one by one.
    pub by_bytes: u64,
    pub one_by_one: u64,
    /// Records that are not there any more, rightly: below the log start, or compacted.
    pub expired: u64,
    pub compacted: u64,
    /// The first difference, and how many there are.
    pub first: Option<Odd>,
    pub differences: u64,
    /// Why it is less than a whole comparison.
    pub not_compared: Option<String>,
}

impl Tally {
    fn odd(&mut self, odd: Odd, count: u64) {
        self.differences += count;
        // They come in order, but for those that compaction did not take: these are judged at the end.
        let before = |first: &Odd| match (odd.target.zip(first.target), odd.source.zip(first.source)) {
            (Some((one, other)), _) | (None, Some((one, other))) => one < other,
            (None, None) => false,
        };
        if self.first.as_ref().is_none_or(before) {
            self.first = Some(odd);
        }
    }
}

/// A comparison under way.
#[derive(Debug)]
pub(super) struct Merge<S, F> {
    pub(super) stored: Side<S>,
    pub(super) found: Side<F>,
    pub(super) offsets: Offsets,
    rules: Rules,
    compaction: Compaction,
    tally: Tally,
}

impl<S: Batches, F: Batches> Merge<S, F> {
    pub(super) fn new(stored: Side<S>, found: Side<F>, offsets: Offsets, rules: Rules) -> Self {
        Self { stored, found, offsets, rules, compaction: Compaction::default(), tally: Tally::default() }
    }

    /// Compares everything. What is found is there also where it ends early.
    pub(super) fn run(mut self) -> (Tally, Self, Option<Halt>) {
        let halt = self.compare().and_then(|()| self.later_records()).err();
        self.judge_compaction();
        let mut tally = std::mem::take(&mut self.tally);
        let halt = match halt {
            Some(Halt::Unreadable { offset, detail }) => {
                tally.odd(Odd { source: None, target: Some(offset), what: What::Unreadable, detail }, 1);
                tally.not_compared = Some(format!("nothing from offset {offset} on can be read"));
                None
            }
            Some(Halt::NotCompared(why)) => {
                tally.not_compared = Some(why);
                None
            }
            halt => halt,
        };
        (tally, self, halt)
    }

    fn compare(&mut self) -> Result<(), Halt> {
        loop {
            if self.same_bytes()? {
                continue;
            }
            match (self.stored.settle()?, self.found.settle()?) {
                (false, false) => return Ok(()),
                (true, false) => self.missing(None)?,
                (false, true) => self.extra()?,
                (true, true) => self.both()?,
            }
        }
    }

    /// Passes over a batch whose records lie in the same bytes on both sides. False where that is not so.
    fn same_bytes(&mut self) -> Result<bool, Halt> {
        if self.compaction.is_waiting() {
            return Ok(false);
        }
        let (Some(stored), Some(found)) = (self.stored.untouched()?, self.found.untouched()?) else {
            return Ok(false);
        };
        if !same(stored, found) {
            return Ok(false);
        }
        let count = stored.header.record_count;
        let (base, there) = (stored.header.base_offset, found.header.base_offset);
        if self.offsets.target(base, i64::from(count))? != Some(there) {
            return Ok(false);
        }
        self.tally.equal += u64::from(count.unsigned_abs());
        self.tally.by_bytes += 1;
        self.stored.pass_batch();
        self.found.pass_batch();
        Ok(true)
    }

    fn both(&mut self) -> Result<(), Halt> {
        let (stored, after) = self.stored.record()?;
        let (found, found_after) = self.found.record()?;
        let target = self.offsets.target(stored.offset, 1)?;
        match target {
            Some(target) if target > found.offset => return self.extra(),
            Some(target) if target == found.offset => {}
            target => return self.missing(target),
        }
        self.tally.one_by_one += 1;
        match difference(&stored, &found) {
            None => self.tally.equal += 1,
            Some((what, detail)) => {
                let odd = Odd { source: Some(stored.offset), target: Some(found.offset), what, detail };
                self.tally.odd(odd, 1);
            }
        }
        self.compaction.see(&found);
        self.stored.advance(after);
        self.found.advance(found_after);
        Ok(())
    }

    fn missing(&mut self, target: Option<i64>) -> Result<(), Halt> {
        let (record, after) = self.stored.record()?;
        let source = record.offset;
        let target = match target {
            Some(target) => Some(target),
            None => self.offsets.target(source, 1)?,
        };
        let below = target.is_some_and(|target| target < self.found.batches.log_start());
        match target {
            Some(_) if below && self.rules.may_expire => self.tally.expired += 1,
            Some(target) if self.rules.compacted => self.compaction.miss(&record, Lost { source, target }),
            target => {
                let odd = Odd { source: Some(source), target, what: What::Missing, detail: missing(target, below) };
                self.tally.odd(odd, 1);
            }
        }
        self.stored.advance(after);
        Ok(())
    }

    fn extra(&mut self) -> Result<(), Halt> {
        let (record, after) = self.found.record()?;
        let detail = "there is a record that the snapshot does not have".to_owned();
        let odd = Odd { source: None, target: Some(record.offset), what: What::Extra, detail };
        self.tally.odd(odd, 1);
        self.compaction.see(&record);
        self.found.advance(after);
        Ok(())
    }

    /// Records behind the end of the snapshot may say why compaction took some.
    fn later_records(&mut self) -> Result<(), Halt> {
        self.found.open_end();
        while self.compaction.is_waiting() && self.found.settle()? {
            let (record, after): (Record<'_>, Place) = self.found.record()?;
            self.compaction.see(&record);
            self.found.advance(after);
        }
        Ok(())
    }

    fn judge_compaction(&mut self) {
        self.tally.compacted = self.compaction.taken;
        if self.compaction.unjudged > 0 {
            let many = self.compaction.unjudged;
            self.tally.not_compared =
                Some(format!("{many} compacted records have too many different keys to look for later ones"));
        }
        let Some((first, count)) = self.compaction.unexplained() else { return };
        if self.rules.tombstones_may_be_gone {
            self.tally.not_compared = Some(format!(
                "{count} records, the first at source offset {}, were compacted away and no later record has their \
                 keys: they were deleted after the snapshot, or are missing; nobody can tell any more",
                first.source
            ));
            return;
        }
        let detail = "the record is not there, and no later one has its key".to_owned();
        let (source, target) = (Some(first.source), Some(first.target));
        self.tally.odd(Odd { source, target, what: What::Missing, detail }, count);
    }
}

fn missing(target: Option<i64>, below: bool) -> String {
    match target {
        Some(_) if below => "the record is below the log start: retention or DeleteRecords took it".to_owned(),
        Some(_) => "the record is not there".to_owned(),
        None => "the record was not restored: the offset map has no place for it".to_owned(),
    }
}

/// Whether equal bytes behind the headers mean equal records: as many of them without holes, compressed in the same
/// way, their times relative to the same one.
fn same(stored: &Current, found: &Current) -> bool {
    let (one, other) = (&stored.header, &found.header);
    let times = one.base_timestamp == other.base_timestamp
        && one.attributes.log_append_time() == other.attributes.log_append_time()
        && (!one.attributes.log_append_time() || one.max_timestamp == other.max_timestamp);
    times
        && one.is_whole()
        && other.is_whole()
        && one.record_count == other.record_count
        && one.attributes.codec().is_some()
        && one.attributes.codec() == other.attributes.codec()
        && stored.payload() == found.payload()
}
