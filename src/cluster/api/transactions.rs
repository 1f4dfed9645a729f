//! `ListTransactions` v0 to v2 and `DescribeTransactions` v0 (3.0+, KIP-664). Every broker knows of the transactions it
//! coordinates.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::describe_transactions_response::TransactionState;

use super::{judge, text};
use crate::cluster::ask::{Answered, Manner, Whom};
use crate::cluster::join::join_all;
use crate::cluster::{Cluster, ClusterError, Each, ListedTransaction, Subject, TransactionDescription};
use crate::model::{Timestamp, TopicName, TopicPartition};
use crate::net::Connection;
use crate::retry::retry;

const LIST: &str = "ListTransactions";
const DESCRIBE: &str = "DescribeTransactions";
/// Ids in one request.
const CHUNK: usize = 500;

impl Cluster {
    /// Asks every broker for the transactions it coordinates, of these producers or of all if there are none given.
    /// Those that this client may not see (DESCRIBE on the transactional id) are missing.
    pub async fn list_transactions(&self, producers: &[i64]) -> Each<i32, Vec<ListedTransaction>> {
        let nodes: Vec<i32> = self.current().brokers.keys().copied().collect();
        let policy = self.options().retry;
        let policy = policy.within(policy.budget.min(self.patience()));
        let lists = nodes.iter().map(|node| retry(policy, move |_| self.list_transactions_of(*node, producers)));
        let lists = join_all(lists.collect()).await;
        nodes.into_iter().zip(lists).collect()
    }

    async fn list_transactions_of(&self, node: i32, producers: &[i64]) -> Result<Vec<ListedTransaction>, ClusterError> {
        let producers = producers.iter().copied().map(m::ProducerId).collect();
        let answer = self.ask(node, &m::ListTransactionsRequest::default().with_producer_id_filters(producers)).await?;
        judge(LIST, answer.error_code, || Subject::Node(node), None)?;
        let read = |state: &m::list_transactions_response::TransactionState| ListedTransaction {
            coordinator: node,
            transactional_id: state.transactional_id.to_string(),
            producer_id: state.producer_id.0,
            state: state.transaction_state.to_string(),
        };
        Ok(answer.transaction_states.iter().map(read).collect())
    }

    /// Asks a coordinator for all it knows of transactional ids.
    pub async fn describe_transactions(
        &self,
        coordinator: i32,
        ids: &[String],
    ) -> Each<String, TransactionDescription> {
        let manner = Manner { whom: Whom::Node(coordinator), chunk: CHUNK, once: false };
        let patience = self.patience();
        self.ask_many(manner, ids.to_vec(), |connection, ids, _| describe(connection, ids, coordinator, patience)).await
    }
}

async fn describe(
    connection: Connection,
    ids: Vec<String>,
    node: i32,
    patience: Duration,
) -> Answered<TransactionDescription> {
    let wire = ids.iter().map(|id| m::TransactionalId(text(id))).collect();
    let request = m::DescribeTransactionsRequest::default().with_transactional_ids(wire);
    let answer = connection.call(&request, patience).await?;
    let found: HashMap<&str, _> =
        answer.transaction_states.iter().map(|state| (state.transactional_id.as_str(), state)).collect();
    let read = |id: &String| {
        let state = found.get(id.as_str());
        let missing = || ClusterError::Unanswered { api: DESCRIBE, subject: Subject::Node(node) };
        let state = state.ok_or_else(missing)?;
        judge(DESCRIBE, state.error_code, || Subject::Node(node), None)?;
        description(state)
    };
    Ok(ids.iter().map(read).collect())
}

fn description(state: &TransactionState) -> Result<TransactionDescription, ClusterError> {
    let mut partitions = Vec::new();
    for topic in &state.topics {
        let nonsense =
            |error: &dyn std::error::Error| ClusterError::Nonsense { api: DESCRIBE, what: error.to_string() };
        let name = TopicName::new(&topic.topic).map_err(|error| nonsense(&error))?;
        partitions.extend(topic.partitions.iter().map(|partition| TopicPartition::new(name.clone(), *partition)));
    }
    Ok(TransactionDescription {
        state: state.transaction_state.to_string(),
        timeout_ms: state.transaction_timeout_ms,
        started: Timestamp(state.transaction_start_time_ms),
        producer_id: state.producer_id.0,
        producer_epoch: state.producer_epoch,
        partitions,
    })
}
