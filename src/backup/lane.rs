//! The way to one leader: its own data connection, and the partitions that are fetched over it.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::writers::Slot;
use crate::cluster::{Cluster, ClusterError, DataConnection, FetchAnswer, FetchLimits, FetchPartition};

/// Fetches in flight to one leader: the next answer is on its way while the last one is taken apart.
pub(super) const IN_FLIGHT_MAX: usize = 2;
/// Partitions of one leader that are under way at a time: each has an open segment.
const ACTIVE_MAX: usize = 32;
/// Partitions in one request.
const PER_REQUEST_MAX: usize = 16;

/// One leader's partitions.
#[derive(Debug, Default)]
pub(super) struct Lane {
    connection: Arc<Mutex<Option<DataConnection>>>,
    /// Partitions that have not been begun.
    pub waiting: VecDeque<Slot>,
    /// Partitions that can be asked for.
    pub ready: VecDeque<Slot>,
    /// Partitions under way, those in flight included.
    pub active: usize,
    /// Requests in flight.
    pub in_flight: usize,
}

impl Lane {
    /// Whether another partition may be begun.
    pub(super) fn has_room(&self) -> bool {
        self.active < ACTIVE_MAX
    }

    /// Takes the partitions of the next request: one alone where `alone` asks for it, else as many as fit while
    /// leaving some for the other requests in flight.
    pub(super) fn choose(&mut self, alone: impl Fn(Slot) -> bool) -> Vec<Slot> {
        if self.in_flight >= IN_FLIGHT_MAX {
            return Vec::new();
        }
        let share = self.ready.len().div_ceil(IN_FLIGHT_MAX - self.in_flight).min(PER_REQUEST_MAX);
        let mut chosen = Vec::with_capacity(share);
        while chosen.len() < share {
            match self.ready.front() {
                Some(slot) if alone(*slot) && !chosen.is_empty() => break,
                Some(_) => {}
                None => break,
            }
            let Some(slot) = self.ready.pop_front() else { break };
            chosen.push(slot);
            if alone(slot) {
                break;
            }
        }
        chosen
    }

    /// A fetch over this lane's connection, which is opened if there is none and given up if it fails.
    pub(super) fn fetch(
        &self,
        cluster: &Cluster,
        node: i32,
        partitions: Vec<FetchPartition>,
        limits: FetchLimits,
    ) -> impl Future<Output = Result<FetchAnswer, ClusterError>> + Send + 'static {
        let (connection, cluster) = (Arc::clone(&self.connection), cluster.clone());
        async move {
            let open = {
                let mut held = connection.lock().await;
                match held.as_ref().filter(|open| open.is_usable()) {
                    Some(open) => open.clone(),
                    None => held.insert(cluster.data_connection(node).await?).clone(),
                }
            };
            let answer = open.fetch(&partitions, limits).await;
            if answer.as_ref().is_err_and(ClusterError::is_silence) {
                cluster.distrust(node);
            }
            answer
        }
    }
}
