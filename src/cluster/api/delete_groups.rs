//! `DeleteGroups` v0 to v2.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;

use super::{judge, wire_group};
use crate::cluster::{Cluster, ClusterError, Each, Subject};
use crate::model::GroupId;
use crate::net::{Connection, ConnectionError};
use crate::retry::Attempt;
use crate::wire::ErrorCode;

const API: &str = "DeleteGroups";

impl Cluster {
    /// Deletes groups without members, with their offsets. A group that was never there is `GROUP_ID_NOT_FOUND`; one
    /// that is not there any more when it is asked for again was deleted.
    pub async fn delete_groups(&self, groups: &[GroupId]) -> Each<GroupId, ()> {
        let patience = self.patience();
        self.ask_coordinators(groups.to_vec(), |connection, groups, attempt| {
            delete(connection, groups, attempt, patience)
        })
        .await
    }
}

async fn delete(
    connection: Connection,
    groups: Vec<GroupId>,
    attempt: Attempt,
    patience: Duration,
) -> Result<Vec<Result<(), ClusterError>>, ConnectionError> {
    let request = m::DeleteGroupsRequest::default().with_groups_names(groups.iter().map(wire_group).collect());
    let answer = connection.call(&request, patience).await?;
    let found: HashMap<&str, i16> =
        answer.results.iter().map(|result| (result.group_id.as_str(), result.error_code)).collect();
    let read = |id: &GroupId| {
        let subject = || Subject::Group(id.clone());
        let code = found.get(id.as_str()).copied();
        let code = code.ok_or_else(|| ClusterError::Unanswered { api: API, subject: subject() })?;
        if code == ErrorCode::GROUP_ID_NOT_FOUND.0 && attempt.number > 1 {
            return Ok(());
        }
        judge(API, code, subject, None)
    };
    Ok(groups.iter().map(read).collect())
}
