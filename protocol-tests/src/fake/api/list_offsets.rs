//! `ListOffsets`: where logs begin and end.

use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use super::{At, Call};
use crate::fake::code;
use crate::fake::leaders::led;
use crate::fake::log::Log;
use crate::fake::state::State;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
/// The record with the highest time.
const MAX_TIMESTAMP: i64 = -3;
/// The replica id of tools, which are shown the true end.
const DEBUG: i32 = -2;

impl Call for ListOffsetsRequest {
    type Answer = ListOffsetsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let version = at.version;
        let question = Question { replica: self.replica_id.0, committed: self.isolation_level == 1, version };
        let (node, refuse) = (at.node, at.refuse);
        let topics = at.shared.look(|state| {
            let topic = |topic: &kafka_protocol::messages::list_offsets_request::ListOffsetsTopic| {
                let one = |part: &ListOffsetsPartition| {
                    let found = match refuse {
                        Some(code) => Err(code),
                        None => question.find(state, node, &topic.name, part),
                    };
                    let answer = ListOffsetsPartitionResponse::default()
                        .with_partition_index(part.partition_index)
                        .with_timestamp(-1)
                        .with_offset(-1);
                    match found {
                        Err(code) => answer.with_error_code(code),
                        Ok(found) => question.told(answer, found),
                    }
                };
                ListOffsetsTopicResponse::default()
                    .with_name(topic.name.clone())
                    .with_partitions(topic.partitions.iter().map(one).collect())
            };
            self.topics.iter().map(topic).collect()
        });
        let answer = ListOffsetsResponse::default().with_topics(topics);
        if version >= 2 { answer.with_throttle_time_ms(at.throttle) } else { answer }
    }
}

/// Offset, time and epoch.
type Found = (i64, i64, i32);

struct Question {
    replica: i32,
    committed: bool,
    version: i16,
}

impl Question {
    fn find(&self, state: &State, node: i32, topic: &str, part: &ListOffsetsPartition) -> Result<Found, i16> {
        let partition = led(state, node, topic, part.partition_index, part.current_leader_epoch)?;
        let log = &partition.log;
        // Until the high watermark has come to where the leader began, it may be behind what was told before (KIP-207).
        let behind = log.high_watermark() < partition.leader_began.min(log.end());
        let asks_end = part.timestamp == LATEST || part.timestamp >= 0;
        if self.replica == -1 && behind && asks_end {
            return Err(if self.version >= 5 { code::OFFSET_NOT_AVAILABLE } else { code::LEADER_NOT_AVAILABLE });
        }
        match part.timestamp {
            LATEST => Ok((self.end(log), -1, partition.epoch)),
            EARLIEST => Ok((log.start(), -1, log.epoch_of(log.start()))),
            MAX_TIMESTAMP if self.version >= 7 => {
                let newest = log.batches().max_by_key(|batch| batch.header.max_timestamp);
                let time = newest.map(|batch| batch.header.max_timestamp);
                Ok(time.and_then(|time| self.at_time(log, time)).unwrap_or((-1, -1, -1)))
            }
            time if time >= 0 => Ok(self.at_time(log, time).unwrap_or((-1, -1, -1))),
            _ => Err(code::UNSUPPORTED_VERSION),
        }
    }

    fn end(&self, log: &Log) -> i64 {
        match (self.replica, self.committed) {
            (DEBUG, _) => log.end(),
            (_, true) => log.last_stable(),
            _ => log.high_watermark(),
        }
    }

    fn at_time(&self, log: &Log, time: i64) -> Option<Found> {
        let (offset, time) = log.at_time(time, self.end(log))?;
        Some((offset, time, log.epoch_of(offset)))
    }

    fn told(&self, answer: ListOffsetsPartitionResponse, found: Found) -> ListOffsetsPartitionResponse {
        let answer = answer.with_offset(found.0).with_timestamp(found.1);
        if self.version >= 4 { answer.with_leader_epoch(found.2) } else { answer }
    }
}
