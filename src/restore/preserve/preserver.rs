//! What fills offsets: the way to the leaders, and the little that one restore shares among its partitions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::Producers;
use crate::cluster::{Cluster, ClusterError, DataConnection, ErrorCode, OffsetSpec, Policy, ProducerIdentity, Subject};
use crate::model::{TopicPartition, describe};
use crate::restore::error::RestoreError;
use crate::restore::link::Links;

/// Requests at a time: a broker holds an object for every filler record, and holds a partition's lock meanwhile.
const TURNS: usize = 4;

/// Coordinator epochs that a run has for each partition; each request for markers that fails takes one.
const EPOCHS: i32 = 4_096;

/// Fills offsets that have no records. Clones are the same.
#[derive(Debug, Clone)]
pub(in crate::restore) struct Preserver {
    pub(super) cluster: Cluster,
    pub(super) filler: ProducerIdentity,
    pub(super) markers: ProducerIdentity,
    pub(super) epochs: Epochs,
    /// How long a partition may make no progress.
    pub(super) stall_timeout: Duration,
    pub(super) links: Links,
    pub(super) turns: Arc<Semaphore>,
}

/// The coordinator epoch of each partition's markers. It only rises, from one hole of a partition to the next too: its
/// leader refuses what is below the last it saw.
#[derive(Debug, Clone)]
pub(super) struct Epochs {
    /// Smallest that no run before has used.
    first: i32,
    raised: Arc<Mutex<HashMap<TopicPartition, i32>>>,
}

impl Epochs {
    fn new(first: i32) -> Self {
        Self { first, raised: Arc::default() }
    }

    /// That of the next request.
    pub(super) fn of(&self, at: &TopicPartition) -> i32 {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).get(at).copied().unwrap_or(self.first)
    }

    /// Shuts out what was sent before.
    pub(super) fn raise(&self, at: &TopicPartition) {
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        *raised.entry(at.clone()).or_insert(self.first) += 1;
    }
}

/// What came of filling.
#[derive(Debug)]
pub(in crate::restore) enum Filled {
    /// The log ends where it should.
    Done,
    /// It lost what was there before: an election. Where to go on is for the log to say.
    FellBack(String),
}

impl Preserver {
    /// For one run of a restore, by its number. A producer without a transactional id has the epoch 0.
    pub(in crate::restore) fn new(cluster: &Cluster, producers: Producers, run: u32, stall_timeout: Duration) -> Self {
        let identity = |producer_id| ProducerIdentity { producer_id, producer_epoch: 0 };
        let (filler, markers) = (identity(producers.filler), identity(producers.markers));
        let first_epoch = i32::try_from(run).unwrap_or(i32::MAX).saturating_mul(EPOCHS);
        let (links, turns) = (Links::default(), Arc::new(Semaphore::new(TURNS)));
        Self {
            cluster: cluster.clone(),
            filler,
            markers,
            epochs: Epochs::new(first_epoch),
            stall_timeout,
            links,
            turns,
        }
    }

    pub(super) async fn offset(&self, at: &TopicPartition, spec: OffsetSpec) -> Result<i64, ClusterError> {
        let answers = self.cluster.list_offsets(std::slice::from_ref(at), spec).await?;
        let missing = || ClusterError::Unanswered { api: "ListOffsets", subject: Subject::Partition(at.clone()) };
        Ok(answers.into_iter().next().ok_or_else(missing)?.1?.offset)
    }

    /// A connection to the leader.
    pub(super) async fn leader(&self, at: &TopicPartition) -> Result<DataConnection, ClusterError> {
        let metadata = self.cluster.metadata().await?;
        let found = metadata.partition(at).filter(|found| found.leader >= 0);
        let node = found.ok_or_else(|| ClusterError::NoLeader(at.clone()))?.leader;
        self.links.to(node).open(&self.cluster, node).await
    }
}

/// Patience with one stretch of one partition.
#[derive(Debug)]
pub(super) struct Patience {
    at: TopicPartition,
    policy: Policy,
    limit: Duration,
    attempts: u32,
    last_progress: Instant,
}

impl Patience {
    pub(super) fn new(at: &TopicPartition, limit: Duration) -> Self {
        Self { at: at.clone(), policy: Policy::default(), limit, attempts: 0, last_progress: Instant::now() }
    }

    /// Something was done.
    pub(super) fn progress(&mut self) {
        self.attempts = 0;
        self.last_progress = Instant::now();
    }

    /// Pauses after a failure and reads the metadata again; ends when there was no progress for too long.
    pub(super) async fn pause(
        &mut self,
        cluster: &Cluster,
        offset: i64,
        error: &ClusterError,
    ) -> Result<(), RestoreError> {
        let cause = describe(error);
        tracing::debug!(partition = %self.at, offset, cause, "filling offsets: once more");
        if self.last_progress.elapsed() >= self.limit {
            return Err(self.failed(offset, format!("no progress for {} s: {cause}", self.limit.as_secs())));
        }
        self.attempts += 1;
        tokio::time::sleep(self.policy.pause(self.attempts + 1)).await;
        let metadata = cluster.metadata().await?;
        if let Err(error) = cluster.refresh(&metadata).await {
            tracing::debug!(error = describe(&error), "metadata could not be refreshed");
        }
        Ok(())
    }

    pub(super) fn failed(&self, offset: i64, cause: String) -> RestoreError {
        RestoreError::Partition { partition: self.at.clone(), offset, cause }
    }
}

/// The target forbids it, or its topic does not allow it: why, in words.
pub(super) fn forbidden(error: &ClusterError) -> Option<String> {
    let codes = [
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        ErrorCode::POLICY_VIOLATION,
        ErrorCode::UNSUPPORTED_VERSION,
    ];
    error.code().filter(|code| codes.contains(code)).map(|_| describe(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TopicName;

    #[test]
    fn epochs_of_a_partition_only_rise() {
        let at = |partition| TopicPartition::new(TopicName::new("orders").unwrap(), partition);
        let epochs = Epochs::new(4_096);
        let shared = epochs.clone();
        shared.raise(&at(1));
        shared.raise(&at(1));
        assert_eq!((epochs.of(&at(0)), epochs.of(&at(1)), shared.of(&at(1))), (4_096, 4_098, 4_098));
    }
}
