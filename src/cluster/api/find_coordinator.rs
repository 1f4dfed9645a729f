//! `FindCoordinator` v0 to v6; many groups in one request since v4 (3.0). Asked only for groups that are known to
//! exist or are about to be written: the first question of all creates `__consumer_offsets`.

use std::collections::HashMap;

use kafka_protocol::messages as m;

use super::{judge, text};
use crate::cluster::coordinator::Answers;
use crate::cluster::join::join_all;
use crate::cluster::{Cluster, ClusterError, Subject};
use crate::model::GroupId;
use crate::net::Connection;
use crate::wire::Exchange;

const API: &str = "FindCoordinator";
/// First version that takes many keys.
const MANY: i16 = 4;
/// Keys in one request, and requests under way at once on older brokers.
const CHUNK: usize = 500;

impl Cluster {
    /// Asks one broker for the coordinators of groups.
    pub(in crate::cluster) async fn find_coordinators(
        &self,
        node: i32,
        connection: &Connection,
        groups: Vec<GroupId>,
    ) -> Answers<i32> {
        let many = connection.versions().has(&m::FindCoordinatorRequest::API, MANY);
        let mut found = Vec::with_capacity(groups.len());
        for chunk in groups.chunks(CHUNK) {
            if many {
                found.extend(self.find_many(node, connection, chunk).await);
            } else {
                let single = chunk.iter().map(|group| self.find_one(node, connection, group));
                found.extend(chunk.iter().cloned().zip(join_all(single.collect()).await));
            }
        }
        found
    }

    async fn find_many(&self, node: i32, connection: &Connection, groups: &[GroupId]) -> Answers<i32> {
        let keys = groups.iter().map(|group| text(group.as_str())).collect();
        let request = m::FindCoordinatorRequest::default().with_coordinator_keys(keys);
        let answer = match connection.call(&request, self.patience()).await {
            Ok(answer) => answer,
            Err(source) => {
                let error = ClusterError::Connection { node, source };
                return groups.iter().map(|group| (group.clone(), Err(error.clone()))).collect();
            }
        };
        let found: HashMap<&str, _> = answer.coordinators.iter().map(|entry| (entry.key.as_str(), entry)).collect();
        let read = |group: &GroupId| {
            let subject = || Subject::Group(group.clone());
            let entry = found.get(group.as_str());
            let entry = entry.ok_or_else(|| ClusterError::Unanswered { api: API, subject: subject() })?;
            judge(API, entry.error_code, subject, entry.error_message.as_ref())?;
            Ok(entry.node_id.0)
        };
        groups.iter().map(|group| (group.clone(), read(group))).collect()
    }

    async fn find_one(&self, node: i32, connection: &Connection, group: &GroupId) -> Result<i32, ClusterError> {
        let request = m::FindCoordinatorRequest::default().with_key(text(group.as_str()));
        let answer = connection.call(&request, self.patience()).await;
        let answer = answer.map_err(|source| ClusterError::Connection { node, source })?;
        let subject = || Subject::Group(group.clone());
        judge(API, answer.error_code, subject, answer.error_message.as_ref())?;
        Ok(answer.node_id.0)
    }
}
