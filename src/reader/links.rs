//! One connection to each leader, shared by all partitions that are read from it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use super::partition::PartitionReader;
use super::{ReaderOptions, Wanted};
use crate::cluster::{Cluster, ClusterError, DataConnection};

type Link = Arc<AsyncMutex<Option<DataConnection>>>;

/// Makes readers of partitions; clones share their connections.
#[derive(Debug, Clone)]
pub struct Readers {
    cluster: Cluster,
    options: ReaderOptions,
    links: Arc<Mutex<HashMap<i32, Link>>>,
}

impl Readers {
    /// Readers of one cluster. Nothing is connected yet.
    pub fn new(cluster: &Cluster, options: ReaderOptions) -> Self {
        Self { cluster: cluster.clone(), options, links: Arc::default() }
    }

    /// A reader of one partition.
    pub fn read(&self, wanted: Wanted) -> PartitionReader {
        PartitionReader::new(self.clone(), wanted)
    }

    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(super) fn options(&self) -> ReaderOptions {
        self.options
    }

    /// The connection to a leader, opened if there is none that can be used.
    pub(super) async fn link(&self, node: i32) -> Result<DataConnection, ClusterError> {
        let link = {
            let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(links.entry(node).or_default())
        };
        let mut held = link.lock().await;
        match held.as_ref().filter(|open| open.is_usable()) {
            Some(open) => Ok(open.clone()),
            None => Ok(held.insert(self.cluster.data_connection(node).await?).clone()),
        }
    }
}
