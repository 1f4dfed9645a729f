//! From groups to their coordinators: questions about many groups, batched per coordinator and asked again where the
//! coordinator has moved.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use super::join::join_all;
use super::{Cluster, ClusterError};
use crate::model::GroupId;
use crate::net::{Connection, ConnectionError};
use crate::retry::{Attempt, settle};

/// Coordinators found so far.
#[derive(Debug, Default)]
pub(super) struct Coordinators(Mutex<HashMap<GroupId, i32>>);

impl Coordinators {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<GroupId, i32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the coordinators answered.
pub(super) type Answers<T> = Vec<(GroupId, Result<T, ClusterError>)>;

/// Groups in one request.
const CHUNK: usize = 200;

impl Cluster {
    /// Asks the coordinators. `ask` gets the groups for one connection and answers each by its position.
    pub(super) async fn ask_coordinators<T, F, Asking>(&self, groups: Vec<GroupId>, ask: F) -> Answers<T>
    where
        F: Fn(Connection, Vec<GroupId>, Attempt) -> Asking,
        Asking: Future<Output = Result<Vec<Result<T, ClusterError>>, ConnectionError>>,
    {
        let policy = self.options().retry;
        settle(policy, groups, |pending, attempt| self.ask_coordinators_once(pending, attempt, &ask)).await
    }

    async fn ask_coordinators_once<T, F, Asking>(&self, groups: Vec<GroupId>, attempt: Attempt, ask: &F) -> Answers<T>
    where
        F: Fn(Connection, Vec<GroupId>, Attempt) -> Asking,
        Asking: Future<Output = Result<Vec<Result<T, ClusterError>>, ConnectionError>>,
    {
        let mut answers = Vec::with_capacity(groups.len());
        let mut by_node = BTreeMap::<i32, Vec<GroupId>>::new();
        for (group, found) in self.coordinators_for(groups, attempt).await {
            match found {
                Ok(node) => by_node.entry(node).or_default().push(group),
                Err(error) => answers.push((group, Err(error))),
            }
        }
        let rounds = by_node.into_iter().map(|(node, groups)| self.ask_coordinator(node, groups, attempt, ask));
        answers.extend(join_all(rounds.collect()).await.into_iter().flatten());
        answers
    }

    async fn ask_coordinator<T, F, Asking>(
        &self,
        node: i32,
        groups: Vec<GroupId>,
        attempt: Attempt,
        ask: &F,
    ) -> Answers<T>
    where
        F: Fn(Connection, Vec<GroupId>, Attempt) -> Asking,
        Asking: Future<Output = Result<Vec<Result<T, ClusterError>>, ConnectionError>>,
    {
        let connection = self.control(node).await;
        let mut answers = Vec::with_capacity(groups.len());
        for chunk in groups.chunks(CHUNK) {
            let answered = match &connection {
                Err(error) => Err(error.clone()),
                Ok(connection) => ask(connection.clone(), chunk.to_vec(), attempt)
                    .await
                    .map_err(|source| ClusterError::Connection { node, source }),
            };
            match answered {
                Ok(results) => answers.extend(results),
                Err(error) => answers.extend(chunk.iter().map(|_| Err(error.clone()))),
            }
        }
        groups.into_iter().zip(answers).collect()
    }

    /// The coordinators' node ids; found again where the attempt before says that they were stale.
    pub(super) async fn coordinators_for(&self, groups: Vec<GroupId>, attempt: Attempt) -> Answers<i32> {
        if attempt.refresh {
            let mut known = self.coordinators().lock();
            for group in &groups {
                known.remove(group);
            }
        }
        let (mut found, missing) = self.known_coordinators(groups);
        if missing.is_empty() {
            return found;
        }
        // The broker that coordinates may be one that the metadata do not have yet.
        let routed = match self.metadata_for(attempt).await {
            Ok(_) => self.any().await,
            Err(error) => Err(error),
        };
        match routed {
            Err(error) => found.extend(missing.into_iter().map(|group| (group, Err(error.clone())))),
            Ok((node, connection)) => {
                let fresh = self.find_coordinators(node, &connection, missing).await;
                let mut known = self.coordinators().lock();
                for (group, node) in &fresh {
                    if let Ok(node) = node {
                        known.insert(group.clone(), *node);
                    }
                }
                found.extend(fresh);
            }
        }
        found
    }

    fn known_coordinators(&self, groups: Vec<GroupId>) -> (Answers<i32>, Vec<GroupId>) {
        let known = self.coordinators().lock();
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for group in groups {
            match known.get(&group) {
                Some(node) => found.push((group, Ok(*node))),
                None => missing.push(group),
            }
        }
        (found, missing)
    }
}
