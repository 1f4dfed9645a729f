//! The handle, first contact, and metadata generations.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;

use super::api::metadata::ask_metadata;
use super::coordinator::Coordinators;
use super::data::DataConnection;
use super::join::first_ok;
use super::pool::Pool;
use super::{ClusterError, ClusterOptions, Features, Metadata};
use crate::model::Classify;
use crate::net::Connection;
use crate::retry::{Attempt, retry};
use crate::wire::Exchange;

/// A handle on a cluster; clones share connections and metadata.
#[derive(Debug, Clone)]
pub struct Cluster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Pool,
    current: RwLock<Arc<Metadata>>,
    refreshing: AsyncMutex<()>,
    coordinators: Coordinators,
    features: Features,
}

impl Cluster {
    /// Finds the cluster behind the bootstrap addresses, and makes sure that at least one broker answers at the
    /// address it advertises.
    pub async fn connect(options: ClusterOptions) -> Result<Self, ClusterError> {
        let pool = Pool::new(options);
        let contact = pool.options().retry.within(FIRST_CONTACT);
        let (metadata, features) = retry(contact, |_| first_contact(&pool)).await?;
        reach_any(&pool, &metadata).await?;
        Ok(Self(Arc::new(Inner {
            pool,
            current: RwLock::new(Arc::new(metadata)),
            refreshing: AsyncMutex::new(()),
            coordinators: Coordinators::default(),
            features,
        })))
    }

    /// The cluster's id, as its brokers spell it.
    pub fn cluster_id(&self) -> String {
        self.current().cluster_id.clone()
    }

    /// What the brokers offer, asked of the first that answered.
    pub fn features(&self) -> Features {
        self.0.features
    }

    /// How to reach the cluster, as given.
    pub fn options(&self) -> &ClusterOptions {
        self.0.pool.options()
    }

    /// All topics, as last read; read again when they are older than some minutes. Never creates one.
    pub async fn metadata(&self) -> Result<Arc<Metadata>, ClusterError> {
        let current = self.current();
        if current.read_at.elapsed() < METADATA_AGE {
            return Ok(current);
        }
        match self.refresh_once(&current).await {
            Err(error) if error.class().is_retriable() => {
                tracing::debug!(%error, "old metadata are used");
                Ok(current)
            }
            result => result,
        }
    }

    /// Reads the metadata again, unless somebody did since `stale` was read.
    pub async fn refresh(&self, stale: &Metadata) -> Result<Arc<Metadata>, ClusterError> {
        retry(self.options().retry, |_| self.refresh_once(stale)).await
    }

    /// Opens a connection of its own to a broker. Tried once: when it fails, the leader may have moved meanwhile.
    pub async fn data_connection(&self, node_id: i32) -> Result<DataConnection, ClusterError> {
        let metadata = self.current();
        let connection = self.0.pool.data(&metadata, node_id).await?;
        Ok(DataConnection::new(node_id, connection, self.options().request_timeout))
    }

    /// A broker that gave no answer in time is asked nothing more on the connection that is open: other brokers come
    /// first, and it gets a new one.
    pub fn distrust(&self, node_id: i32) {
        self.0.pool.forget(node_id);
    }

    pub(super) fn current(&self) -> Arc<Metadata> {
        Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) async fn refresh_once(&self, stale: &Metadata) -> Result<Arc<Metadata>, ClusterError> {
        let _one_at_a_time = self.0.refreshing.lock().await;
        let current = self.current();
        if current.generation > stale.generation {
            return Ok(current);
        }
        let (node, connection) = self.0.pool.any(Some(&current)).await?;
        let patience = self.options().request_timeout;
        let fresh = Arc::new(ask_metadata(node, &connection, patience, current.generation + 1).await?);
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Ok(fresh)
    }

    /// Metadata for an attempt: read again if the one before says that routing was stale.
    pub(super) async fn metadata_for(&self, attempt: Attempt) -> Result<Arc<Metadata>, ClusterError> {
        let current = self.current();
        if attempt.refresh { self.refresh_once(&current).await } else { Ok(current) }
    }

    pub(super) fn coordinators(&self) -> &Coordinators {
        &self.0.coordinators
    }

    pub(super) fn patience(&self) -> Duration {
        self.options().request_timeout
    }

    /// The control connection to a broker.
    pub(super) async fn control(&self, node: i32) -> Result<Connection, ClusterError> {
        self.0.pool.control(&self.current(), node).await
    }

    /// Asks one broker.
    pub(super) async fn ask<R: Exchange>(&self, node: i32, request: &R) -> Result<R::Answer, ClusterError> {
        let connection = self.control(node).await?;
        let answer = connection.call(request, self.patience()).await;
        answer.map_err(|source| ClusterError::Connection { node, source })
    }

    /// Asks any broker; gives its node id too.
    pub(super) async fn any(&self) -> Result<(i32, Connection), ClusterError> {
        self.0.pool.any(Some(&self.current())).await
    }
}

async fn first_contact(pool: &Pool) -> Result<(Metadata, Features), ClusterError> {
    let (node, connection) = pool.any(None).await?;
    let metadata = ask_metadata(node, &connection, pool.options().request_timeout, 1).await?;
    Ok((metadata, Features::of(connection.versions())))
}

/// A cluster that advertises addresses nobody can reach would only be noticed much later, and less clearly.
async fn reach_any(pool: &Pool, metadata: &Metadata) -> Result<(), ClusterError> {
    let attempts = metadata.brokers.keys().take(FIRST_BROKERS).map(|node| pool.control(metadata, *node)).collect();
    match first_ok(attempts).await {
        Ok(_) => Ok(()),
        Err(errors) => errors.into_iter().next().map_or(Ok(()), Err),
    }
}

/// Brokers tried at first contact.
const FIRST_BROKERS: usize = 5;
/// Metadata older than this are read again before they are handed out (Java's `metadata.max.age.ms`).
const METADATA_AGE: Duration = Duration::from_secs(300);
/// How long a cluster without a single broker that answers is waited for.
const FIRST_CONTACT: Duration = Duration::from_secs(3);
