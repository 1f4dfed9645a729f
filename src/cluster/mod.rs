//! Many brokers as one cluster: first contact, metadata, routing to leaders and coordinators, connections, retries.
//!
//! The types of the protocol crate stop in `api`; callers see this program's own nouns only.

mod answer;
mod api;
mod error;
mod metadata;
mod options;

pub use answer::{
    BrokerConfig, ConfigChange, Each, EpochEnd, FetchAnswer, FetchLimits, FetchPartition, FetchedPartition,
    GroupDescription, GroupListing, GroupOffsets, ListedGroup, NewTopic, OffsetSpec, PartitionOffset, ProducePartition,
    ProduceResult, ProducerIdentity, TopicConfig,
};
pub use api::{Cluster, DataConnection, Features};
pub use error::{ClusterError, Outcome, Subject};
pub use metadata::{Broker, Metadata, PartitionMeta, TopicMeta};
pub use options::ClusterOptions;

pub use crate::net::ConnectionError;
pub use crate::retry::Policy;
pub use crate::wire::ErrorCode;
