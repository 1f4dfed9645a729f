//! Sends all partitions' batches to their leaders, several partitions a request, and checks where each lands.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::Context;
use super::error::RestoreError;
use super::link::{Link, Links};
use super::options::RestoreOptions;
use super::preserve::{Job, Preserver};
use super::readers::{Ended, News, Read, Readers, Slot};
use super::reposition::Look;
use super::sending::Sending;
use super::source::Source;
use crate::cancel::Cancel;
use crate::cluster::{Cluster, ClusterError, ErrorCode, Metadata, Outcome, Policy, ProducePartition, ProduceResult};
use crate::model::{Classify, TopicId, TopicPartition, describe};
use crate::pace::Pace;
use crate::progress::Progress;
use crate::repository::RestoreFolder;

/// Partitions that are read at a time.
const ACTIVE_MAX: usize = 32;
/// Requests in flight to one leader, each on a connection of its own: a broker works on those of one connection one after
/// the other. A partition has one batch in flight, so its batches stay in order.
const IN_FLIGHT_MAX: usize = 2;
/// Partitions in one request.
const PER_REQUEST_MAX: usize = 256;
/// How long the leader may wait for its followers.
const ACKS_TIMEOUT: Duration = Duration::from_secs(30);
/// How often pauses and deadlines are looked at.
const TICK: Duration = Duration::from_millis(100);

/// One partition to restore.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// In the target.
    pub at: TopicPartition,
    /// The topic's id in the target.
    pub topic_id: TopicId,
    /// Where its batches come from; its `from` counts only if nothing was ever sent.
    pub source: Source,
    /// Positions to translate.
    pub positions: Vec<i64>,
    /// Bytes of its segments.
    pub bytes: u64,
}

/// What came of a restore's producing.
#[derive(Debug)]
pub(super) struct Produced {
    /// In the order of the work.
    pub ended: Vec<Ended>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// The connections to one leader on which nothing is in flight.
#[derive(Debug)]
struct Lane {
    free: Vec<Link>,
}

impl Default for Lane {
    fn default() -> Self {
        Self { free: std::iter::repeat_with(Link::default).take(IN_FLIGHT_MAX).collect() }
    }
}

struct Answer {
    node: i32,
    link: Link,
    /// With the leader epoch under which each was sent.
    slots: Vec<(Slot, i32)>,
    result: Result<Vec<ProduceResult>, ClusterError>,
}

/// The whole of one restore's producing.
pub(super) struct Produce<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) options: &'a RestoreOptions,
    pub(super) progress: &'a dyn Progress,
    cancel: &'a Cancel,
    policy: Policy,
    pace: Pace,
    metadata: Arc<Metadata>,
    pub(super) folder: RestoreFolder,
    pub(super) readers: Readers,
    pub(super) work: &'a [Work],
    /// Somebody may have produced before: every log end is looked at first.
    again: bool,
    waiting: VecDeque<Slot>,
    pub(super) partitions: Vec<Sending>,
    /// Partitions being read or sent, ascending.
    active: Vec<Slot>,
    lanes: BTreeMap<i32, Lane>,
    answers: JoinSet<Answer>,
    pub(super) links: Links,
    pub(super) looks: JoinSet<Look>,
    pub(super) notes: Vec<String>,
    /// Fills what has no records, where offsets are preserved.
    pub(super) preserver: Option<Preserver>,
    pub(super) jobs: JoinSet<Job>,
    stale: bool,
}

impl std::fmt::Debug for Produce<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Produce").field("partitions", &self.partitions.len()).finish_non_exhaustive()
    }
}

impl<'a> Produce<'a> {
    /// Prepares to restore the partitions. With `again` their log ends say where to begin.
    pub(super) async fn new(
        context: Context<'a>,
        folder: &RestoreFolder,
        work: &'a [Work],
        again: bool,
    ) -> Result<Self, RestoreError> {
        let Context { cluster, repository, options, progress, cancel } = context;
        let begin = |one: &Work| Sending::new(one.at.clone(), one.topic_id, one.source.target_base);
        Ok(Self {
            cluster,
            options,
            progress,
            cancel,
            policy: Policy::default(),
            pace: Pace::new(options.rate),
            metadata: cluster.metadata().await?,
            folder: folder.clone(),
            readers: Readers::new(repository, options.memory_bytes),
            partitions: work.iter().map(begin).collect(),
            waiting: (0..work.len()).collect(),
            work,
            again,
            active: Vec::new(),
            lanes: BTreeMap::new(),
            answers: JoinSet::new(),
            links: Links::default(),
            looks: JoinSet::new(),
            notes: Vec::new(),
            preserver: None,
            jobs: JoinSet::new(),
            stale: false,
        })
    }

