//! What can go wrong with TLS. Every error says which property to change.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Classify, ErrorClass};

/// Why TLS did not come about. Properties have the names of Kafka's Java client.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TlsError {
    /// A file or text with certificates or keys is of no use.
    #[error("{property}: {place}")]
    Store {
        /// The property that names it.
        property: &'static str,
        /// The file, or that it stands in the configuration itself.
        place: String,
        /// What is wrong with it.
        #[source]
        fault: StoreFault,
    },
    /// The system has no certificate authorities.
    #[error("the system has no trusted certificate authorities ({0}): name a file with ssl.truststore.location")]
    NoSystemTrust(String),
    /// The host cannot stand in a certificate.
    #[error("{0:?} is no host name that a certificate could have")]
    HostName(String),
    /// The handshake failed.
    #[error("the TLS handshake failed: {0}")]
    Handshake(Arc<rustls::Error>),
    /// The connection broke.
    #[error("the connection broke during the TLS handshake")]
    Io(#[source] Arc<io::Error>),
    /// The handshake took too long.
    #[error("the TLS handshake was not done within {0:?}: is this a TLS listener (security.protocol)?")]
    TimedOut(Duration),
    /// This program's own fault.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// What is wrong with a store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreFault {
    /// The operating system reports a fault.
    #[error(transparent)]
    Read(Arc<io::Error>),
    /// Larger than any store may be.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    /// PEM that cannot be decoded.
    #[error("this is not good PEM: {0}")]
    Pem(String),
    /// Nothing in it that can be trusted.
    #[error("it has no certificate")]
    NoCertificate,
    /// A certificate that cannot be decoded.
    #[error("certificate {0} in it (counted from 1) cannot be decoded")]
    Certificate(usize),
}

impl Classify for TlsError {
    /// What a broker that just restarts can cause is worth another attempt; settings and certificates are not.
    fn class(&self) -> ErrorClass {
        match self {
            Self::Io(_) | Self::TimedOut(_) => ErrorClass::RefreshMetadata,
            _ => ErrorClass::Reject,
        }
    }
}
