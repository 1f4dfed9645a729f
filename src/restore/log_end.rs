//! Where a partition's log ends, and whether what lies before that end is ours.
//!
//! Every batch of a restore carries one producer id and epoch and the count of records before it as its sequence, so
//! the batch before the log end tells whether the log is a beginning of what is restored. That needs no memory of what
//! was sent: it is right after a kill, with other batch boundaries, and after an election that took records away.

use std::time::Duration;

use super::error::RestoreError;
use super::link::Links;
use super::preserve::{LastBatch, Producers};
use super::source::sequence;
use crate::batch::{BatchError, BatchHeader, walk};
use crate::cluster::{
    Cluster, ClusterError, FetchLimits, FetchPartition, Metadata, OffsetSpec, ProducerIdentity, Subject,
};
use crate::model::{Classify, ErrorClass, TopicId, TopicPartition, describe};
use crate::retry::retry;

/// One partition whose end is looked at.
#[derive(Debug, Clone)]
pub(super) struct LogEnd {
    /// In the target.
    pub at: TopicPartition,
    /// The topic's id in the target.
    pub topic_id: TopicId,
    /// Target offset of its first restored record.
    pub base: i64,
    /// Who produces.
    pub producer: ProducerIdentity,
    /// Set where offsets are preserved: then others of ours may have written the last batch, and what it must be is for
    /// the plan to say.
    pub producers: Option<Producers>,
    /// How long it may take until an answer stands.
    pub patience: Duration,
}

/// A log end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FoundEnd {
    /// The offset.
    pub end: i64,
    /// Where offsets are preserved, the batch before it; nothing where the log is empty.
    pub last: Option<LastBatch>,
}

impl LogEnd {
    /// The end of the log, once all of it is committed to the replicas and its last batch is known to be ours.
    pub(super) async fn find(self, cluster: Cluster, links: Links) -> Result<FoundEnd, RestoreError> {
        let policy = cluster.options().retry.within(self.patience);
        let found = retry(policy, |attempt| self.find_once(&cluster, &links, attempt.refresh));
        found.await.map_err(|fault| self.error(fault))
    }

    async fn find_once(&self, cluster: &Cluster, links: &Links, refresh: bool) -> Result<FoundEnd, Fault> {
        let mut metadata = cluster.metadata().await?;
        if refresh {
            metadata = cluster.refresh(&metadata).await?;
        }
        let end = self.offset(cluster, OffsetSpec::LogEnd).await?;
        if end <= self.base {
            return if end == self.base { Ok(FoundEnd { end, last: None }) } else { Err(Fault::Short { end }) };
        }
        // What lies beyond the high watermark cannot be fetched, and the next election may take it away.
        let high_watermark = self.offset(cluster, OffsetSpec::HighWatermark).await?;
        if high_watermark < end {
            return Err(Fault::Uncommitted { end, high_watermark });
        }
        if self.producers.is_some() && self.offset(cluster, OffsetSpec::Earliest).await? >= end {
            return Ok(FoundEnd { end, last: None });
        }
        let last = self.batch_before(cluster, links, &metadata, end).await?;
        if let Some(producers) = self.producers {
            return Ok(FoundEnd { end, last: Some(last_of(&producers, &last, end)?) });
        }
        let expected = sequence(end - self.base);
        let ours = (last.producer_id, last.producer_epoch) == (self.producer.producer_id, self.producer.producer_epoch);
        if !ours || last.next_offset() != end || sequence(next_sequence(&last)) != expected {
            return Err(Fault::Foreign { end, producer_id: last.producer_id });
        }
        Ok(FoundEnd { end, last: None })
    }

    async fn offset(&self, cluster: &Cluster, spec: OffsetSpec) -> Result<i64, Fault> {
        let answers = cluster.list_offsets(std::slice::from_ref(&self.at), spec).await?;
        let missing = || ClusterError::Unanswered { api: "ListOffsets", subject: Subject::Partition(self.at.clone()) };
        Ok(answers.into_iter().next().ok_or_else(missing)?.1?.offset)
    }

