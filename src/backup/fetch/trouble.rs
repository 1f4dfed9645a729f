//! When a partition does not go on: pauses, new leaders, new lineages, losses, and giving up in time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Fetch, Stop, segment_start};
use crate::backup::error::BackupError;
use crate::backup::fences;
use crate::backup::writers::{Slot, Writers};
use crate::cluster::{ClusterError, ErrorCode, Subject};
use crate::model::{Classify, ErrorClass, TopicId, describe};

/// Metadata must have been without a topic for so long before it is believed to be gone: a broker that has just come
/// back may know less than the others.
const GONE: Duration = Duration::from_secs(5);

impl Fetch<'_> {
    /// What was stored or read is not part of this log: the partition is read from its log start to where it ends now,
    /// in a new lineage.
    pub(super) async fn begin_again(&mut self, slot: Slot, writers: &Writers) -> Result<(), BackupError> {
        let at = self.partitions[slot].at.clone();
        let bounds = match fences::of_one(self.cluster, &at, self.options.fence).await {
            Ok(bounds) => bounds,
            Err(cause) => return self.give_up(slot, &cause, writers).await,
        };
        let partition = &mut self.partitions[slot];
        self.progress.note(&format!("{at}: what was read is not part of the log any more, reading it again"));
        if !partition.begin_again(bounds) {
            return self.give_up(slot, "its log was cut again and again while it was read", writers).await;
        }
        writers.open(slot, segment_start(partition, &self.run)).await?;
        if self.partitions[slot].is_done() {
            return self.end(slot, writers).await;
        }
        self.ready_again(slot);
        Ok(())
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
        if code.is_authorization() {
            let subject = Subject::Partition(self.partitions[slot].at.clone());
            let refused = ClusterError::Broker { api: "Fetch", subject, code, message: None };
            return self.give_up(slot, &refused.to_string(), writers).await;
        }
        match code.class() {
            // A broker that goes down may stumble over anything.
            _ if code == ErrorCode::UNKNOWN_SERVER_ERROR => {
                self.delay(slot, &code.to_string());
                Ok(())
            }
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
        let (log_start, end) = match fences::of_one(self.cluster, &at, self.options.fence).await {
            Ok(bounds) => (bounds.log_start, bounds.high_watermark),
            Err(cause) => return self.give_up(slot, &cause, writers).await,
        };
        let partition = &mut self.partitions[slot];
        let offset = partition.fetch_offset();
        if offset > end {
            return self.begin_again(slot, writers).await;
        }
        if log_start <= offset {
            partition.doubt_epoch();
            self.delay(slot, "its leader has the offset, and refuses it");
            return Ok(());
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
        partition.stalls();
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
        let due = |slot: &Slot| self.partitions[*slot].wait_until.is_none_or(|until| until <= now);
        let any_due = self.delayed.iter().any(due);
        match self.refreshing.try_join_next() {
            Some(read) => {
                match read {
                    Ok(Ok(metadata)) => self.metadata = metadata,
                    Ok(Err(error)) => tracing::debug!(error = describe(&error), "metadata could not be refreshed"),
                    Err(_) => return Err(BackupError::Thread { doing: "reads metadata" }),
                }
                self.route_again(now, writers).await?;
            }
            None if any_due && self.refreshing.is_empty() => {
                let (cluster, stale) = (self.cluster.clone(), Arc::clone(&self.metadata));
                self.refreshing.spawn(async move { cluster.refresh(&stale).await });
            }
            None => {}
        }
        self.give_up_stalled(writers).await
    }

    /// Puts each partition whose pause is over into its leader's lane.
    async fn route_again(&mut self, now: Instant, writers: &Writers) -> Result<(), BackupError> {
        self.move_waiting();
        let (due, delayed): (Vec<_>, Vec<_>) = std::mem::take(&mut self.delayed)
            .into_iter()
            .partition(|slot| self.partitions[*slot].wait_until.is_none_or(|until| until <= now));
        self.delayed = delayed;
        for slot in due {
            if self.partitions[slot].ended {
                continue;
            }
            let gone = self.gone(slot);
            let partition = &mut self.partitions[slot];
            match gone {
                None => partition.gone_since = None,
                Some(what) => {
                    let since = *partition.gone_since.get_or_insert(now);
                    if since.elapsed() >= GONE {
                        self.give_up(slot, what, writers).await?;
                    } else {
                        self.delay(slot, what);
                    }
                    continue;
                }
            }
            match self.leader(slot) {
                -1 => self.delay(slot, "it has no leader"),
                leader => self.enter(slot, leader),
            }
        }
        Ok(())
    }

    /// What became of a topic or partition that the metadata do not have any more.
    fn gone(&self, slot: Slot) -> Option<&'static str> {
        let partition = &self.partitions[slot];
        let Some(topic) = self.metadata.topics.get(&partition.at.topic) else {
            return Some("its topic was deleted while it was read");
        };
        if topic.id != partition.topic_id && partition.topic_id != TopicId::ZERO {
            return Some("its topic was deleted and created anew while it was read");
        }
        let unknown = topic.error.is_none() && !topic.partitions.contains_key(&partition.at.partition);
        unknown.then_some("its topic was deleted and created anew with fewer partitions while it was read")
    }

    /// Partitions that have not been begun follow their leaders.
    fn move_waiting(&mut self) {
        let waiting: Vec<Slot> = self.lanes.values_mut().flat_map(|lane| std::mem::take(&mut lane.waiting)).collect();
        for slot in waiting {
            let leader = self.leader(slot);
            self.lanes.entry(leader).or_default().waiting.push_back(slot);
        }
    }

    /// Ends partitions whose leaders have been asked in vain for too long.
    async fn give_up_stalled(&mut self, writers: &Writers) -> Result<(), BackupError> {
        let ready = self.lanes.values().flat_map(|lane| lane.ready.iter().copied());
        if !self.pace.is_free() {
            // Nobody is asked just now.
            ready.for_each(|slot| self.partitions[slot].pardon());
            return Ok(());
        }
        let waiting: Vec<Slot> = ready.chain(self.delayed.iter().copied()).collect();
        for slot in waiting {
            self.give_up_if_stalled(slot, writers).await?;
        }
        Ok(())
    }

    /// Whether it was ended, because its leader has been asked in vain for too long.
    pub(super) async fn give_up_if_stalled(&mut self, slot: Slot, writers: &Writers) -> Result<bool, BackupError> {
        let limit = self.options.stall_timeout;
        if self.partitions[slot].stalled_for() < limit {
            return Ok(false);
        }
        let cause = self.partitions[slot].trouble.clone();
        let cause = cause.unwrap_or_else(|| format!("its leader gave nothing for {} s", limit.as_secs()));
        self.give_up(slot, &cause, writers).await?;
        Ok(true)
    }
}
