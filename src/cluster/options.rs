//! How to reach a cluster.

use std::collections::HashMap;
use std::time::Duration;

use crate::retry::Policy;
use crate::security::Security;

/// How to reach a cluster, and how patient to be.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Addresses to begin with, `host:port` each.
    pub bootstrap: Vec<String>,
    /// Addresses to use instead of the advertised ones, by node id.
    pub broker_address: HashMap<i32, String>,
    /// The name this client shows in the brokers' logs and quotas.
    pub client_id: String,
    /// How connections are encrypted, and who this client is.
    pub security: Security,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How long one connection attempt may take, including the first answer.
    pub connect_timeout: Duration,
    /// How requests are tried again.
    pub retry: Policy,
}

impl ClusterOptions {
    /// The defaults for a list of bootstrap addresses.
    pub fn new<S: Into<String>>(bootstrap: impl IntoIterator<Item = S>) -> Self {
        Self {
            bootstrap: bootstrap.into_iter().map(Into::into).collect(),
            broker_address: HashMap::new(),
            client_id: "ktape".to_owned(),
            security: Security::default(),
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            retry: Policy::default(),
        }
    }
}
