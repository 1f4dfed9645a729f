//! Questions that one broker answers for many things at once: any broker, the controller, or a named one.

use super::{Cluster, ClusterError, Outcome};
use crate::net::{Connection, ConnectionError};
use crate::retry::{Attempt, settle};

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    /// Whoever answers.
    Any,
    /// The controller, or the broker that forwards to it.
    Controller,
    /// This broker.
    Node(i32),
}

/// How a question may be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// Who is asked.
    pub(super) whom: Whom,
    /// Things in one request.
    pub(super) chunk: usize,
    /// The request changes something that cannot be changed twice: a lost answer is not followed by a second request.
    pub(super) once: bool,
}

/// One result for each thing of a request, by its position; or why the whole request failed.
pub(super) type Answered<T> = Result<Vec<Result<T, ClusterError>>, ConnectionError>;

impl Cluster {
    /// Asks in chunks until each thing is answered or has failed for good.
    pub(super) async fn ask_many<I, T, F, Asking>(
        &self,
        manner: Manner,
        things: Vec<I>,
        ask: F,
    ) -> Vec<(I, Result<T, ClusterError>)>
    where
        I: Clone,
        F: Fn(Connection, Vec<I>, Attempt) -> Asking,
        Asking: Future<Output = Answered<T>>,
    {
        let policy = self.options().retry;
        settle(policy, things, |pending, attempt| self.ask_chunks(manner, pending, attempt, &ask)).await
    }

    async fn ask_chunks<I, T, F, Asking>(
        &self,
        manner: Manner,
        things: Vec<I>,
        attempt: Attempt,
        ask: &F,
    ) -> Vec<(I, Result<T, ClusterError>)>
    where
        I: Clone,
        F: Fn(Connection, Vec<I>, Attempt) -> Asking,
        Asking: Future<Output = Answered<T>>,
    {
        let mut answers = Vec::with_capacity(things.len());
        let mut found = self.whom(manner.whom, attempt).await;
        for chunk in things.chunks(manner.chunk) {
            let answered = match &found {
                Err(error) => Err(error.clone()),
                Ok((node, connection)) => ask(connection.clone(), chunk.to_vec(), attempt)
                    .await
                    .map_err(|source| ClusterError::Connection { node: *node, source }),
            };
            match answered {
                Ok(results) => answers.extend(results),
                Err(error) => {
                    // The connection is gone: the rest of this attempt fails with it, not having been sent.
                    answers.extend(chunk.iter().map(|_| Err(error.clone())));
                    found = Err(unsent(error));
                }
            }
        }
        if manner.once {
            answers = answers.into_iter().map(|result| result.map_err(not_twice)).collect();
        }
        things.into_iter().zip(answers).collect()
    }

    async fn whom(&self, whom: Whom, attempt: Attempt) -> Result<(i32, Connection), ClusterError> {
        let metadata = self.metadata_for(attempt).await?;
        match whom {
            Whom::Node(node) => Ok((node, self.control(node).await?)),
            Whom::Controller if metadata.brokers.contains_key(&metadata.controller) => {
                Ok((metadata.controller, self.control(metadata.controller).await?))
            }
            Whom::Any | Whom::Controller => self.any().await,
        }
    }
}

fn unsent(error: ClusterError) -> ClusterError {
    match error {
        ClusterError::Connection { node, source: ConnectionError::Lost { address, api, reason, .. } } => {
            ClusterError::Connection { node, source: ConnectionError::Lost { address, api, reason, sent: false } }
        }
        ClusterError::Connection { node, source: ConnectionError::TimedOut { address, api, after, .. } } => {
            ClusterError::Connection { node, source: ConnectionError::TimedOut { address, api, after, sent: false } }
        }
        other => other,
    }
}

fn not_twice(error: ClusterError) -> ClusterError {
    if error.outcome() == Outcome::Unknown { ClusterError::OutcomeUnknown(Box::new(error)) } else { error }
}
