//! A look at every broker, and at the cluster's clock.

use std::time::{Duration, Instant};

use super::join::join_all;
use super::{Broker, Cluster, ClusterError, Features};
use crate::model::Timestamp;

/// One broker, asked at the address where this client reaches it.
#[derive(Debug, Clone)]
pub struct BrokerLook {
    /// Its node id.
    pub node: i32,
    /// What the cluster says of it.
    pub broker: Broker,
    /// The address that is used instead of the advertised one.
    pub instead: Option<String>,
    /// How long it took until the connection was ready, and what the broker offers; or why it does not answer.
    pub answer: Result<(Duration, Features), ClusterError>,
}

/// The clock of the active controller as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// Node id of the controller.
    pub controller: i32,
    /// Its time when it answered.
    pub theirs: Timestamp,
    /// Our time when we asked.
    pub asked: Timestamp,
    /// How long the answer took.
    pub round_trip: Duration,
}

impl ClockReading {
    /// Milliseconds that the controller is ahead of this host, negative where it is behind; right to half the round trip.
    pub fn ahead_ms(&self) -> i64 {
        let half = i64::try_from(self.round_trip.as_millis() / 2).unwrap_or(i64::MAX);
        self.theirs.0.saturating_sub(self.asked.0.saturating_add(half))
    }
}

impl Cluster {
    /// Connects to every broker that the metadata name, all at the same time, ascending by node id.
    pub async fn survey(&self) -> Result<Vec<BrokerLook>, ClusterError> {
        let current = self.current();
        let metadata = self.refresh(&current).await?;
        let looks = metadata.brokers.iter().map(|(node, broker)| self.look_at(*node, broker.clone()));
        Ok(join_all(looks.collect()).await)
    }

    async fn look_at(&self, node: i32, broker: Broker) -> BrokerLook {
        let began = Instant::now();
        // A connection of its own: that of control requests may be open already, and say nothing of the way there.
        let opened = self.data_connection(node).await;
        let answer = opened.map(|connection| (began.elapsed(), connection.features()));
        BrokerLook { node, broker, instead: self.options().broker_address.get(&node).cloned(), answer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_way_is_taken_off() {
        let reading = |theirs| ClockReading {
            controller: 1,
            theirs: Timestamp(theirs),
            asked: Timestamp(1_000),
            round_trip: Duration::from_millis(20),
        };
        assert_eq!((reading(1_010).ahead_ms(), reading(1_500).ahead_ms(), reading(10).ahead_ms()), (0, 490, -1_000));
    }
}
