//! Connections by node id. Control requests share one connection a broker; data connections belong to who asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use super::{ClusterError, ClusterOptions, Metadata};
use crate::net::{Connection, ConnectionError, Opening};

/// Largest answer to a control request: metadata of a million partitions are below 100 MB.
const CONTROL_FRAME: usize = 256 << 20;
/// Largest answer to a fetch: one batch always comes, however large it is.
const DATA_FRAME: usize = 1 << 30;

type Slot = Arc<AsyncMutex<Option<Connection>>>;

/// The control connections, and the way to open others.
#[derive(Debug)]
pub(super) struct Pool {
    options: ClusterOptions,
    slots: Mutex<HashMap<i32, Slot>>,
}

impl Pool {
    pub(super) fn new(options: ClusterOptions) -> Self {
        Self { options, slots: Mutex::new(HashMap::new()) }
    }

    pub(super) fn options(&self) -> &ClusterOptions {
        &self.options
    }

    /// The control connection to a broker, opened again without a word if it was closed meanwhile.
    pub(super) async fn control(&self, metadata: &Metadata, node: i32) -> Result<Connection, ClusterError> {
        let slot = self.slot(node);
        let mut held = slot.lock().await;
        if let Some(connection) = held.as_ref().filter(|connection| connection.is_usable()) {
            return Ok(connection.clone());
        }
        let connection = self.open(metadata, node, CONTROL_FRAME).await?;
        *held = Some(connection.clone());
        Ok(connection)
    }

    /// A new connection for fetching and producing.
    pub(super) async fn data(&self, metadata: &Metadata, node: i32) -> Result<Connection, ClusterError> {
        self.open(metadata, node, DATA_FRAME).await
    }

    /// Any broker that answers: one that is connected already, then the known brokers, then the bootstrap addresses.
    pub(super) async fn any(&self, metadata: Option<&Metadata>) -> Result<(i32, Connection), ClusterError> {
        if let Some(found) = self.connected() {
            return Ok(found);
        }
        let mut tried = Vec::new();
        for node in metadata.iter().flat_map(|metadata| metadata.brokers.keys()) {
            match metadata.map(|metadata| self.control(metadata, *node)) {
                Some(attempt) => match attempt.await {
                    Ok(connection) => return Ok((*node, connection)),
                    Err(error) => tracing::debug!(node_id = node, %error, "broker does not answer"),
                },
                None => break,
            }
        }
        for address in &self.options.bootstrap {
            match self.dial(address, CONTROL_FRAME).await {
                Ok(connection) => {
                    *self.slot(BOOTSTRAP).lock().await = Some(connection.clone());
                    return Ok((BOOTSTRAP, connection));
                }
                Err(error) => tried.push((address.clone(), error)),
            }
        }
        Err(ClusterError::Bootstrap { tried })
    }

    /// A connection that is open now. Slots under construction are passed over.
    fn connected(&self) -> Option<(i32, Connection)> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let open = |(node, slot): (&i32, &Slot)| {
            let connection = slot.try_lock().ok()?.as_ref()?.clone();
            connection.is_usable().then_some((*node, connection))
        };
        slots.iter().find_map(open)
    }

    /// The next request to the broker gets a new connection. One that is being opened just now stays.
    pub(super) fn forget(&self, node: i32) {
        if let Ok(mut held) = self.slot(node).try_lock() {
            *held = None;
        }
    }

    fn slot(&self, node: i32) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(node).or_default())
    }

    async fn open(&self, metadata: &Metadata, node: i32, frame_limit: usize) -> Result<Connection, ClusterError> {
        if let Some(address) = self.options.broker_address.get(&node) {
            let address = address.clone();
            let opened = self.dial(&address, frame_limit).await;
            return opened.map_err(|source| ClusterError::Override { node, address, source });
        }
        let broker = metadata.brokers.get(&node).ok_or(ClusterError::UnknownNode(node))?;
        let address = broker.address();
        let opened = self.dial(&address, frame_limit).await;
        opened.map_err(|source| ClusterError::Advertised { node, address, source })
    }

    async fn dial(&self, address: &str, frame_limit: usize) -> Result<Connection, ConnectionError> {
        Connection::open(Opening {
            address,
            client_id: &self.options.client_id,
            security: &self.options.security,
            patience: self.options.connect_timeout,
            frame_limit,
        })
        .await
    }
}

/// The slot of the connection made before any node id was known.
pub(super) const BOOTSTRAP: i32 = -1;
