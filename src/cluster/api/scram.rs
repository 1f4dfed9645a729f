//! `DescribeUserScramCredentials` v0 (2.7+). Brokers tell names, mechanisms and iterations, never what a password
//! could be checked with.

use std::time::Duration;

use kafka_protocol::messages as m;

use super::judge;
use crate::cluster::ask::{Answered, Manner, Whom};
use crate::cluster::{Cluster, ClusterError, Subject};
use crate::model::{ScramCredential, ScramUser};
use crate::net::Connection;

const DESCRIBE: &str = "DescribeUserScramCredentials";

impl Cluster {
    /// All users with SCRAM credentials, ascending.
    pub async fn describe_scram_users(&self) -> Result<Vec<ScramUser>, ClusterError> {
        let manner = Manner { whom: Whom::Any, chunk: 1, once: false };
        let patience = self.patience();
        let told = self.ask_many(manner, vec![()], |connection, _, _| describe(connection, patience)).await;
        let missing = || ClusterError::Unanswered { api: DESCRIBE, subject: Subject::Request };
        told.into_iter().next().ok_or_else(missing)?.1
    }
}

async fn describe(connection: Connection, patience: Duration) -> Answered<Vec<ScramUser>> {
    let request = m::DescribeUserScramCredentialsRequest::default().with_users(None);
    let answer = connection.call(&request, patience).await?;
    let read = || {
        judge(DESCRIBE, answer.error_code, || Subject::Request, answer.error_message.as_ref())?;
        let mut users = Vec::with_capacity(answer.results.len());
        for result in &answer.results {
            judge(DESCRIBE, result.error_code, || Subject::Request, result.error_message.as_ref())?;
            let mut credentials: Vec<ScramCredential> = result
                .credential_infos
                .iter()
                .map(|one| ScramCredential { mechanism: mechanism(one.mechanism), iterations: one.iterations })
                .collect();
            credentials.sort_unstable();
            users.push(ScramUser { name: result.user.to_string(), credentials });
        }
        users.sort_unstable();
        Ok(users)
    };
    Ok(vec![read()])
}

/// By its number (Kafka class `ScramMechanism`).
fn mechanism(number: i8) -> String {
    match number {
        1 => "SCRAM-SHA-256".to_owned(),
        2 => "SCRAM-SHA-512".to_owned(),
        other => other.to_string(),
    }
}
