//! When a partition does not go on: pauses, new leaders, new lineages, losses, and giving up in time.

use std::time::Instant;

use super::{Fetch, Stop, segment_start};
use crate::backup::error::BackupError;
use crate::backup::writers::{Slot, Writers};
use crate::cluster::{ClusterError, ErrorCode, OffsetSpec};
use crate::model::{Classify, ErrorClass, TopicPartition, describe};

impl Fetch<'_> {
    /// What was stored is not part of this log: the partition is read from its log start, in a new lineage.
    pub(super) async fn begin_again(&mut self, slot: Slot, writers: &Writers) -> Result<(), BackupError> {
        let at = self.partitions[slot].at.clone();
        let log_start = match self.log_start(&at).await {
            Ok(offset) => offset,
            Err(cause) => return self.give_up(slot, &cause, writers).await,
        };
        let partition = &mut self.partitions[slot];
        self.progress.note(&format!("{at}: the stored end is not part of the log any more, reading it again"));
        partition.begin_again(log_start);
        writers.open(slot, segment_start(partition, &self.run)).await?;
        if self.partitions[slot].is_done() {
            return self.end(slot, writers).await;
        }
        self.ready_again(slot);
        Ok(())
    }

    async fn log_start(&self, at: &TopicPartition) -> Result<i64, String> {
        let answer = self.cluster.list_offsets(std::slice::from_ref(at), OffsetSpec::Earliest).await;
        match answer.map_err(|error| error.to_string())?.pop() {
            Some((_, Ok(found))) => Ok(found.offset),
            Some((_, Err(error))) => Err(error.to_string()),
            None => Err("its log start is not known".to_owned()),
        }
    }

    /// A whole request failed: its partitions are asked for again, at their leaders of then.
    pub(super) async fn request_failed(
        &mut self,
        slots: &[Slot],
        error: &ClusterError,
        writers: &Writers,
    ) -> Result<(), BackupError> {
        let cause = describe(error);
        for slot in slots.iter().copied().filter(|slot| !self.partitions[*slot].ended).collect::<Vec<_>>() {
            match error.class() {
                ErrorClass::Reject | ErrorClass::Fatal => self.give_up(slot, &cause, writers).await?,
                _ => self.delay(slot, &cause),
            }
        }
        Ok(())
    }

    pub(super) async fn partition_failed(
        &mut self,
        slot: Slot,
        code: ErrorCode,
        writers: &Writers,
    ) -> Result<(), BackupError> {
        if code == ErrorCode::OFFSET_OUT_OF_RANGE {
            return self.out_of_range(slot, writers).await;
        }
        match code.class() {
            ErrorClass::Reject | ErrorClass::Fatal | ErrorClass::Corrupt => {
                self.give_up(slot, &code.to_string(), writers).await
            }
            _ => {
                self.delay(slot, &code.to_string());
                Ok(())
            }
        }
    }

    /// Retention overtook the fetch, or the log was cut below it.
    async fn out_of_range(&mut self, slot: Slot, writers: &Writers) -> Result<(), BackupError> {
        let at = self.partitions[slot].at.clone();
        let log_start = match self.log_start(&at).await {
            Ok(offset) => offset,
            Err(cause) => return self.give_up(slot, &cause, writers).await,
        };
        let partition = &mut self.partitions[slot];
        if log_start <= partition.fetch_offset() {
            let cause = format!("the log was cut below offset {} while it was read", partition.fetch_offset());
            return self.give_up(slot, &cause, writers).await;
        }
        if log_start > partition.next {
            writers.gap(slot).await?;
        }
        partition.lose_up_to(log_start);
        if partition.is_done() {
            return self.end(slot, writers).await;
        }
        self.ready_again(slot);
        Ok(())
    }

    /// Takes a partition out of its lane until its pause is over.
    pub(super) fn delay(&mut self, slot: Slot, cause: &str) {
        let node_id = self.homes[slot];
        self.leave(slot);
        let partition = &mut self.partitions[slot];
        partition.attempts += 1;
        partition.trouble = Some(cause.to_owned());
        partition.wait_until = Some(Instant::now() + self.policy.pause(partition.attempts + 1));
        tracing::debug!(partition = %partition.at, node_id, attempt = partition.attempts, cause, "fetch again");
        self.delayed.push(slot);
    }

    pub(super) async fn give_up(&mut self, slot: Slot, cause: &str, writers: &Writers) -> Result<(), BackupError> {
        if !self.partitions[slot].ended {
            self.partitions[slot].give_up(cause);
        }
        self.end(slot, writers).await
    }

    pub(super) async fn look_at_clocks(&mut self, writers: &Writers) -> Result<(), BackupError> {
        if self.stop.is_none() && self.options.max_duration.is_some_and(|limit| self.started.elapsed() >= limit) {
            return self.stop(Stop::OutOfTime, writers).await;
        }
        let now = Instant::now();
        let (due, delayed): (Vec<_>, Vec<_>) = std::mem::take(&mut self.delayed)
            .into_iter()
            .partition(|slot| self.partitions[*slot].wait_until.is_none_or(|until| until <= now));
        self.delayed = delayed;
        if !due.is_empty() {
            self.route_again(due, writers).await?;
        }
        self.give_up_stalled(writers).await
    }

    /// Reads the metadata once for all partitions whose pause is over and puts each into its leader's lane.
    async fn route_again(&mut self, due: Vec<Slot>, writers: &Writers) -> Result<(), BackupError> {
        match self.cluster.refresh(&self.metadata).await {
            Ok(metadata) => self.metadata = metadata,
            Err(error) => tracing::debug!(error = describe(&error), "metadata could not be refreshed"),
        }
        self.move_waiting();
        for slot in due {
            if self.partitions[slot].ended {
                continue;
            }
            if self.partitions[slot].stalled_for() >= self.options.stall_timeout {
                let cause = self.partitions[slot].trouble.clone().unwrap_or_else(|| "its leader is silent".to_owned());
                self.give_up(slot, &cause, writers).await?;
                continue;
            }
            match self.leader(slot) {
                -1 => self.delay(slot, "it has no leader"),
                leader => self.enter(slot, leader),
            }
        }
        Ok(())
    }

    /// Partitions that have not been begun follow their leaders.
    fn move_waiting(&mut self) {
        let waiting: Vec<Slot> = self.lanes.values_mut().flat_map(|lane| std::mem::take(&mut lane.waiting)).collect();
        for slot in waiting {
            let leader = self.leader(slot);
            self.lanes.entry(leader).or_default().waiting.push_back(slot);
        }
    }

    /// Ends partitions that can be asked for but have given nothing for too long.
    async fn give_up_stalled(&mut self, writers: &Writers) -> Result<(), BackupError> {
        let limit = self.options.stall_timeout;
        let ready = self.lanes.values().flat_map(|lane| lane.ready.iter().copied());
        let stalled: Vec<Slot> = ready.filter(|slot| self.partitions[*slot].stalled_for() >= limit).collect();
        for slot in stalled {
            let cause = self.partitions[slot].trouble.clone();
            let cause = cause.unwrap_or_else(|| format!("its leader gave nothing for {} s", limit.as_secs()));
            self.give_up(slot, &cause, writers).await?;
        }
        Ok(())
    }
}
