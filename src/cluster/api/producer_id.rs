//! `InitProducerId` v0 to v5, without a transactional id: any broker gives one out.

use std::time::Duration;

use kafka_protocol::messages as m;

use super::judge;
use crate::cluster::ask::{Answered, Manner, Whom};
use crate::cluster::{Cluster, ClusterError, ProducerIdentity, Subject};
use crate::net::Connection;

const API: &str = "InitProducerId";

impl Cluster {
    /// Asks for a producer identity without a transactional id.
    pub async fn init_producer_id(&self) -> Result<ProducerIdentity, ClusterError> {
        let manner = Manner { whom: Whom::Any, chunk: 1, once: false };
        let patience = self.patience();
        let given = self.ask_many(manner, vec![()], |connection, _, _| ask(connection, patience)).await;
        let missing = || ClusterError::Unanswered { api: API, subject: Subject::Request };
        given.into_iter().next().ok_or_else(missing)?.1
    }
}

async fn ask(connection: Connection, patience: Duration) -> Answered<ProducerIdentity> {
    // The time limit of transactions that are never begun.
    let request = m::InitProducerIdRequest::default().with_transactional_id(None).with_transaction_timeout_ms(i32::MAX);
    let answer = connection.call(&request, patience).await?;
    let given = judge(API, answer.error_code, || Subject::Request, None)
        .map(|()| ProducerIdentity { producer_id: answer.producer_id.0, producer_epoch: answer.producer_epoch });
    Ok(vec![given])
}
