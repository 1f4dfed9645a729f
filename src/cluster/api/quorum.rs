//! `DescribeQuorum` v1 to v2 (3.3+, KIP-836): the only answer that has the time of now in it, that of the active
//! controller (Kafka class `LeaderState`: the leader's own entry is stamped when it answers). Needs DESCRIBE on the cluster.

use std::time::{Duration, Instant};

use kafka_protocol::messages as m;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};

use super::{judge, text};
use crate::cluster::{ClockReading, Cluster, ClusterError, Subject};
use crate::model::Timestamp;
use crate::net::Connection;
use crate::wire::Exchange;

const API: &str = "DescribeQuorum";
/// The topic of the quorum's log; its only partition is 0.
const METADATA_TOPIC: &str = "__cluster_metadata";

impl Cluster {
    /// Reads the clock of the active controller; `None` where brokers do not tell (before 3.3, or with `ZooKeeper`). The
    /// broker that is asked passes the question on, so the way there is part of the round trip.
    pub async fn read_clock(&self) -> Result<Option<ClockReading>, ClusterError> {
        let (node, connection) = self.any().await?;
        if !connection.versions().has(&m::DescribeQuorumRequest::API, 1) {
            return Ok(None);
        }
        let first = read(node, &connection, self.patience()).await?;
        // The first question may have had to open the way to the controller; the shorter the way, the better the reading.
        let second = read(node, &connection, self.patience()).await?;
        Ok([first, second].into_iter().flatten().min_by_key(|reading| reading.round_trip))
    }
}

async fn read(node: i32, connection: &Connection, patience: Duration) -> Result<Option<ClockReading>, ClusterError> {
    let partition = PartitionData::default().with_partition_index(0);
    let topic =
        TopicData::default().with_topic_name(m::TopicName(text(METADATA_TOPIC))).with_partitions(vec![partition]);
    let request = m::DescribeQuorumRequest::default().with_topics(vec![topic]);
    let (asked, began) = (Timestamp::now(), Instant::now());
    let answer = connection.call(&request, patience).await;
    let round_trip = began.elapsed();
    let answer = answer.map_err(|source| ClusterError::Connection { node, source })?;
    judge(API, answer.error_code, || Subject::Request, answer.error_message.as_ref())?;
    let Some(quorum) = answer.topics.first().and_then(|topic| topic.partitions.first()) else { return Ok(None) };
    judge(API, quorum.error_code, || Subject::Request, quorum.error_message.as_ref())?;
    let leader = quorum.current_voters.iter().find(|voter| voter.replica_id == quorum.leader_id);
    let told = leader.map(|leader| leader.last_fetch_timestamp).filter(|time| *time >= 0);
    Ok(told.map(|time| ClockReading { controller: quorum.leader_id.0, theirs: Timestamp(time), asked, round_trip }))
}
