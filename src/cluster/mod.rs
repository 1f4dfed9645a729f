//! Many brokers as one cluster: first contact, metadata, routing to leaders and coordinators, connections, retries.
//!
//! The types of the protocol crate stop here; callers see this program's own nouns only.

mod answer;
mod api;
mod ask;
mod coordinator;
mod data;
mod error;
mod features;
mod handle;
mod join;
mod metadata;
mod needed;
mod options;
mod pool;
mod rights;
mod route;
mod survey;
mod transactions;
mod trouble;
mod wide;

pub use answer::{
    BrokerConfig, ConfigChange, Each, EpochEnd, FetchAnswer, FetchLimits, FetchPartition, FetchedPartition,
    GroupDescription, GroupListing, GroupOffsets, Leaders, ListedGroup, NewTopic, OffsetSpec, PartitionOffset,
    ProducePartition, ProduceResult, ProducerIdentity, TopicConfig,
};
pub use data::DataConnection;
pub use error::{ClusterError, Outcome, Subject};
pub use features::Features;
pub use handle::Cluster;
pub use metadata::{Broker, Metadata, PartitionMeta, TopicMeta};
pub use options::ClusterOptions;
pub use rights::{Operation, Operations, TopicRights};
pub use survey::{BrokerLook, ClockReading};
pub use transactions::{ActiveProducer, ListedTransaction, TransactionDescription};
pub use trouble::Trouble;
pub use wide::{ConfigScope, ScopedConfig};

pub use crate::net::ConnectionError;
pub use crate::retry::Policy;
pub use crate::wire::ErrorCode;

#[cfg(test)]
mod tests;
