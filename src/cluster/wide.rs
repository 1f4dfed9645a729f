//! Settings that belong to no topic.

use std::fmt;

use crate::model::GroupId;

/// Whose settings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigScope {
    /// All brokers' that have no value of their own: the cluster-wide dynamic ones.
    AllBrokers,
    /// A consumer group's (KIP-848, 3.8+).
    Group(GroupId),
    /// A client metrics subscription's (KIP-714, 3.7+).
    ClientMetrics(String),
}

impl fmt::Display for ConfigScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllBrokers => f.write_str("all brokers"),
            Self::Group(id) => write!(f, "group {id}"),
            Self::ClientMetrics(name) => write!(f, "client metrics {name}"),
        }
    }
}

/// One setting that is set there, not inherited.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScopedConfig {
    /// Its key.
    pub name: String,
    /// Its value; `None` where the broker hides it.
    pub value: Option<String>,
}
