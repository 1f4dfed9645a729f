//! A connection of its own to one broker, for fetching and producing.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::ProduceRequest;

use super::api::judge;
use super::{
    ClusterError, EpochEnd, Features, FetchAnswer, FetchLimits, FetchPartition, FetchedPartition, ProducePartition,
    ProduceResult, Subject,
};
use crate::model::{TopicId, TopicName, TopicPartition};
use crate::net::{Answer, Connection, ConnectionError};
use crate::wire::fetch::{FetchedPart, TopicKey};
use crate::wire::{Api, ErrorCode, Exchange, FETCH, PRODUCE, WireError, fetch, produce, request};

/// A connection of its own to one broker; clones share the socket. Once it is not usable any more, ask the cluster for
/// a new one.
#[derive(Debug, Clone)]
pub struct DataConnection {
    node: i32,
    connection: Connection,
    patience: Duration,
}

/// What the broker may take longer than the time it was given.
const GRACE: Duration = Duration::from_secs(5);

impl DataConnection {
    pub(super) fn new(node: i32, connection: Connection, patience: Duration) -> Self {
        Self { node, connection, patience }
    }

    /// The broker's node id.
    pub fn node_id(&self) -> i32 {
        self.node
    }

    /// What this broker offers.
    pub fn features(&self) -> Features {
        Features::of(self.connection.versions())
    }

    /// Whether it can still be used.
    pub fn is_usable(&self) -> bool {
        self.connection.is_usable()
    }

    /// Fetches, sessionless and up to the high watermark. Concurrent calls are pipelined on the one socket, and
    /// answered in order. Partitions of one topic should stand together.
    pub async fn fetch(&self, partitions: &[FetchPartition], limits: FetchLimits) -> Result<FetchAnswer, ClusterError> {
        self.fetch_under(false, partitions, limits).await
    }

    /// The same up to the last stable offset, and the broker says which transactions were aborted: with that a reader
    /// of committed records knows what to pass over.
    pub async fn fetch_committed(
        &self,
        partitions: &[FetchPartition],
        limits: FetchLimits,
    ) -> Result<FetchAnswer, ClusterError> {
        self.fetch_under(true, partitions, limits).await
    }

    async fn fetch_under(
        &self,
        read_committed: bool,
        partitions: &[FetchPartition],
        limits: FetchLimits,
    ) -> Result<FetchAnswer, ClusterError> {
        let have_ids = partitions.iter().all(|partition| partition.topic_id != TopicId::ZERO);
        let version = self.version(&FETCH, have_ids, fetch::TOPIC_IDS)?;
        let correlation = self.connection.next_correlation();
        let envelope = fetch::Envelope {
            version,
            correlation,
            client_id: self.connection.client_id(),
            max_wait_ms: millis(limits.max_wait),
            min_bytes: limits.min_bytes,
            max_bytes: limits.max_bytes,
            read_committed,
        };
        let parts: Vec<_> = partitions.iter().map(fetch_part).collect();
        let frame = fetch::encode(&envelope, &parts).map_err(|error| self.wire(&FETCH, error))?;
        let patience = self.patience + limits.max_wait;
        let frame = self.exchange(&FETCH, correlation, vec![frame], patience).await?;
        let read = request::body(&frame, version >= fetch::FLEXIBLE).and_then(|body| fetch::read(&body, version));
        let answer = read.map_err(|error| self.wire(&FETCH, error))?;
        self.throttle(answer.throttle_ms, version >= 8);
        judge(FETCH.name, answer.error_code, || Subject::Node(self.node), None)?;
        fetch_answer(answer, partitions)
    }

    /// Appends with acks from all replicas in sync. No partition may stand twice in the list: the broker would keep
    /// only one of the batches, without a word.
    pub async fn produce(
        &self,
        mut partitions: Vec<ProducePartition>,
        timeout: Duration,
    ) -> Result<Vec<ProduceResult>, ClusterError> {
        partitions.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        if partitions
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if (&a.topic, a.partition) == (&b.topic, b.partition)))
        {
            let error = WireError::Encode("a partition stands twice in it".to_owned());
            return Err(self.wire(&PRODUCE, error));
        }
        let have_ids = partitions.iter().all(|partition| partition.topic_id != TopicId::ZERO);
        let version = self.version(&PRODUCE, have_ids, produce::TOPIC_IDS)?;
        let correlation = self.connection.next_correlation();
        let envelope = produce::Envelope {
            version,
            correlation,
            client_id: self.connection.client_id(),
            timeout_ms: millis(timeout),
        };
        let parts: Vec<_> = partitions.iter().map(produce_part).collect();
        let pieces = produce::encode(&envelope, &parts).map_err(|error| self.wire(&PRODUCE, error))?;
        let frame = self.exchange(&PRODUCE, correlation, pieces, timeout + GRACE).await?;
        let answer = request::decode::<ProduceRequest>(&frame, version).map_err(|error| self.wire(&PRODUCE, error))?;
        self.throttle(answer.throttle_time_ms, version >= 6);
        Ok(produce_results(&answer, &partitions))
    }

    /// Asks something else over this connection.
    pub(super) async fn call<R: Exchange>(&self, request: &R, patience: Duration) -> Result<R::Answer, ClusterError> {
        self.connection.call(request, patience).await.map_err(|source| self.lost(source))
    }

    /// With ids for all topics the versions that take them, else those that take names.
    fn version(&self, api: &Api, have_ids: bool, ids_since: i16) -> Result<i16, ClusterError> {
        let versions = self.connection.versions();
        let with_ids = have_ids && versions.has(api, ids_since);
        let picked = if with_ids { versions.pick(api) } else { versions.pick_between(api, api.least, ids_since - 1) };
        picked.map_err(|error| self.wire(api, error))
    }

    async fn exchange(
        &self,
        api: &Api,
        correlation: i32,
        pieces: Vec<Bytes>,
        patience: Duration,
    ) -> Result<Answer, ClusterError> {
        let answer = self.connection.exchange(api.name, correlation, pieces, patience).await;
        answer.map_err(|source| self.lost(source))
    }

    /// Older brokers have waited themselves before they answered (KIP-219).
    fn throttle(&self, milliseconds: i32, ours_to_wait: bool) {
        if ours_to_wait {
            self.connection.throttle(milliseconds);
        }
    }

    fn wire(&self, api: &Api, error: WireError) -> ClusterError {
        self.lost(self.connection.wire_error(api.name, error))
    }

    fn lost(&self, source: ConnectionError) -> ClusterError {
        ClusterError::Connection { node: self.node, source }
    }
}

