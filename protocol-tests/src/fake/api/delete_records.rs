//! `DeleteRecords`: the log start moves up.

use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::{At, Call, DELETE, TOPIC, may};
use crate::fake::code;
use crate::fake::leaders::led_mut;
use crate::fake::state::State;

impl Call for DeleteRecordsRequest {
    type Answer = DeleteRecordsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let (node, refuse) = (at.node, at.refuse);
        let topics = at.shared.with(|state| {
            let topic = |topic: &DeleteRecordsTopic| {
                let one = |part: &DeleteRecordsPartition| {
                    let answer = DeleteRecordsPartitionResult::default()
                        .with_partition_index(part.partition_index)
                        .with_low_watermark(-1);
                    match refuse.map_or_else(|| delete(state, node, &topic.name, part), Err) {
                        Ok(start) => answer.with_low_watermark(start),
                        Err(code) => answer.with_error_code(code),
                    }
                };
                let parts = topic.partitions.iter().map(one).collect();
                DeleteRecordsTopicResult::default().with_name(topic.name.clone()).with_partitions(parts)
            };
            self.topics.iter().map(topic).collect()
        });
        DeleteRecordsResponse::default().with_throttle_time_ms(at.throttle).with_topics(topics)
    }
}

fn delete(state: &mut State, node: i32, topic: &str, part: &DeleteRecordsPartition) -> Result<i64, i16> {
    may(state, TOPIC, DELETE)?;
    let deleting = state.topics.get(topic).is_none_or(super::super::topics::Topic::deleting);
    let partition = led_mut(state, node, topic, part.partition_index)?;
    if !deleting {
        return Err(code::POLICY_VIOLATION);
    }
    let log = &mut partition.log;
    let start = if part.offset == -1 { log.high_watermark() } else { part.offset };
    if start < 0 || start > log.high_watermark() {
        return Err(code::OFFSET_OUT_OF_RANGE);
    }
    log.trim(start);
    Ok(log.start())
}
