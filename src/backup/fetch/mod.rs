//! Fetches all partitions up to their fences: several leaders and partitions at once, with bounded memory.
//!
//! One task keeps all the state and never waits for one leader alone. What comes in is looked at just enough to know
//! the next offset, so the next request leaves at once; the checking and writing is done by [`Writers`].

mod memory;
mod trouble;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::Interval;

use self::memory::InFlight;
use super::error::BackupError;
use super::lane::Lane;
use super::options::BackupOptions;
use super::partition::{Empty, Fetching, Step};
use super::writers::{Slot, Writers, Written};
use crate::cancel::Cancel;
use crate::cluster::{
    Cluster, ClusterError, FetchAnswer, FetchLimits, FetchPartition, FetchedPartition, Metadata, Policy,
};
use crate::pace::Pace;
use crate::progress::Progress;
use crate::repository::SegmentStart;
use crate::repository::format::Seal;

/// How often waiting partitions and deadlines are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How long a leader may hold back an answer that has nothing.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// Why fetching ended before every fence was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The user asked.
    Cancelled,
    /// `--max-duration` is over.
    OutOfTime,
}

/// What came of a partition.
#[derive(Debug)]
pub(super) struct Fetched {
    /// Its state at the end.
    pub partition: Fetching,
    /// Seals made by this run, ascending.
    pub seals: Vec<Seal>,
}

/// A request on its way back.
struct Answer {
    node: i32,
    slots: Vec<Slot>,
    result: Result<FetchAnswer, ClusterError>,
}

/// The whole of one run's fetching.
pub(super) struct Fetch<'a> {
    cluster: &'a Cluster,
    options: &'a BackupOptions,
    run: String,
    progress: &'a dyn Progress,
    cancel: &'a Cancel,
    policy: Policy,
    pace: Pace,
    in_flight: InFlight,
    /// The leader that was asked last.
    asked: i32,
    started: Instant,
    metadata: Arc<Metadata>,
    partitions: Vec<Fetching>,
    seals: Vec<Option<Vec<Seal>>>,
    lanes: BTreeMap<i32, Lane>,
    /// The lane in which a partition is under way.
    homes: Vec<Option<i32>>,
    delayed: Vec<Slot>,
    /// The one reading of the metadata that is under way: other leaders' partitions go on meanwhile.
    refreshing: JoinSet<Result<Arc<Metadata>, ClusterError>>,
    answers: JoinSet<Answer>,
    unfinished: usize,
    stop: Option<Stop>,
}

impl std::fmt::Debug for Fetch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetch").field("partitions", &self.partitions.len()).finish_non_exhaustive()
    }
}

impl<'a> Fetch<'a> {
    /// Prepares to fetch the partitions, none of which is done.
    pub(super) async fn new(
        cluster: &'a Cluster,
        options: &'a BackupOptions,
        run: String,
        partitions: Vec<Fetching>,
        progress: &'a dyn Progress,
        cancel: &'a Cancel,
    ) -> Result<Self, BackupError> {
        let metadata = cluster.metadata().await?;
        let count = partitions.len();
        let mut fetch = Self {
            cluster,
            options,
            run,
            progress,
            cancel,
            policy: Policy::default(),
            pace: Pace::new(options.rate),
            in_flight: InFlight::new(options.memory_bytes),
            asked: -1,
            started: Instant::now(),
            metadata,
            partitions,
            seals: Vec::new(),
            lanes: BTreeMap::new(),
            homes: vec![None; count],
            delayed: Vec::new(),
            refreshing: JoinSet::new(),
            answers: JoinSet::new(),
            unfinished: count,
            stop: None,
        };
        fetch.seals.resize_with(count, || None);
        for slot in 0..count {
            let leader = fetch.leader(slot);
            fetch.lanes.entry(leader).or_default().waiting.push_back(slot);
        }
        Ok(fetch)
    }

    /// Runs until every partition has reached its fence or been given up, or the run is stopped. Everything that
    /// was fetched is sealed in any case.
    pub(super) async fn run(mut self, mut writers: Writers) -> Result<(Vec<Fetched>, Option<Stop>), BackupError> {
        let mut tick = tokio::time::interval(TICK);
        while self.unfinished > 0 {
            if let Err(error) = self.turn(&mut writers, &mut tick).await {
                let error = writers.cause(error);
                // What was sealed is journaled; what was not is removed. The first error is the one to tell.
                let _ = writers.join();
                return Err(error);
            }
        }
        writers.join()?;
        let seals = self.seals.into_iter().map(Option::unwrap_or_default);
        let fetched = self.partitions.into_iter().zip(seals).map(|(partition, seals)| Fetched { partition, seals });
        Ok((fetched.collect(), self.stop))
    }

