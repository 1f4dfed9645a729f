//! `OffsetForLeaderEpoch`: where the epochs of a log end.

use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use super::{At, Call};
use crate::fake::leaders::led;

impl Call for OffsetForLeaderEpochRequest {
    type Answer = OffsetForLeaderEpochResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let node = at.node;
        let topics = at.shared.look(|state| {
            let topic = |topic: &OffsetForLeaderTopic| {
                let one = |part: &OffsetForLeaderPartition| {
                    let answer = EpochEndOffset::default()
                        .with_partition(part.partition)
                        .with_leader_epoch(-1)
                        .with_end_offset(-1);
                    match led(state, node, &topic.topic, part.partition, part.current_leader_epoch) {
                        Err(code) => answer.with_error_code(code),
                        Ok(partition) => {
                            let (epoch, end) = partition.log.epoch_end(part.leader_epoch);
                            // A client sees nothing beyond the high watermark.
                            let end = end.min(partition.log.high_watermark());
                            answer.with_leader_epoch(epoch).with_end_offset(end)
                        }
                    }
                };
                let parts = topic.partitions.iter().map(one).collect();
                OffsetForLeaderTopicResult::default().with_topic(topic.topic.clone()).with_partitions(parts)
            };
            self.topics.iter().map(topic).collect()
        });
        OffsetForLeaderEpochResponse::default().with_throttle_time_ms(at.throttle).with_topics(topics)
    }
}
