//! `Fetch`: batches as they lie in the log.

use std::time::{Duration, Instant};

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, PartitionData,
};
use kafka_protocol::messages::{FetchRequest, FetchResponse, ProducerId};

use super::{At, Call};
use crate::fake::code;
use crate::fake::leaders::led;
use crate::fake::state::State;
use crate::fake::topics::Partition;

/// `fetch.max.bytes` of a broker.
const BROKER_MAX: i32 = 55 << 20;

impl Call for FetchRequest {
    type Answer = FetchResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let mut answer = FetchResponse::default().with_throttle_time_ms(at.throttle);
        if at.throttle > 0 {
            return answer; // no topics at all
        }
        let patience = Duration::from_millis(u64::try_from(self.max_wait_ms).unwrap_or(0));
        let reading = Reading { request: &self, node: at.node, version: at.version, refuse: at.refuse };
        let found = at.shared.until(Instant::now() + patience, |state, over| {
            let (topics, bytes, failed) = reading.topics(state);
            (over || failed || bytes >= self.min_bytes.max(0) as usize).then_some(topics)
        });
        answer.responses = found.unwrap_or_default();
        answer
    }
}

struct Reading<'a> {
    request: &'a FetchRequest,
    node: i32,
    version: i16,
    refuse: Option<i16>,
}

/// What is left to be given out.
struct Room {
    bytes: usize,
    nothing_yet: bool,
}

impl Reading<'_> {
    fn topics(&self, state: &State) -> (Vec<FetchableTopicResponse>, usize, bool) {
        let whole = self.request.max_bytes.clamp(0, BROKER_MAX) as usize;
        let mut room = Room { bytes: whole, nothing_yet: true };
        let mut failed = false;
        let mut size = 0;
        let mut topics = Vec::with_capacity(self.request.topics.len());
        for topic in &self.request.topics {
            let by_id = self.version >= 13;
            let name = if by_id { state.topic_of(topic.topic_id.into_bytes()) } else { Some(topic.topic.as_str()) };
            let mut answers = Vec::with_capacity(topic.partitions.len());
            for part in &topic.partitions {
                let answer = self.partition(state, name, part, &mut room);
                failed |= answer.error_code != 0 || answer.diverging_epoch.epoch >= 0;
                size += answer.records.as_ref().map_or(0, bytes::Bytes::len);
                answers.push(answer);
            }
            topics.push(self.named(topic).with_partitions(answers));
        }
        (topics, size, failed)
    }

    fn named(&self, topic: &FetchTopic) -> FetchableTopicResponse {
        let answer = FetchableTopicResponse::default();
        if self.version >= 13 { answer.with_topic_id(topic.topic_id) } else { answer.with_topic(topic.topic.clone()) }
    }

    fn partition(&self, state: &State, topic: Option<&str>, part: &FetchPartition, room: &mut Room) -> PartitionData {
        let mut answer = PartitionData::default()
            .with_partition_index(part.partition)
            .with_high_watermark(-1)
            .with_last_stable_offset(-1)
            .with_log_start_offset(-1)
            .with_aborted_transactions(None)
            .with_records(Some(bytes::Bytes::new()));
        let Some(topic) = topic else { return answer.with_error_code(code::UNKNOWN_TOPIC_ID) };
        let found = match self.refuse {
            Some(code) => Err(code),
            None => led(state, self.node, topic, part.partition, part.current_leader_epoch),
        };
        let partition = match found {
            Ok(partition) => partition,
            // What is not there comes from elsewhere in the broker, and looks a little different.
            Err(code::UNKNOWN_TOPIC_OR_PARTITION) => {
                answer.aborted_transactions = Some(Vec::new());
                return answer.with_error_code(code::UNKNOWN_TOPIC_OR_PARTITION);
            }
            Err(code) => return answer.with_error_code(code),
        };
        let log = &partition.log;
        if let Some(diverging) = self.diverging(partition, part) {
            answer.diverging_epoch = diverging;
        } else if part.fetch_offset < log.start() || part.fetch_offset > log.end() {
            return answer.with_error_code(code::OFFSET_OUT_OF_RANGE);
        } else {
            self.read(partition, part, room, &mut answer);
        }
        answer.high_watermark = log.high_watermark();
        answer.last_stable_offset = log.last_stable();
        if self.version >= 5 {
            answer.log_start_offset = log.start();
        }
        answer
    }

    /// Where the log parts from the client's (KIP-320).
    fn diverging(&self, partition: &Partition, part: &FetchPartition) -> Option<EpochEndOffset> {
        if self.version < 12 || part.last_fetched_epoch < 0 {
            return None;
        }
        let (epoch, end_offset) = partition.log.epoch_end(part.last_fetched_epoch);
        let differs = epoch < part.last_fetched_epoch || end_offset < part.fetch_offset;
        (epoch >= 0 && differs).then(|| EpochEndOffset::default().with_epoch(epoch).with_end_offset(end_offset))
    }

    fn read(&self, partition: &Partition, part: &FetchPartition, room: &mut Room, answer: &mut PartitionData) {
        let log = &partition.log;
        let committed = self.request.isolation_level == 1;
        let until = if committed { log.last_stable() } else { log.high_watermark() };
        let most = room.bytes.min(part.partition_max_bytes.max(0) as usize);
        let records = log.read(part.fetch_offset, until, most, room.nothing_yet);
        room.bytes = room.bytes.saturating_sub(records.len());
        room.nothing_yet &= records.is_empty();
        if committed {
            let aborted = log.aborted_between(part.fetch_offset, until).map(|aborted| {
                AbortedTransaction::default()
                    .with_producer_id(ProducerId(aborted.producer_id))
                    .with_first_offset(aborted.first)
            });
            answer.aborted_transactions = Some(aborted.collect());
        }
        answer.records = Some(records);
    }
}
