//! `Produce`: batches into the log, by the leader's rules.

use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use super::{At, Call, text};
use crate::fake::admit::{Placed, Rules, produce};
use crate::fake::code;
use crate::fake::leaders::led_mut;
use crate::fake::state::State;

impl Call for ProduceRequest {
    type Answer = ProduceResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let (version, node, refuse) = (at.version, at.node, at.refuse);
        let in_transaction = self.transactional_id.is_some();
        let responses = at.shared.with(|state| {
            let topic = |topic: &TopicProduceData| {
                let by_id = version >= 13;
                let name = if by_id {
                    state.topic_of(topic.topic_id.into_bytes()).map(str::to_owned)
                } else {
                    Some(topic.name.to_string())
                };
                let one = |part: &PartitionProduceData| {
                    let appended = match (refuse, &name) {
                        (Some(code), _) => Err((code, "")),
                        (None, None) => Err((code::UNKNOWN_TOPIC_ID, "")),
                        (None, Some(name)) => append(state, node, name, part, version, in_transaction),
                    };
                    told(state, name.as_deref(), part.index, version, appended)
                };
                let answers = topic.partition_data.iter().map(one).collect();
                let answer = TopicProduceResponse::default().with_partition_responses(answers);
                if by_id { answer.with_topic_id(topic.topic_id) } else { answer.with_name(topic.name.clone()) }
            };
            self.topic_data.iter().map(topic).collect()
        });
        ProduceResponse::default().with_responses(responses).with_throttle_time_ms(at.throttle)
    }
}

fn append(
    state: &mut State,
    node: i32,
    topic: &str,
    part: &PartitionProduceData,
    version: i16,
    in_transaction: bool,
) -> Result<Placed, (i16, &'static str)> {
    let (release, now) = (state.release, state.now());
    let partition = led_mut(state, node, topic, part.index).map_err(|code| (code, ""))?;
    let leader_epoch = partition.epoch;
    let known = state.topics.get(topic).ok_or((code::UNKNOWN_TOPIC_OR_PARTITION, ""))?;
    // An hour since 4.0 (KIP-1030).
    let after = if release >= crate::fake::Release::V4_1 { 3_600_000 } else { i64::MAX };
    let rules = Rules {
        release,
        leader_epoch,
        now,
        max_bytes: known.number("max.message.bytes").unwrap_or(i64::MAX),
        compacted: known.compacted(),
        append_time: known.config("message.timestamp.type") == Some("LogAppendTime"),
        after_max: known.number("message.timestamp.after.max.ms").unwrap_or(after),
        in_transaction,
        version,
    };
    let bytes = part.records.clone().unwrap_or_default();
    let partition = led_mut(state, node, topic, part.index).map_err(|code| (code, ""))?;
    produce(&mut partition.log, &bytes, &rules)
}

fn told(
    state: &State,
    topic: Option<&str>,
    index: i32,
    version: i16,
    appended: Result<Placed, (i16, &'static str)>,
) -> PartitionProduceResponse {
    let answer = PartitionProduceResponse::default().with_index(index).with_base_offset(-1).with_log_append_time_ms(-1);
    let mut answer = match appended {
        Ok(placed) => answer.with_base_offset(placed.base_offset).with_log_append_time_ms(placed.append_time),
        Err((code, words)) => {
            let answer = answer.with_error_code(code);
            let words = (version >= 8 && !words.is_empty()).then(|| text(words));
            answer.with_error_message(words)
        }
    };
    answer.log_start_offset = -1;
    if version >= 5 && answer.error_code == 0 {
        let partition = topic.and_then(|topic| state.partition(topic, index));
        answer.log_start_offset = partition.map_or(-1, |partition| partition.log.start());
    }
    answer
}
