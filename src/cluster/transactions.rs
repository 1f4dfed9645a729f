//! Producers and transactions as brokers show them.

use crate::model::{Timestamp, TopicPartition};

/// A producer that a partition's leader remembers (KIP-664).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveProducer {
    /// Its id.
    pub producer_id: i64,
    /// Its epoch, -1 if unknown.
    pub producer_epoch: i32,
    /// Sequence number of its last record, -1 after a marker or if unknown.
    pub last_sequence: i32,
    /// Time of its last batch or marker.
    pub last_timestamp: Timestamp,
    /// Epoch of the coordinator that wrote its last marker, -1 if there is none.
    pub coordinator_epoch: i32,
    /// First offset of its open transaction, -1 if it has none.
    pub transaction_start: i64,
}

/// A transactional id as its coordinator lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTransaction {
    /// Node id of the coordinator: the one to ask for more.
    pub coordinator: i32,
    /// Its id.
    pub transactional_id: String,
    /// The producer that has it.
    pub producer_id: i64,
    /// `Ongoing`, `PrepareCommit`, `CompleteAbort`, ...: as the broker spells it.
    pub state: String,
}

/// What a coordinator knows of a transactional id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionDescription {
    /// As the broker spells it.
    pub state: String,
    /// Its time limit in milliseconds.
    pub timeout_ms: i32,
    /// When its transaction began, -1 if there is none.
    pub started: Timestamp,
    /// The producer that has it.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// What is in its transaction. Partitions of topics that this client may not see are missing.
    pub partitions: Vec<TopicPartition>,
}