fn fetch_part(partition: &FetchPartition) -> fetch::Part<'_> {
    fetch::Part {
        topic: partition.topic.as_str(),
        topic_id: partition.topic_id.0,
        partition: partition.partition,
        leader_epoch: partition.leader_epoch,
        offset: partition.offset,
        last_epoch: partition.last_epoch,
        max_bytes: partition.max_bytes,
    }
}

fn produce_part(partition: &ProducePartition) -> produce::Part<'_> {
    produce::Part {
        topic: partition.topic.as_str(),
        topic_id: partition.topic_id.0,
        partition: partition.partition,
        header: &partition.header,
        payload: &partition.payload,
    }
}

fn fetch_answer(answer: fetch::Fetched, asked: &[FetchPartition]) -> Result<FetchAnswer, ClusterError> {
    let by_name: HashMap<&[u8], &TopicName> =
        asked.iter().map(|partition| (partition.topic.as_str().as_bytes(), &partition.topic)).collect();
    let by_id: HashMap<[u8; 16], &TopicName> =
        asked.iter().map(|partition| (partition.topic_id.0, &partition.topic)).collect();
    let throttle = Duration::from_millis(u64::try_from(answer.throttle_ms).unwrap_or(0));
    let empty = answer.partitions.iter().all(|part| part.records.is_empty() && part.error_code == 0);
    let mut partitions = Vec::with_capacity(answer.partitions.len());
    for part in answer.partitions {
        let topic = match &part.topic {
            TopicKey::Name(name) => by_name.get(name.as_ref()),
            TopicKey::Id(id) => by_id.get(id),
        };
        let stranger = || ClusterError::Nonsense { api: FETCH.name, what: "a topic nobody asked for".to_owned() };
        let topic = (*topic.ok_or_else(stranger)?).clone();
        partitions.push(fetched(topic, part));
    }
    Ok(FetchAnswer { throttle, partitions, throttled_empty: empty && !throttle.is_zero() })
}

fn fetched(topic: TopicName, part: FetchedPart) -> FetchedPartition {
    FetchedPartition {
        topic,
        partition: part.partition,
        error: ErrorCode::failure(part.error_code),
        high_watermark: part.high_watermark,
        last_stable: part.last_stable,
        log_start: part.log_start,
        diverging: part.diverging.map(|(epoch, end_offset)| EpochEnd { epoch, end_offset }),
        aborted: part.aborted,
        records: part.records,
    }
}

/// One result for each batch sent; a batch that the answer leaves out has an unknown fate.
fn produce_results(
    answer: &kafka_protocol::messages::ProduceResponse,
    sent: &[ProducePartition],
) -> Vec<ProduceResult> {
    let mut found = HashMap::new();
    for topic in &answer.responses {
        for partition in &topic.partition_responses {
            let ids = topic.topic_id.into_bytes();
            found.insert((topic.name.as_bytes(), ids, partition.index), partition);
        }
    }
    let read = |batch: &ProducePartition| {
        let by_name = (batch.topic.as_str().as_bytes(), [0; 16], batch.partition);
        let by_id = (&b""[..], batch.topic_id.0, batch.partition);
        let subject = || Subject::Partition(TopicPartition::new(batch.topic.clone(), batch.partition));
        let answered = found.get(&by_name).or_else(|| found.get(&by_id));
        let unanswered = || ClusterError::Unanswered { api: PRODUCE.name, subject: subject() };
        let error = match answered {
            None => Some(unanswered()),
            Some(part) => judge(PRODUCE.name, part.error_code, subject, refusal(part)).err(),
        };
        ProduceResult {
            topic: batch.topic.clone(),
            partition: batch.partition,
            base_offset: answered.map_or(-1, |part| part.base_offset),
            log_append_time: answered.map_or(-1, |part| part.log_append_time_ms),
            log_start: answered.map_or(-1, |part| part.log_start_offset),
            error,
        }
    };
    sent.iter().map(read).collect()
}

/// The broker's words about the batch, or about its first bad record.
fn refusal(
    part: &kafka_protocol::messages::produce_response::PartitionProduceResponse,
) -> Option<&kafka_protocol::protocol::StrBytes> {
    let record = || part.record_errors.first()?.batch_index_error_message.as_ref();
    record().or(part.error_message.as_ref())
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
