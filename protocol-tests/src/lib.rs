//! A harness that runs real Apache Kafka for ktape's tests, benches and quick start.
//!
//! Kafka's own jars come from Maven into a per-user cache ([`jars`]), clusters of any size run on loopback
//! ([`cluster`]), and Kafka's own tools and a few Java helpers act on them and judge what is there ([`tools`],
//! [`helpers`]). A cluster with TLS, SASL and ACLs, and the certificates and tokens for it, is [`secured`]. A [`clock`] jumps
//! under a process. Every JVM runs under a small shell that kills it when this process ends, however it ends ([`jvm`]).

pub mod clock;
pub mod cluster;
pub mod desk;
pub mod error;
pub mod fake;
pub mod helpers;
pub mod jars;
pub mod judge;
pub mod jvm;
pub mod load;
pub mod ports;
pub mod prerequisites;
pub mod probe;
pub mod proxy;
pub mod secured;
pub mod tools;

pub use cluster::{Cluster, ClusterSpec};
pub use error::HarnessError;
pub use jars::Jars;
pub use secured::SecuredCluster;
pub use tools::Tools;
