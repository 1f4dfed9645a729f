//! Sends all partitions' batches to their leaders, several partitions a request, and checks where each lands.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::error::RestoreError;
use super::options::RestoreOptions;
use super::readers::{Ended, Read, Readers, Slot};
use super::sending::Sending;
use super::source::Source;
use super::state::State;
use crate::cancel::Cancel;
use crate::cluster::{
    Cluster, ClusterError, DataConnection, ErrorCode, Metadata, Policy, ProducePartition, ProduceResult,
};
use crate::model::{Classify, Positions, TopicId, TopicPartition, describe};
use crate::progress::Progress;
use crate::repository::Repository;

/// Partitions that are read at a time.
const ACTIVE_MAX: usize = 32;
/// Requests in flight to one leader.
const IN_FLIGHT_MAX: usize = 2;
/// Partitions in one request.
const PER_REQUEST_MAX: usize = 256;
/// How long the leader may wait for its followers.
const ACKS_TIMEOUT: Duration = Duration::from_secs(30);
/// How often pauses and deadlines are looked at.
const TICK: Duration = Duration::from_millis(100);

/// One partition to restore.
#[derive(Debug)]
pub(super) struct Work {
    /// In the target.
    pub at: TopicPartition,
    /// The topic's id in the target.
    pub topic_id: TopicId,
    /// Where its batches come from.
    pub source: Source,
    /// Positions to translate.
    pub positions: Positions,
}

/// The way to one leader.
#[derive(Debug, Default)]
struct Lane {
    connection: Arc<Mutex<Option<DataConnection>>>,
    in_flight: usize,
}

struct Answer {
    node: i32,
    slots: Vec<Slot>,
    result: Result<Vec<ProduceResult>, ClusterError>,
}

/// The whole of one restore's producing.
pub(super) struct Produce<'a> {
    cluster: &'a Cluster,
    options: &'a RestoreOptions,
    progress: &'a dyn Progress,
    cancel: &'a Cancel,
    policy: Policy,
    metadata: Arc<Metadata>,
    state: Arc<State>,
    readers: Readers,
    waiting: VecDeque<(Slot, Work)>,
    partitions: Vec<Sending>,
    /// Partitions being read or sent, ascending.
    active: Vec<Slot>,
    lanes: BTreeMap<i32, Lane>,
    answers: JoinSet<Answer>,
    stale: bool,
}

impl std::fmt::Debug for Produce<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Produce").field("partitions", &self.partitions.len()).finish_non_exhaustive()
    }
}