    /// The header of the batch that holds the last offset before `end`.
    async fn batch_before(
        &self,
        cluster: &Cluster,
        links: &Links,
        metadata: &Metadata,
        end: i64,
    ) -> Result<BatchHeader, Fault> {
        let found = metadata.partition(&self.at).filter(|found| found.leader >= 0);
        let leader = found.ok_or_else(|| ClusterError::NoLeader(self.at.clone()))?;
        let asked = FetchPartition {
            topic: self.at.topic.clone(),
            topic_id: self.topic_id,
            partition: self.at.partition,
            leader_epoch: -1,
            offset: end - 1,
            last_epoch: -1,
            // One whole batch comes however large it is.
            max_bytes: 1,
        };
        let limits = FetchLimits { max_bytes: 1, max_wait: Duration::from_millis(500), min_bytes: 1 };
        let connection = links.to(leader.leader).open(cluster, leader.leader).await?;
        let answer = connection.fetch(&[asked], limits).await?;
        let Some(partition) = answer.partitions.into_iter().next() else { return Err(Fault::Nothing) };
        if let Some(code) = partition.error {
            let subject = Subject::Partition(self.at.clone());
            return Err(ClusterError::Broker { api: "Fetch", subject, code, message: None }.into());
        }
        for batch in walk(&partition.records) {
            let batch = batch?;
            if batch.next_offset() >= end {
                return Ok(*batch.modern()?);
            }
        }
        Err(Fault::Nothing)
    }

    fn error(&self, fault: Fault) -> RestoreError {
        let partition = self.at.clone();
        match fault {
            Fault::Foreign { end, producer_id } => {
                RestoreError::ForeignBatch { partition, end, found: producer_id, ours: self.producer.producer_id }
            }
            Fault::Short { end } => RestoreError::ForeignWriter { partition, planned: self.base, found: end },
            other => {
                let cause = format!("its log end is not known: {}", describe(&other));
                RestoreError::Partition { partition, offset: -1, cause }
            }
        }
    }
}

/// The last batch of a log in which several of ours write.
fn last_of(producers: &Producers, last: &BatchHeader, end: i64) -> Result<LastBatch, Fault> {
    if !producers.include(last.producer_id) || last.next_offset() != end {
        return Err(Fault::Foreign { end, producer_id: last.producer_id });
    }
    Ok(LastBatch { producer_id: last.producer_id, next_sequence: sequence(next_sequence(last)) })
}

/// The sequence that follows a batch's own, before it wraps.
fn next_sequence(last: &BatchHeader) -> i64 {
    i64::from(last.base_sequence) + i64::from(last.record_count)
}

/// Why the end is not known, or not ours.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("offsets up to {end} are not on all replicas yet, only up to {high_watermark}")]
    Uncommitted { end: i64, high_watermark: i64 },
    #[error("the leader showed nothing before it")]
    Nothing,
    #[error("the batch before it cannot be read: {0}")]
    Batch(#[from] BatchError),
    #[error("the batch before offset {end} is from producer {producer_id}")]
    Foreign { end: i64, producer_id: i64 },
    #[error("the log ends at {end}, before its first restored record")]
    Short { end: i64 },
}

impl Classify for Fault {
    fn class(&self) -> ErrorClass {
        match self {
            // The end fell back between the two questions.
            Self::Cluster(error) if error.code() == Some(crate::cluster::ErrorCode::OFFSET_OUT_OF_RANGE) => {
                ErrorClass::Retry
            }
            Self::Cluster(error) => error.class(),
            Self::Uncommitted { .. } | Self::Nothing => ErrorClass::RefreshMetadata,
            Self::Batch(_) | Self::Foreign { .. } | Self::Short { .. } => ErrorClass::Reject,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ErrorCode;
    use crate::repository::testing::batch_with;

    #[test]
    fn the_sequence_after_a_batch_wraps_as_the_count_of_records_does() {
        let bytes = batch_with(0, 3, |header| header.base_sequence = i32::MAX - 1);
        let header = BatchHeader::parse(&bytes).unwrap();
        let records = i64::from(i32::MAX - 1) + 3;
        assert_eq!(sequence(next_sequence(&header)), sequence(records));
        assert_eq!(sequence(records), 1);
    }

    #[test]
    fn an_end_that_fell_back_between_two_questions_is_asked_for_again() {
        let class = |code| {
            let at = TopicPartition::new(crate::model::TopicName::new("orders").unwrap(), 0);
            let subject = Subject::Partition(at);
            Fault::from(ClusterError::Broker { api: "Fetch", subject, code, message: None }).class()
        };
        assert_eq!(class(ErrorCode::OFFSET_OUT_OF_RANGE), ErrorClass::Retry);
        assert_eq!(class(ErrorCode::NOT_LEADER_OR_FOLLOWER), ErrorClass::RefreshMetadata);
        assert_eq!(class(ErrorCode::TOPIC_AUTHORIZATION_FAILED), ErrorClass::Reject);
    }
}
