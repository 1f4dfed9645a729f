//! `WriteTxnMarkers`: the control batches that end transactions.

use kafka_protocol::messages as m;
use kafka_protocol::messages::write_txn_markers_request::WritableTxnMarker;
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};

use super::{ALTER, At, CLUSTER, CLUSTER_ACTION, Call, may};
use crate::fake::batch::Batch;
use crate::fake::code;
use crate::fake::leaders::led_mut;
use crate::fake::state::State;

impl Call for m::WriteTxnMarkersRequest {
    type Answer = m::WriteTxnMarkersResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let (node, refuse) = (at.node, at.refuse);
        let markers = at.shared.with(|state| {
            let marker = |marker: &WritableTxnMarker| {
                let topics = marker.topics.iter().map(|topic| {
                    let one = |number: &i32| {
                        let done = refuse.map_or_else(|| write(state, node, &topic.name, *number, marker), Err);
                        let code = done.err().unwrap_or(code::NONE);
                        WritableTxnMarkerPartitionResult::default().with_partition_index(*number).with_error_code(code)
                    };
                    let parts = topic.partition_indexes.iter().map(one).collect();
                    WritableTxnMarkerTopicResult::default().with_name(topic.name.clone()).with_partitions(parts)
                });
                WritableTxnMarkerResult::default().with_producer_id(marker.producer_id).with_topics(topics.collect())
            };
            self.markers.iter().map(marker).collect()
        });
        m::WriteTxnMarkersResponse::default().with_markers(markers)
    }
}

fn write(state: &mut State, node: i32, topic: &str, number: i32, marker: &WritableTxnMarker) -> Result<(), i16> {
    may(state, CLUSTER, CLUSTER_ACTION).or_else(|_| may(state, CLUSTER, ALTER))?;
    let (release, now) = (state.release, state.now());
    let partition = led_mut(state, node, topic, number)?;
    let known = partition.log.producer(marker.producer_id.0);
    if known.is_some_and(|known| known.coordinator_epoch > marker.coordinator_epoch) {
        return Err(code::TRANSACTION_COORDINATOR_FENCED);
    }
    if known.is_some_and(|known| known.epoch > marker.producer_epoch) {
        return Err(code::INVALID_PRODUCER_EPOCH);
    }
    let (id, epoch) = (marker.producer_id.0, marker.producer_epoch);
    let batch = Batch::marker(id, epoch, marker.transaction_result, marker.coordinator_epoch, now).encode();
    let batch = batch.map_err(|_| code::UNKNOWN_SERVER_ERROR)?;
    let leader_epoch = partition.epoch;
    let appended = partition.log.append(batch, leader_epoch, release, -1);
    appended.map(|_| ()).ok_or(code::UNKNOWN_SERVER_ERROR)
}
