//! From partitions to their leaders: questions about many partitions, batched per leader and asked again where
//! routing was stale.

use std::collections::BTreeMap;
use std::time::Duration;

use super::api::NOT_YET_KNOWN;
use super::join::join_all;
use super::{Cluster, ClusterError, Each, Metadata, PartitionMeta, Subject};
use crate::model::TopicPartition;
use crate::net::{Connection, ConnectionError};
use crate::retry::{Attempt, settle};
use crate::wire::ErrorCode;

/// A partition to ask its leader about, with what else the question needs.
#[derive(Debug, Clone)]
pub(super) struct Question<Q> {
    pub(super) partition: TopicPartition,
    /// As the metadata say; -1 if unknown.
    pub(super) leader_epoch: i32,
    pub(super) about: Q,
}

/// Partitions in one request.
const CHUNK: usize = 5_000;

/// What the leaders answered, with the questions.
type Answers<Q, T> = Vec<((TopicPartition, Q), Result<T, ClusterError>)>;

impl Cluster {
    /// Asks the leaders. `ask` gets the questions for one connection and answers each by its position.
    pub(super) async fn ask_leaders<Q, T, F, Asking>(
        &self,
        questions: Vec<(TopicPartition, Q)>,
        ask: F,
    ) -> Each<TopicPartition, T>
    where
        Q: Clone,
        F: Fn(Connection, Vec<Question<Q>>) -> Asking,
        Asking: Future<Output = Result<Vec<Result<T, ClusterError>>, ConnectionError>>,
    {
        let policy = self.options().retry;
        let settled = settle(policy, questions, |pending, attempt| self.ask_once(pending, attempt, &ask)).await;
        settled.into_iter().map(|((partition, _), result)| (partition, result)).collect()
    }

    async fn ask_once<Q, T, F, Asking>(
        &self,
        pending: Vec<(TopicPartition, Q)>,
        attempt: Attempt,
        ask: &F,
    ) -> Answers<Q, T>
    where
        Q: Clone,
        F: Fn(Connection, Vec<Question<Q>>) -> Asking,
        Asking: Future<Output = Result<Vec<Result<T, ClusterError>>, ConnectionError>>,
    {
        let metadata = match self.metadata_for(attempt).await {
            Ok(metadata) => metadata,
            Err(error) => return pending.into_iter().map(|item| (item, Err(error.clone()))).collect(),
        };
        let mut results = Vec::with_capacity(pending.len());
        let mut by_leader = BTreeMap::<i32, Vec<Question<Q>>>::new();
        for (partition, about) in pending {
            match leader(&metadata, &partition, attempt.elapsed) {
                Ok(meta) => {
                    let question = Question { leader_epoch: meta.leader_epoch, partition, about };
                    by_leader.entry(meta.leader).or_default().push(question);
                }
                Err(error) => results.push(((partition, about), Err(error))),
            }
        }
        let rounds = by_leader.into_iter().map(|(node, questions)| self.ask_leader(node, questions, ask));
        results.extend(join_all(rounds.collect()).await.into_iter().flatten());
        results
    }

    async fn ask_leader<Q, T, F, Asking>(&self, node: i32, mut questions: Vec<Question<Q>>, ask: &F) -> Answers<Q, T>
    where
        Q: Clone,
        F: Fn(Connection, Vec<Question<Q>>) -> Asking,
        Asking: Future<Output = Result<Vec<Result<T, ClusterError>>, ConnectionError>>,
    {
        questions.sort_by(|a, b| a.partition.cmp(&b.partition));
        let connection = self.control(node).await;
        let mut answers = Vec::with_capacity(questions.len());
        for chunk in questions.chunks(CHUNK) {
            let answered = match &connection {
                Ok(connection) => ask(connection.clone(), chunk.to_vec())
                    .await
                    .map_err(|source| ClusterError::Connection { node, source }),
                Err(error) => Err(error.clone()),
            };
            match answered {
                Ok(results) => answers.extend(results),
                Err(error) => answers.extend(chunk.iter().map(|_| Err(error.clone()))),
            }
        }
        let keys = questions.into_iter().map(|question| (question.partition, question.about));
        keys.zip(answers).collect()
    }
}

fn leader<'a>(
    metadata: &'a Metadata,
    partition: &TopicPartition,
    elapsed: Duration,
) -> Result<&'a PartitionMeta, ClusterError> {
    match metadata.partition(partition) {
        Some(meta) if meta.leader >= 0 => Ok(meta),
        Some(_) => Err(ClusterError::NoLeader(partition.clone())),
        None if elapsed < NOT_YET_KNOWN => Err(ClusterError::Broker {
            api: "Metadata",
            subject: Subject::Partition(partition.clone()),
            code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            message: None,
        }),
        None => Err(ClusterError::UnknownPartition(partition.clone())),
    }
}