    async fn turn(&mut self, writers: &mut Writers, tick: &mut Interval) -> Result<(), BackupError> {
        self.begin_waiting(writers).await?;
        self.send_requests();
        tokio::select! {
            Some(answer) = self.answers.join_next() => match answer {
                Ok(answer) => self.take_answer(answer, writers).await,
                Err(error) if error.is_cancelled() => Ok(()),
                Err(_) => Err(BackupError::Thread { doing: "fetches" }),
            },
            written = writers.next() => self.take_written(written?, writers).await,
            () = self.pace.free(), if !self.pace.is_free() => Ok(()),
            () = self.cancel.cancelled(), if self.stop.is_none() => self.stop(Stop::Cancelled, writers).await,
            _ = tick.tick() => self.look_at_clocks(writers).await,
        }
    }

    fn leader(&self, slot: Slot) -> i32 {
        self.metadata.partition(&self.partitions[slot].at).map_or(-1, |partition| partition.leader)
    }

    async fn begin_waiting(&mut self, writers: &Writers) -> Result<(), BackupError> {
        if self.stop.is_some() {
            return Ok(());
        }
        let mut begun = Vec::new();
        for (node, lane) in &mut self.lanes {
            while lane.has_room() {
                let Some(slot) = lane.waiting.pop_front() else { break };
                lane.active += 1;
                self.homes[slot] = Some(*node);
                begun.push((*node, slot));
            }
        }
        for (node, slot) in begun {
            writers.open(slot, segment_start(&self.partitions[slot], &self.run)).await?;
            if node < 0 { self.delay(slot, "it has no leader") } else { self.ready_again(slot) }
        }
        Ok(())
    }

    /// Puts a partition into its leader's lane.
    fn enter(&mut self, slot: Slot, node: i32) {
        let lane = self.lanes.entry(node).or_default();
        lane.active += 1;
        lane.ready.push_back(slot);
        self.homes[slot] = Some(node);
    }

    /// Takes a partition out of its lane.
    fn leave(&mut self, slot: Slot) {
        let Some(lane) = self.homes[slot].take().and_then(|node| self.lanes.get_mut(&node)) else { return };
        lane.active -= 1;
        lane.ready.retain(|other| *other != slot);
    }

    fn ready_again(&mut self, slot: Slot) {
        let Some(lane) = self.homes[slot].and_then(|node| self.lanes.get_mut(&node)) else { return };
        lane.ready.push_back(slot);
    }

    /// No more is asked of the partition; what it has is sealed.
    async fn end(&mut self, slot: Slot, writers: &Writers) -> Result<(), BackupError> {
        if std::mem::replace(&mut self.partitions[slot].ended, true) {
            return Ok(());
        }
        self.leave(slot);
        writers.finish(slot).await
    }

    /// Asks every leader that can be asked, beginning behind the one that was asked last: where memory is short, each gets
    /// its turn.
    fn send_requests(&mut self) {
        let (before, behind): (Vec<i32>, Vec<i32>) = self.lanes.keys().copied().partition(|node| *node <= self.asked);
        for node in behind.into_iter().chain(before).filter(|node| *node >= 0) {
            while self.stop.is_none() && self.pace.is_free() && self.send_request(node) {}
        }
    }

    /// False if the leader cannot be asked for more just now.
    fn send_request(&mut self, node: i32) -> bool {
        let most = self.pace.at_once(self.options.fetch_bytes as usize);
        let Some(lane) = self.lanes.get_mut(&node).filter(|_| self.in_flight.has_room(most)) else { return false };
        let (partitions, metadata, most) = (&self.partitions, &self.metadata, most as i32);
        let slots = lane.choose(|slot| partitions[slot].alone);
        if slots.is_empty() {
            return false;
        }
        let request = slots.iter().map(|slot| ask(&partitions[*slot], metadata, most, slots.len()));
        let limits = FetchLimits { max_bytes: most, max_wait: MAX_WAIT, min_bytes: 1 };
        let answer = lane.fetch(self.cluster, node, request.collect(), limits);
        lane.in_flight += 1;
        self.in_flight.sent();
        self.asked = node;
        self.answers.spawn(async move { Answer { node, slots, result: answer.await } });
        true
    }

