//! `WriteTxnMarkers` v1 (2.8+): control batches of one offset each, which no reader sees. Brokers send it among
//! themselves; with ALTER or `CLUSTER_ACTION` on the cluster any client may.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};

use super::{judge, wire_topic};
use crate::cluster::{ClusterError, DataConnection, Each, ProducerIdentity, Subject};
use crate::model::TopicPartition;

const API: &str = "WriteTxnMarkers";

impl DataConnection {
    /// Has the leader append so many COMMIT markers to each partition. Never tried again: a marker that is asked for
    /// twice is written twice, so only the log end tells what became of an answer that is lost, or that is an error
    /// for some of several markers. `coordinator_epoch` is at least 0; a leader refuses one below the last it saw of
    /// this producer on the partition, which is how requests still under way are shut out.
    ///
    /// The producer must be our own and have no transaction: another's would be ended. A partition that stands twice in
    /// the list would never be answered, so it is an error.
    pub async fn write_markers(
        &self,
        producer: ProducerIdentity,
        coordinator_epoch: i32,
        partitions: &[(TopicPartition, u32)],
        patience: Duration,
    ) -> Result<Each<TopicPartition, ()>, ClusterError> {
        let mut sorted: Vec<&(TopicPartition, u32)> = partitions.iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let twice = sorted.windows(2).find_map(|pair| match pair {
            [(a, _), (b, _)] if a == b => Some(a),
            _ => None,
        });
        if let Some(twice) = twice {
            return Err(ClusterError::Nonsense { api: API, what: format!("partition {twice} twice in the request") });
        }
        let request = request(producer, coordinator_epoch, &sorted);
        let answer = self.call(&request, patience).await?;
        let mut found = HashMap::new();
        for topic in answer.markers.iter().flat_map(|marker| &marker.topics) {
            for partition in &topic.partitions {
                // An error of any marker counts.
                let code = found.entry((topic.name.as_str(), partition.partition_index)).or_insert(0);
                *code = if *code == 0 { partition.error_code } else { *code };
            }
        }
        let read = |(at, _): &(TopicPartition, u32)| {
            let subject = || Subject::Partition(at.clone());
            let code = found.get(&(at.topic.as_str(), at.partition));
            let code = code.ok_or_else(|| ClusterError::Unanswered { api: API, subject: subject() });
            (at.clone(), code.and_then(|code| judge(API, *code, subject, None)))
        };
        Ok(partitions.iter().map(read).collect())
    }
}

/// One entry for each round: in the first all partitions, in the last those that want most.
fn request(
    producer: ProducerIdentity,
    coordinator_epoch: i32,
    partitions: &[&(TopicPartition, u32)],
) -> m::WriteTxnMarkersRequest {
    let rounds = partitions.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let markers = (0..rounds).map(|round| {
        let open: Vec<&TopicPartition> =
            partitions.iter().filter(|(_, count)| *count > round).map(|(at, _)| at).collect();
        let topics = open.chunk_by(|a, b| a.topic == b.topic).filter_map(|topic| {
            let name = wire_topic(&topic.first()?.topic);
            let numbers = topic.iter().map(|at| at.partition).collect();
            Some(WritableTxnMarkerTopic::default().with_name(name).with_partition_indexes(numbers))
        });
        WritableTxnMarker::default()
            .with_producer_id(m::ProducerId(producer.producer_id))
            .with_producer_epoch(producer.producer_epoch)
            .with_transaction_result(true)
            .with_coordinator_epoch(coordinator_epoch)
            .with_topics(topics.collect())
    });
    m::WriteTxnMarkersRequest::default().with_markers(markers.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TopicName;

    #[test]
    fn no_partition_stands_twice_in_a_marker() {
        let at =
            |topic: &str, partition, count| (TopicPartition::new(TopicName::new(topic).unwrap(), partition), count);
        let wanted = [at("a", 0, 3), at("a", 1, 1), at("b", 0, 2), at("b", 1, 0)];
        let producer = ProducerIdentity { producer_id: 7, producer_epoch: 0 };
        let request = request(producer, 5, &wanted.iter().collect::<Vec<_>>());
        let shown: Vec<Vec<(String, Vec<i32>)>> = request
            .markers
            .iter()
            .map(|marker| marker.topics.iter().map(|t| (t.name.to_string(), t.partition_indexes.clone())).collect())
            .collect();
        let one = |topic: &str, partitions: &[i32]| (topic.to_owned(), partitions.to_vec());
        assert_eq!(
            shown,
            [vec![one("a", &[0, 1]), one("b", &[0])], vec![one("a", &[0]), one("b", &[0])], vec![one("a", &[0])]]
        );
        assert!(request.markers.iter().all(|marker| marker.coordinator_epoch == 5 && marker.producer_id.0 == 7));
    }
}
