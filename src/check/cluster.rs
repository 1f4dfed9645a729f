//! The cluster's part: every broker at the address where it is reached, what they offer, and the controller's clock.

use std::collections::BTreeMap;

use super::report::{BrokerState, ClockState, ClusterState};
use crate::cluster::{BrokerLook, ClockReading, Cluster, ClusterError, ErrorCode, Features};
use crate::model::describe;

/// Looks at the cluster.
pub(super) async fn look(cluster: &Cluster) -> Result<ClusterState, ClusterError> {
    let looks = cluster.survey().await?;
    let offered = looks.iter().filter_map(|look| look.answer.as_ref().ok().map(|(_, features)| table(features)));
    let features = offered.reduce(|a, b| both(a, &b)).unwrap_or_else(|| table(&cluster.features()));
    let (clock, clock_unknown) = match cluster.read_clock().await {
        Ok(Some(reading)) => (Some(clock(reading)), None),
        Ok(None) => (None, Some("these brokers do not tell their time (3.3 or newer with KRaft is needed)".to_owned())),
        Err(error) if error.code() == Some(ErrorCode::CLUSTER_AUTHORIZATION_FAILED) => {
            (None, Some("it is told only to who has Describe on the cluster".to_owned()))
        }
        Err(error) => (None, Some(describe(&error))),
    };
    Ok(ClusterState {
        cluster_id: cluster.cluster_id(),
        controller: cluster.metadata().await?.controller,
        brokers: looks.into_iter().map(broker).collect(),
        features,
        clock,
        clock_unknown,
    })
}

fn broker(look: BrokerLook) -> BrokerState {
    let (connected_ms, error) = match look.answer {
        Ok((took, _)) => (Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)), None),
        Err(error) => (None, Some(describe(&error))),
    };
    BrokerState {
        node: look.node,
        address: look.broker.address(),
        instead: look.instead,
        rack: look.broker.rack,
        connected_ms,
        error,
    }
}

fn clock(reading: ClockReading) -> ClockState {
    let uncertain = u64::try_from(reading.round_trip.as_millis()).unwrap_or(u64::MAX).div_ceil(2).max(1);
    ClockState { controller: reading.controller, ahead_ms: reading.ahead_ms(), uncertain_ms: uncertain }
}

/// What each is good for, by a name for people.
fn table(features: &Features) -> BTreeMap<&'static str, bool> {
    BTreeMap::from([
        ("topic ids", features.topic_ids),
        ("zstd", features.zstd),
        ("epoch ends", features.epoch_ends),
        ("stable offsets", features.stable_offsets),
        ("alter configs", features.alter_configs),
        ("idempotent producing", features.producer_ids),
        ("delete records", features.delete_records),
        ("describe producers", features.describe_producers),
        ("transaction markers", features.write_markers),
        ("group configs", features.group_configs),
        ("describe transactions", features.describe_transactions),
    ])
}

fn both(a: BTreeMap<&'static str, bool>, b: &BTreeMap<&'static str, bool>) -> BTreeMap<&'static str, bool> {
    a.into_iter().map(|(name, has)| (name, has && b.get(name).copied().unwrap_or(false))).collect()
}