    async fn take_answer(&mut self, answer: Answer, writers: &Writers) -> Result<(), BackupError> {
        let Answer { node, slots, result } = answer;
        if let Some(lane) = self.lanes.get_mut(&node) {
            lane.in_flight -= 1;
        }
        let fetched = match result {
            Ok(fetched) => fetched,
            Err(error) => {
                self.in_flight.came(0);
                return self.request_failed(&slots, &error, writers).await;
            }
        };
        let alone = slots.len() == 1;
        let mut by_slot: BTreeMap<Slot, FetchedPartition> = BTreeMap::new();
        let bytes = fetched.partitions.iter().map(|found| found.records.len()).sum();
        self.in_flight.came(bytes);
        self.pace.passed(bytes as u64);
        for found in fetched.partitions {
            let of = |slot: &&Slot| {
                let at = &self.partitions[**slot].at;
                at.partition == found.partition && at.topic == found.topic
            };
            if let Some(slot) = slots.iter().find(of) {
                by_slot.insert(*slot, found);
            }
        }
        for slot in slots {
            if self.partitions[slot].ended {
                continue;
            }
            match by_slot.remove(&slot) {
                Some(found) => {
                    let empty = what_empty_means(alone, fetched.throttled_empty, &found, &self.partitions[slot]);
                    self.take_partition(slot, found, empty, writers).await?;
                }
                // A throttled answer may leave all partitions out.
                None => self.ready_again(slot),
            }
        }
        Ok(())
    }

    async fn take_partition(
        &mut self,
        slot: Slot,
        found: FetchedPartition,
        empty: Empty,
        writers: &Writers,
    ) -> Result<(), BackupError> {
        if let Some(code) = found.error {
            return self.partition_failed(slot, code, writers).await;
        }
        let partition = &mut self.partitions[slot];
        if found.diverging.is_some() {
            return self.begin_again(slot, writers).await;
        }
        match partition.take(&found.records, empty) {
            Step::Append(batches) => {
                self.append(slot, batches, writers).await?;
                // One that is asked again at once is never seen to wait.
                if !self.give_up_if_stalled(slot, writers).await? {
                    self.ready_again(slot);
                }
            }
            Step::Done(batches) => {
                self.append(slot, batches, writers).await?;
                self.end(slot, writers).await?;
            }
            Step::Diverged => self.begin_again(slot, writers).await?,
            Step::Damaged(cause) => self.give_up(slot, &cause, writers).await?,
        }
        Ok(())
    }

    async fn append(&mut self, slot: Slot, batches: bytes::Bytes, writers: &Writers) -> Result<(), BackupError> {
        if batches.is_empty() {
            return Ok(());
        }
        if self.partitions[slot].take_gap() {
            writers.gap(slot).await?;
        }
        self.progress.advance(batches.len() as u64);
        writers.append(slot, batches).await
    }

    async fn take_written(&mut self, written: Written, writers: &Writers) -> Result<(), BackupError> {
        match written {
            Written::Finished(slot, seals) => {
                if self.seals[slot].is_none() {
                    self.seals[slot] = Some(seals);
                    self.unfinished -= 1;
                    self.progress.partition_done();
                }
                Ok(())
            }
            Written::Damaged(slot, cause) => {
                // It may have ended meanwhile: this may have been its last answer.
                self.partitions[slot].spoil(&cause);
                self.end(slot, writers).await
            }
            Written::Failed(error) => Err(error),
        }
    }

    /// Seals everything that was fetched; answers still on their way are not waited for.
    async fn stop(&mut self, why: Stop, writers: &Writers) -> Result<(), BackupError> {
        self.stop = Some(why);
        self.answers.abort_all();
        for slot in 0..self.partitions.len() {
            self.end(slot, writers).await?;
        }
        Ok(())
    }
}

fn what_empty_means(alone: bool, throttled: bool, found: &FetchedPartition, partition: &Fetching) -> Empty {
    match (throttled, alone) {
        (true, _) => Empty::Throttled,
        (false, false) => Empty::Shared,
        (false, true) if found.high_watermark >= partition.bounds.fence => Empty::Conclusive,
        (false, true) => Empty::Lagging,
    }
}

fn segment_start(partition: &Fetching, run: &str) -> SegmentStart {
    SegmentStart {
        topic: partition.at.topic.clone(),
        topic_id: partition.topic_id,
        partition: partition.at.partition,
        lineage: partition.continuation.lineage,
        run: run.to_owned(),
        open: partition.continuation.open.clone(),
    }
}

fn ask(partition: &Fetching, metadata: &Metadata, most: i32, together: usize) -> FetchPartition {
    let share = most / i32::try_from(together).unwrap_or(i32::MAX).clamp(1, 4);
    FetchPartition {
        topic: partition.at.topic.clone(),
        topic_id: partition.topic_id,
        partition: partition.at.partition,
        leader_epoch: metadata.partition(&partition.at).map_or(-1, |found| found.leader_epoch),
        offset: partition.fetch_offset(),
        last_epoch: partition.last_epoch(),
        max_bytes: share.max(1),
    }
}
