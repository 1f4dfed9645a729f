//! Connections to leaders, opened when they are needed and again when they broke.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as PlainMutex, PoisonError};

use tokio::sync::Mutex;

use crate::cluster::{Cluster, ClusterError, DataConnection};

/// The way to one broker. Clones share the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Link(Arc<Mutex<Option<DataConnection>>>);

impl Link {
    /// Its connection, a new one if there is none or it can no longer be used.
    pub(super) async fn open(&self, cluster: &Cluster, node: i32) -> Result<DataConnection, ClusterError> {
        let mut held = self.0.lock().await;
        match held.as_ref().filter(|open| open.is_usable()) {
            Some(open) => Ok(open.clone()),
            None => Ok(held.insert(cluster.data_connection(node).await?).clone()),
        }
    }
}

/// Links by node id. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Links(Arc<PlainMutex<BTreeMap<i32, Link>>>);

impl Links {
    /// The link to one broker.
    pub(super) fn to(&self, node: i32) -> Link {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(node).or_default().clone()
    }
}