impl<'a> Produce<'a> {
    /// Prepares to restore the partitions.
    pub(super) fn new(
        (cluster, repository): (&'a Cluster, &Repository),
        metadata: Arc<Metadata>,
        state: Arc<State>,
        options: &'a RestoreOptions,
        work: Vec<Work>,
        progress: &'a dyn Progress,
        cancel: &'a Cancel,
    ) -> Self {
        Self {
            cluster,
            options,
            progress,
            cancel,
            policy: Policy::default(),
            metadata,
            state,
            readers: Readers::new(repository, options.memory_bytes),
            partitions: work.iter().map(|one| Sending::new(one.at.clone(), one.topic_id)).collect(),
            waiting: work.into_iter().enumerate().collect(),
            active: Vec::new(),
            lanes: BTreeMap::new(),
            answers: JoinSet::new(),
            stale: false,
        }
    }

    /// Runs until everything is acknowledged. What comes back is in the order of the work.
    pub(super) async fn run(mut self) -> Result<Vec<Ended>, RestoreError> {
        let result = self.send_all().await;
        self.readers.stop();
        result?;
        let ended = self.partitions.into_iter().map(|partition| partition.ended.map(|ended| *ended));
        ended.collect::<Option<_>>().ok_or(RestoreError::Thread { doing: "reads segments" })
    }

    async fn send_all(&mut self) -> Result<(), RestoreError> {
        let mut tick = tokio::time::interval(TICK);
        loop {
            self.begin_waiting()?;
            if self.active.is_empty() {
                return Ok(());
            }
            self.send_requests();
            tokio::select! {
                Some(answer) = self.answers.join_next() => {
                    self.take_answer(answer.map_err(|_| RestoreError::Thread { doing: "produces" })?)?;
                }
                read = self.readers.next() => self.take_read(read?)?,
                () = self.cancel.cancelled() => return Err(RestoreError::Interrupted),
                _ = tick.tick() => self.look_at_clocks().await?,
            }
        }
    }

    fn begin_waiting(&mut self) -> Result<(), RestoreError> {
        while self.active.len() < ACTIVE_MAX {
            let Some((slot, work)) = self.waiting.pop_front() else { break };
            let map = self.state.map(&work.source.at)?;
            self.readers.start(slot, work.source, work.positions, map);
            self.active.push(slot);
        }
        Ok(())
    }

    fn take_read(&mut self, read: Read) -> Result<(), RestoreError> {
        match read {
            Read::Batch(slot, batch, room) => self.partitions[slot].push(batch, room),
            Read::End(slot, ended) => {
                self.partitions[slot].ended = Some(ended);
                self.retire(slot);
            }
            Read::Failed(error) => return Err(error),
        }
        Ok(())
    }

    fn retire(&mut self, slot: Slot) {
        if self.partitions[slot].is_done() {
            self.active.retain(|other| *other != slot);
            self.progress.partition_done();
        }
    }

    fn send_requests(&mut self) {
        let now = Instant::now();
        let mut by_leader: BTreeMap<i32, Vec<Slot>> = BTreeMap::new();
        for slot in self.active.iter().copied().filter(|slot| self.partitions[*slot].is_sendable(now)) {
            let leader = self.metadata.partition(&self.partitions[slot].at).map_or(-1, |found| found.leader);
            by_leader.entry(leader).or_default().push(slot);
        }
        for slot in by_leader.remove(&-1).unwrap_or_default() {
            self.again(slot, "it has no leader".to_owned());
        }
        for (node, slots) in by_leader {
            if self.lanes.entry(node).or_default().in_flight < IN_FLIGHT_MAX {
                self.send(node, slots);
            }
        }
    }

    fn send(&mut self, node: i32, ready: Vec<Slot>) {
        let (mut slots, mut request, mut bytes) = (Vec::new(), Vec::new(), 0);
        for slot in ready {
            let partition = &mut self.partitions[slot];
            let Some(first) = partition.queue.front() else { continue };
            let size = first.batch.size();
            if !request.is_empty() && (bytes + size > self.options.request_bytes || request.len() >= PER_REQUEST_MAX) {
                continue;
            }
            bytes += size;
            request.push(ProducePartition {
                topic: partition.at.topic.clone(),
                topic_id: partition.topic_id,
                partition: partition.at.partition,
                header: first.batch.header,
                payload: first.batch.payload.clone(),
            });
            partition.in_flight = true;
            slots.push(slot);
        }
        let lane = self.lanes.entry(node).or_default();
        lane.in_flight += 1;
        let (connection, cluster) = (Arc::clone(&lane.connection), self.cluster.clone());
        self.answers.spawn(async move {
            let result = produce(&connection, &cluster, node, request).await;
            Answer { node, slots, result }
        });
    }

    fn take_answer(&mut self, answer: Answer) -> Result<(), RestoreError> {
        if let Some(lane) = self.lanes.get_mut(&answer.node) {
            lane.in_flight -= 1;
        }
        let results = match answer.result {
            Ok(results) => results,
            Err(error) => {
                for slot in answer.slots {
                    self.not_written(slot, &error)?;
                }
                return Ok(());
            }
        };
        for slot in answer.slots {
            let at = &self.partitions[slot].at;
            let found = results.iter().find(|one| one.partition == at.partition && one.topic == at.topic);
            match found {
                Some(ProduceResult { error: None, base_offset, .. }) => self.written(slot, Some(*base_offset))?,
                Some(ProduceResult { error: Some(error), .. }) if is_duplicate(error) => self.written(slot, None)?,
                Some(ProduceResult { error: Some(error), .. }) => self.not_written(slot, &error.clone())?,
                None => self.again(slot, "the answer left it out".to_owned()),
            }
        }
        Ok(())
    }

    /// The batch is in the log; it must be where the plan has it.
    fn written(&mut self, slot: Slot, base_offset: Option<i64>) -> Result<(), RestoreError> {
        let partition = &mut self.partitions[slot];
        let Some(waiting) = partition.acknowledged() else { return Ok(()) };
        let planned = waiting.batch.target_base;
        if let Some(found) = base_offset.filter(|found| *found != planned) {
            return Err(RestoreError::ForeignWriter { partition: partition.at.clone(), planned, found });
        }
        self.progress.advance(waiting.batch.source_bytes);
        self.retire(slot);
        Ok(())
    }

    /// Whether it was written or not, sending the same batch with the same sequence again is right.
    fn not_written(&mut self, slot: Slot, error: &ClusterError) -> Result<(), RestoreError> {
        let cause = describe(error);
        if error.class().is_retriable() {
            self.again(slot, cause);
            return Ok(());
        }
        Err(self.failed(slot, cause))
    }

    fn again(&mut self, slot: Slot, cause: String) {
        let partition = &mut self.partitions[slot];
        let pause = self.policy.pause(partition.attempts + 2);
        tracing::debug!(partition = %partition.at, attempt = partition.attempts, cause, "produce again");
        partition.again(cause, pause);
        self.stale = true;
    }

    fn failed(&self, slot: Slot, cause: String) -> RestoreError {
        let partition = &self.partitions[slot];
        let offset = partition.queue.front().map_or(-1, |first| first.batch.source_base);
        RestoreError::Partition { partition: partition.at.clone(), offset, cause }
    }

    async fn look_at_clocks(&mut self) -> Result<(), RestoreError> {
        for slot in &self.active {
            let partition = &self.partitions[*slot];
            if partition.stalled_for() >= self.options.stall_timeout {
                let cause = format!("no progress for {} s: {}", partition.stalled_for().as_secs(), partition.trouble);
                return Err(self.failed(*slot, cause));
            }
        }
        if std::mem::take(&mut self.stale) {
            match self.cluster.refresh(&self.metadata).await {
                Ok(metadata) => self.metadata = metadata,
                Err(error) => tracing::debug!(error = describe(&error), "metadata could not be refreshed"),
            }
        }
        Ok(())
    }
}

/// Sends over the lane's connection, which is opened if there is none or it can no longer be used.
async fn produce(
    connection: &Mutex<Option<DataConnection>>,
    cluster: &Cluster,
    node: i32,
    request: Vec<ProducePartition>,
) -> Result<Vec<ProduceResult>, ClusterError> {
    let open = {
        let mut held = connection.lock().await;
        match held.as_ref().filter(|open| open.is_usable()) {
            Some(open) => open.clone(),
            None => held.insert(cluster.data_connection(node).await?).clone(),
        }
    };
    open.produce(request, ACKS_TIMEOUT).await
}

/// Old brokers say so when a batch was already appended; newer ones answer as if it were the first time.
fn is_duplicate(error: &ClusterError) -> bool {
    error.code() == Some(ErrorCode::DUPLICATE_SEQUENCE_NUMBER)
}
