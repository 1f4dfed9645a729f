//! Where a partition goes on: its log end is looked at when a restore goes on, and whenever the broker's view of what
//! was produced may be another than ours.

use super::error::RestoreError;
use super::log_end::{FoundEnd, LogEnd};
use super::produce::Produce;
use super::readers::Slot;
use super::sending::Verdict;

/// A log end that was looked at.
#[derive(Debug)]
pub(super) struct Look {
    slot: Slot,
    end: Result<FoundEnd, RestoreError>,
}

impl Produce<'_> {
    /// Begins to look at a partition's log end.
    pub(super) fn look(&mut self, slot: Slot) {
        let work = &self.work[slot];
        let log_end = LogEnd {
            at: work.at.clone(),
            topic_id: work.topic_id,
            base: work.source.target_base,
            producer: work.source.producer,
            producers: work.source.preserve.map(|preserve| preserve.producers),
            patience: self.options.stall_timeout,
        };
        let find = log_end.find(self.cluster.clone(), self.links.clone());
        self.looks.spawn(async move { Look { slot, end: find.await } });
    }

    /// The same while batches are being sent; after too many looks without progress the partition fails.
    pub(super) fn look_again(&mut self, slot: Slot, cause: &str) -> Result<(), RestoreError> {
        tracing::debug!(partition = %self.partitions[slot].at, cause, "looking at the log end");
        if !self.partitions[slot].look(cause.to_owned()) {
            return Err(self.failed(slot, format!("the leader refuses what comes next: {cause}")));
        }
        self.look(slot);
        Ok(())
    }

    /// Goes on where the log ends.
    pub(super) fn take_look(&mut self, look: Look) -> Result<(), RestoreError> {
        let (slot, found) = (look.slot, look.end?);
        let end = found.end;
        let verdict = self.partitions[slot].seen(end);
        tracing::debug!(partition = %self.partitions[slot].at, end, ?verdict, "log end");
        match verdict {
            Verdict::GoOn => {}
            Verdict::Landed => {
                let landed = self.partitions[slot].acknowledged();
                self.progress.advance(landed.map_or(0, |one| one.batch.source_bytes));
                self.retire(slot);
            }
            Verdict::ReadFrom(from) => self.read_from(slot, from, Some(found)),
            Verdict::FellBack { reached, from } => {
                let at = &self.partitions[slot].at;
                self.notes.push(format!(
                    "partition {at}: its log fell back from offset {reached} to {from} after records had been \
                     acknowledged, so they were sent again; look at the brokers' logs for an unclean election"
                ));
                self.read_from(slot, from, Some(found));
            }
        }
        Ok(())
    }

    /// Reads the source from the record that belongs at this target offset. `looked` is set if the log was asked for it.
    pub(super) fn read_from(&mut self, slot: Slot, from: i64, looked: Option<FoundEnd>) {
        let pass = self.partitions[slot].read_again();
        let work = &self.work[slot];
        let mut source = work.source.clone();
        source.from = from;
        if let Some(preserve) = &mut source.preserve {
            (preserve.looked, preserve.last) = (looked.is_some(), looked.and_then(|found| found.last));
        }
        let reading = self.readers.start((slot, pass), source, work.positions.clone(), self.folder.clone());
        self.partitions[slot].reading = Some(reading);
    }

    /// A log that is longer than all that belongs into it was written to by somebody else.
    pub(super) fn check_end(&self, slot: Slot) -> Result<(), RestoreError> {
        let partition = &self.partitions[slot];
        let Some(planned) = partition.ended.as_ref().map(|ended| ended.log_end) else { return Ok(()) };
        let found = partition.reached();
        if found > planned {
            return Err(self.misplaced(slot, planned, found));
        }
        Ok(())
    }

    /// Something is where it does not belong.
    pub(super) fn misplaced(&self, slot: Slot, planned: i64, found: i64) -> RestoreError {
        let partition = self.partitions[slot].at.clone();
        match self.work[slot].source.preserve {
            Some(_) => RestoreError::OutOfPlace { partition, planned, found },
            None => RestoreError::ForeignWriter { partition, planned, found },
        }
    }
}
