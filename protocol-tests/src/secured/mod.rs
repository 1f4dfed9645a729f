//! A real cluster with TLS, SASL and an authorizer.

pub mod certificates;
mod listeners;
pub mod login;
pub mod tokens;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::cluster::{Cluster, ClusterSpec};
use crate::desk::Desk;
use crate::error::{HarnessError, io};
use crate::tools::Tools;
use certificates::Certificates;
pub use listeners::{Listener, SESSION_MS};
pub use login::Login;
use tokens::Tokens;

/// Users that can log in by PLAIN and SCRAM; the password is the name and `-secret`. `admin` may do everything, the
/// others what their ACLs say: nothing at first.
pub const USERS: &[&str] = &["admin", "backup", "restore", "operator", "nobody"];

/// The password of a user.
pub fn password(user: &str) -> String {
    format!("{user}-secret")
}

/// One broker with a listener of each kind. Whoever comes over PLAINTEXT may do everything, so that Kafka's tools need
/// no settings. A client certificate `CN=backup` is the principal `User:backup`, as the user `backup` is.
#[derive(Debug)]
pub struct SecuredCluster {
    // Dropped in this order: clients, cluster, then the files it was started with.
    desk: Desk,
    cluster: Cluster,
    certificates: Certificates,
    tokens: Tokens,
    folder: TempDir,
}

impl SecuredCluster {
    /// Starts it and makes its users.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start() -> Result<Self, HarnessError> {
        Self::start_with(|spec| spec)
    }

    /// The same with more properties.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start_with(change: impl FnOnce(ClusterSpec) -> ClusterSpec) -> Result<Self, HarnessError> {
        let folder = TempDir::with_prefix("ktape-secured-").map_err(io("make a temporary folder"))?;
        let certificates = Certificates::create(folder.path())?;
        let tokens = Tokens::create(folder.path())?;
        let spec = listeners::configure(ClusterSpec::new(1).heap_mib(384), &certificates, &tokens);
        let cluster = change(spec).start()?;
        let desk = Desk::open(&cluster.tools())?;
        for user in USERS {
            desk.step(&format!("scram:{user}:{}", password(user)))?;
        }
        Ok(Self { desk, cluster, certificates, tokens, folder })
    }

    /// `127.0.0.1:port` of a listener.
    pub fn bootstrap(&self, listener: Listener) -> String {
        format!("127.0.0.1:{}", self.port(listener))
    }

    /// The port of a listener.
    pub fn port(&self, listener: Listener) -> u16 {
        listener.place().map_or_else(|| self.cluster.port(1), |at| self.cluster.further_port(1, at))
    }

    /// The cluster, and Kafka's tools with all rights.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Kafka's own tools, with all rights.
    pub fn tools(&self) -> Tools {
        self.cluster.tools()
    }

    /// A warm JVM for changes.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Its authority and certificates.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// Bearer tokens that `SASL_SSL` and REAUTH accept.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// A folder for files of clients, removed with the cluster.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gives the user exactly these rights, each `OPERATION,TYPE,PATTERN,NAME` as in `READ,TOPIC,LITERAL,orders` or
    /// `DESCRIBE,CLUSTER,LITERAL,kafka-cluster`. Returns when the broker judges by them.
    ///
    /// # Errors
    /// The cluster refuses them.
    pub fn set_acls(&self, user: &str, entries: &[&str]) -> Result<(), HarnessError> {
        self.desk.step(&format!("acls:{user}:{}", entries.join(";"))).map(drop)
    }

    /// A delegation token of the user: its id and its HMAC, which are user and password of a SCRAM login.
    ///
    /// # Errors
    /// The cluster gives none.
    pub fn delegation_token(&self, user: &str) -> Result<(String, String), HarnessError> {
        let step = format!("token:{}:{user}:{}", self.port(Listener::SaslPlaintext), password(user));
        let said = self.desk.step(&step)?;
        let (id, hmac) =
            said.split_once(' ').ok_or_else(|| HarnessError::Output { what: step, output: said.clone() })?;
        Ok((id.to_owned(), hmac.to_owned()))
    }

    /// The `client.properties` of a Java client for this listener and login, with `bootstrap.servers`.
    ///
    /// # Errors
    /// A certificate or token cannot be made or written.
    pub fn client_properties(&self, listener: Listener, login: &Login) -> Result<String, HarnessError> {
        login::properties(self, listener, login)
    }

    /// The same in a file that only its owner can read. Each call makes another one.
    ///
    /// # Errors
    /// As [`Self::client_properties`], or it cannot be written.
    pub fn client_file(&self, listener: Listener, login: &Login) -> Result<PathBuf, HarnessError> {
        login::write(self.folder.path(), "client", "properties", &self.client_properties(listener, login)?)
    }
}