    /// Runs until everything is acknowledged.
    pub(super) async fn run(mut self) -> Result<Produced, RestoreError> {
        let result = self.send_all().await;
        self.readers.stop();
        result?;
        let ended = self.partitions.into_iter().map(|partition| partition.ended.map(|ended| *ended));
        let ended = ended.collect::<Option<_>>().ok_or(RestoreError::Thread { doing: "reads segments" })?;
        Ok(Produced { ended, notes: self.notes })
    }

    async fn send_all(&mut self) -> Result<(), RestoreError> {
        let mut tick = tokio::time::interval(TICK);
        loop {
            self.begin_waiting();
            if self.active.is_empty() {
                return Ok(());
            }
            self.send_requests()?;
            tokio::select! {
                Some(answer) = self.answers.join_next() => {
                    self.take_answer(answer.map_err(|_| RestoreError::Thread { doing: "produces" })?)?;
                }
                Some(look) = self.looks.join_next() => {
                    self.take_look(look.map_err(|_| RestoreError::Thread { doing: "looks at log ends" })?)?;
                }
                Some(job) = self.jobs.join_next() => {
                    self.take_job(job.map_err(|_| RestoreError::Thread { doing: "fills offsets" })?)?;
                }
                read = self.readers.next() => self.take_read(read?)?,
                () = self.pace.free(), if !self.pace.is_free() => {}
                () = self.cancel.cancelled() => return Err(RestoreError::Interrupted),
                _ = tick.tick() => self.look_at_clocks().await?,
            }
        }
    }

    fn begin_waiting(&mut self) {
        while self.active.len() < ACTIVE_MAX {
            let Some(slot) = self.waiting.pop_front() else { break };
            if self.again {
                self.partitions[slot].look(String::new());
                self.look(slot);
            } else {
                self.read_from(slot, self.work[slot].source.target_base, None);
            }
            self.active.push(slot);
        }
    }

    fn take_read(&mut self, read: Read) -> Result<(), RestoreError> {
        let slot = read.slot;
        if read.pass != self.partitions[slot].pass {
            return Ok(());
        }
        match read.news {
            News::Batch(batch, room) => self.partitions[slot].push(batch, room),
            News::End(ended) => {
                self.progress.advance(ended.rest_bytes);
                self.partitions[slot].ended = Some(ended);
                self.check_end(slot)?;
                self.retire(slot);
            }
            News::Failed(RestoreError::OutOfPlace { planned, found, .. }) => {
                return Err(self.misplaced(slot, planned, found));
            }
            News::Failed(error) => return Err(error),
        }
        Ok(())
    }

    pub(super) fn retire(&mut self, slot: Slot) {
        if self.partitions[slot].is_done() {
            self.active.retain(|other| *other != slot);
            self.progress.partition_done();
        }
    }

    fn send_requests(&mut self) -> Result<(), RestoreError> {
        let now = Instant::now();
        let mut by_leader: BTreeMap<i32, Vec<(Slot, i32)>> = BTreeMap::new();
        let ready: Vec<Slot> =
            self.active.iter().copied().filter(|slot| self.partitions[*slot].is_sendable(now)).collect();
        for slot in ready {
            if self.begin_job(slot)? {
                continue;
            }
            let partition = &self.partitions[slot];
            let Some(found) = self.metadata.partition(&partition.at).filter(|found| found.leader >= 0) else {
                self.again(slot, "it has no leader".to_owned());
                continue;
            };
            let now_at = (found.leader, found.leader_epoch);
            if partition.unknown_at.is_some_and(|then| then != now_at) {
                // The former leader may have taken the batch, and the new one may not have it.
                self.look_again(slot, "its leader changed")?;
                continue;
            }
            by_leader.entry(found.leader).or_default().push((slot, found.leader_epoch));
        }
        for (node, mut slots) in by_leader {
            while self.pace.is_free()
                && !slots.is_empty()
                && let Some(link) = self.lanes.entry(node).or_default().free.pop()
            {
                slots = self.send(node, link, slots);
            }
        }
        Ok(())
    }

