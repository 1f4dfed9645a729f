//! Stretches of offsets without records, as they are sent: in turn with the batches of their partition.

use super::preserver::Filled;
use crate::restore::error::RestoreError;
use crate::restore::produce::Produce;
use crate::restore::readers::Slot;
use crate::restore::source::Kind;

/// A stretch that was filled, or not.
#[derive(Debug)]
pub(in crate::restore) struct Job {
    slot: Slot,
    result: Result<Filled, RestoreError>,
}

impl Produce<'_> {
    /// Begins to fill the stretch that is next, if it is one.
    pub(in crate::restore) fn begin_job(&mut self, slot: Slot) -> Result<bool, RestoreError> {
        let partition = &mut self.partitions[slot];
        let Some(next) = partition.queue.front().map(|first| &first.batch).filter(|next| next.kind != Kind::Batch)
        else {
            return Ok(false);
        };
        let Some(preserver) = self.preserver.clone() else {
            return Err(RestoreError::Thread { doing: "fills offsets" });
        };
        let (at, topic_id) = (partition.at.clone(), partition.topic_id);
        let (kind, base, until) = (next.kind, next.target_base, next.target_next);
        partition.in_flight = true;
        partition.has_job = true;
        self.jobs.spawn(async move {
            let result = match kind {
                Kind::Batch => Ok(Filled::Done),
                Kind::Filler => preserver.fill(&at, topic_id, until).await,
                Kind::Hole { unresolved } => preserver.mark(&at, base, until, unresolved).await,
            };
            Job { slot, result }
        });
        Ok(true)
    }

    /// Goes on behind the stretch.
    pub(in crate::restore) fn take_job(&mut self, job: Job) -> Result<(), RestoreError> {
        match job.result? {
            Filled::Done => {
                self.partitions[job.slot].acknowledged();
                self.retire(job.slot);
                Ok(())
            }
            Filled::FellBack(cause) => self.look_again(job.slot, &cause),
        }
    }
}
