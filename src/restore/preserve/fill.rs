//! Below the log start: batches of filler, then they are deleted.

use super::preserver::{Filled, Patience, Preserver, forbidden};
use crate::batch::{FILLER_MAX, Filler, ProducerStamp};
use crate::cluster::{ClusterError, ErrorCode, OffsetSpec, ProducePartition, Subject};
use crate::model::{Classify, TopicId, TopicPartition};
use crate::restore::error::RestoreError;
use crate::restore::source::sequence;

/// How long the leader may wait for its followers.
const ACKS_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

impl Preserver {
    /// Makes the log begin and end at `log_start`. Any log end below is a legal start: the sequence of a filler record
    /// is its offset, so the same batch sent twice lands once.
    pub(in crate::restore) async fn fill(
        &self,
        at: &TopicPartition,
        topic_id: TopicId,
        log_start: i64,
    ) -> Result<Filled, RestoreError> {
        let whole = Filler::new(i64::from(FILLER_MAX));
        let mut patience = Patience::new(at, self.stall_timeout);
        let mut end = self.offset(at, OffsetSpec::LogEnd).await?;
        while end < log_start {
            let rest = log_start - end;
            let filler = if rest >= i64::from(FILLER_MAX) { whole.clone() } else { Filler::new(rest) };
            match self.send_filler(at, topic_id, end, &filler).await {
                Ok(found) if found != end => {
                    return Err(RestoreError::OutOfPlace { partition: at.clone(), planned: end, found });
                }
                Ok(_) => {
                    end += i64::from(filler.records());
                    patience.progress();
                }
                Err(error) if error.class().is_retriable() || is_about_sequences(&error) => {
                    patience.pause(&self.cluster, end, &error).await?;
                    end = self.offset(at, OffsetSpec::LogEnd).await?;
                }
                Err(error) => return Err(cannot(at, end, &error)),
            }
        }
        if end > log_start {
            return Err(RestoreError::OutOfPlace { partition: at.clone(), planned: log_start, found: end });
        }
        self.trim(at, log_start, patience).await
    }

    async fn send_filler(
        &self,
        at: &TopicPartition,
        topic_id: TopicId,
        offset: i64,
        filler: &Filler,
    ) -> Result<i64, ClusterError> {
        let stamp = ProducerStamp {
            producer_id: self.filler.producer_id,
            producer_epoch: self.filler.producer_epoch,
            base_sequence: sequence(offset),
        };
        let batch = ProducePartition {
            topic: at.topic.clone(),
            topic_id,
            partition: at.partition,
            header: filler.header(stamp),
            payload: filler.payload().clone(),
        };
        let _turn = self.turns.acquire().await;
        tracing::debug!(phase = "fill", partition = %at, offset, records = filler.records(), "filling offsets");
        let answers = self.leader(at).await?.produce(vec![batch], ACKS_TIMEOUT).await?;
        let missing = || ClusterError::Unanswered { api: "Produce", subject: Subject::Partition(at.clone()) };
        let answer = answers.into_iter().next().ok_or_else(missing)?;
        answer.error.map_or(Ok(answer.base_offset), Err)
    }

    async fn trim(&self, at: &TopicPartition, log_start: i64, mut patience: Patience) -> Result<Filled, RestoreError> {
        loop {
            tracing::debug!(phase = "fill", partition = %at, log_start, "deleting filler");
            for (_, answer) in self.cluster.delete_records(vec![(at.clone(), log_start)]).await {
                answer.map_err(|error| cannot(at, log_start, &error))?;
            }
            let earliest = self.offset(at, OffsetSpec::Earliest).await?;
            let end = self.offset(at, OffsetSpec::LogEnd).await?;
            if (earliest, end) == (log_start, log_start) {
                return Ok(Filled::Done);
            }
            if end != log_start {
                return Ok(Filled::FellBack(format!("the log ends at {end} and not at {log_start}")));
            }
            let what = format!("log start {earliest} after records below {log_start} were deleted");
            patience.pause(&self.cluster, end, &ClusterError::Nonsense { api: "DeleteRecords", what }).await?;
        }
    }
}

fn cannot(at: &TopicPartition, offset: i64, error: &ClusterError) -> RestoreError {
    let partition = at.clone();
    match forbidden(error) {
        Some(reason) => RestoreError::CannotPreserve { partition, reason },
        None => RestoreError::Partition { partition, offset, cause: crate::model::describe(error) },
    }
}

fn is_about_sequences(error: &ClusterError) -> bool {
    let codes = [ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode::DUPLICATE_SEQUENCE_NUMBER];
    error.code().is_some_and(|code| codes.contains(&code))
}