    /// Sends what fits into one request; gives the rest.
    fn send(&mut self, node: i32, link: Link, ready: Vec<(Slot, i32)>) -> Vec<(Slot, i32)> {
        let (mut slots, mut request, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut rest = Vec::new();
        let most = self.pace.at_once(self.options.request_bytes);
        for (slot, epoch) in ready {
            let partition = &mut self.partitions[slot];
            let Some(first) = partition.queue.front() else { continue };
            let size = first.batch.size();
            if !request.is_empty() && (bytes + size > most || request.len() >= PER_REQUEST_MAX) {
                rest.push((slot, epoch));
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
            partition.sent();
            slots.push((slot, epoch));
        }
        self.pace.passed(bytes as u64);
        let cluster = self.cluster.clone();
        tracing::debug!(phase = "produce", node, partitions = request.len(), bytes, "produce");
        self.answers.spawn(async move {
            let result = produce(&link, &cluster, node, request).await;
            Answer { node, link, slots, result }
        });
        rest
    }

    fn take_answer(&mut self, answer: Answer) -> Result<(), RestoreError> {
        if let Some(lane) = self.lanes.get_mut(&answer.node) {
            lane.free.push(answer.link);
        }
        let results = match answer.result {
            Ok(results) => results,
            Err(error) => {
                for (slot, epoch) in answer.slots {
                    self.not_written(slot, &error, (answer.node, epoch))?;
                }
                return Ok(());
            }
        };
        for (slot, epoch) in answer.slots {
            let at = &self.partitions[slot].at;
            let found = results.iter().find(|one| one.partition == at.partition && one.topic == at.topic);
            match found {
                Some(ProduceResult { error: None, base_offset, .. }) => self.written(slot, *base_offset)?,
                Some(ProduceResult { error: Some(error), .. }) => {
                    self.not_written(slot, error, (answer.node, epoch))?;
                }
                None => {
                    self.partitions[slot].unknown_at = Some((answer.node, epoch));
                    self.again(slot, "the answer left it out".to_owned());
                }
            }
        }
        Ok(())
    }

    /// The batch is in the log; it must be where the plan has it.
    fn written(&mut self, slot: Slot, found: i64) -> Result<(), RestoreError> {
        let partition = &mut self.partitions[slot];
        let Some(waiting) = partition.acknowledged() else { return Ok(()) };
        let planned = waiting.batch.target_base;
        if found != planned {
            return Err(self.misplaced(slot, planned, found));
        }
        self.progress.advance(waiting.batch.source_bytes);
        self.retire(slot);
        Ok(())
    }

    /// Whether it was written or not, sending the same batch with the same sequence again is right; unless the broker's
    /// memory of the producer does not fit: then the log itself is asked.
    fn not_written(&mut self, slot: Slot, error: &ClusterError, sent_to: (i32, i32)) -> Result<(), RestoreError> {
        let cause = describe(error);
        if let Some(code) = error.code().filter(|code| is_about_sequences(*code)) {
            let looks = self.look_again(slot, &cause);
            // However often the log is looked at, it ends where it should.
            let forgotten = code == ErrorCode::UNKNOWN_PRODUCER_ID;
            let partition = self.partitions[slot].at.clone();
            return looks
                .map_err(|error| if forgotten { RestoreError::ForgottenProducer { partition } } else { error });
        }
        if error.outcome() == Outcome::Unknown {
            self.partitions[slot].unknown_at = Some(sent_to);
        }
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

    pub(super) fn failed(&self, slot: Slot, cause: String) -> RestoreError {
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

async fn produce(
    link: &Link,
    cluster: &Cluster,
    node: i32,
    request: Vec<ProducePartition>,
) -> Result<Vec<ProduceResult>, ClusterError> {
    link.open(cluster, node).await?.produce(request, ACKS_TIMEOUT).await
}

/// The broker's memory of our producer is another than ours. Old brokers name a batch that was already appended so;
/// newer ones answer as if it were the first time.
fn is_about_sequences(code: ErrorCode) -> bool {
    let codes = [
        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
        ErrorCode::DUPLICATE_SEQUENCE_NUMBER,
        ErrorCode::UNKNOWN_PRODUCER_ID,
        ErrorCode::INVALID_PRODUCER_EPOCH,
    ];
    codes.contains(&code)
}
