//! `DescribeProducers`: what a leader remembers of producers.

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
use kafka_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse, ProducerId};

use super::{At, Call};
use crate::fake::leaders::led;
use crate::fake::log::Log;

impl Call for DescribeProducersRequest {
    type Answer = DescribeProducersResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let node = at.node;
        let topics = at.shared.look(|state| {
            let topic = |topic: &TopicRequest| {
                let one = |number: &i32| {
                    let answer = PartitionResponse::default().with_partition_index(*number);
                    match led(state, node, &topic.name, *number, -1) {
                        Err(code) => answer.with_error_code(code),
                        Ok(partition) => answer.with_active_producers(active(&partition.log)),
                    }
                };
                let parts = topic.partition_indexes.iter().map(one).collect();
                TopicResponse::default().with_name(topic.name.clone()).with_partitions(parts)
            };
            self.topics.iter().map(topic).collect()
        });
        DescribeProducersResponse::default().with_throttle_time_ms(at.throttle).with_topics(topics)
    }
}

fn active(log: &Log) -> Vec<ProducerState> {
    let open = log.open_transactions();
    let one = |(id, producer): (&i64, &crate::fake::producers::Producer)| {
        ProducerState::default()
            .with_producer_id(ProducerId(*id))
            .with_producer_epoch(i32::from(producer.epoch))
            .with_last_sequence(producer.last_sequence())
            .with_last_timestamp(producer.last_timestamp)
            .with_coordinator_epoch(producer.coordinator_epoch)
            .with_current_txn_start_offset(open.get(id).copied().unwrap_or(-1))
    };
    log.producers.iter().map(one).collect()
}
