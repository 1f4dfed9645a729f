//! What can go wrong with TLS. Every error names the property to change, as Kafka's Java client calls it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::store::StoreFault;
use crate::model::{Classify, ErrorClass, Timestamp};

/// Why TLS did not come about.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TlsError {
    /// A file or text with certificates or keys is of no use.
    #[error("{property} ({place})")]
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
    #[error("this system has no trusted certificate authorities ({0}): name some with ssl.truststore.location")]
    NoSystemTrust(String),
    /// The host cannot stand in a certificate.
    #[error("{0:?} is no host name that a certificate could have")]
    HostName(String),
    /// Nobody who is trusted has signed it.
    #[error(
        "the broker's certificate ({subject}, issued by {issuer}) leads to no authority that is trusted: \
         ssl.truststore.location must hold its CA"
    )]
    UnknownIssuer {
        /// Whose certificate it is.
        subject: String,
        /// Who signed it, or the last of the chain.
        issuer: String,
    },
    /// It is over.
    #[error("the certificate of {subject} expired at {until}: the broker's keystore needs a new one")]
    Expired {
        /// Whose certificate it is.
        subject: String,
        /// Its last moment.
        until: Timestamp,
    },
    /// It has not begun.
    #[error("the certificate of {subject} is valid only from {from}: is the clock of this machine right?")]
    NotYetValid {
        /// Whose certificate it is.
        subject: String,
        /// Its first moment.
        from: Timestamp,
    },
    /// It belongs to another host.
    #[error(
        "the broker's certificate is not for {host}, it names {}: use one of these names, or let only the chain be checked with \
         an empty ssl.endpoint.identification.algorithm", names_text(.names)
    )]
    WrongName {
        /// The host dialled.
        host: String,
        /// The hosts that it names.
        names: Vec<String>,
    },
    /// A certificate that cannot be accepted for another reason.
    #[error("the broker's certificate ({subject}) cannot be accepted: {why}")]
    Certificate {
        /// Whose certificate it is.
        subject: String,
        /// What is wrong with it.
        why: String,
    },
    /// Whoever answers does not speak TLS.
    #[error(
        "the peer does not speak TLS{said}: security.protocol asks for TLS, this seems to be a listener without it"
    )]
    NotTls {
        /// What it did instead; begins with a comma.
        said: &'static str,
    },
    /// The broker insists on a certificate and got none.
    #[error("the broker wants a certificate of this client, and none is configured: ssl.keystore.location")]
    CertificateWanted,
    /// The broker does not accept this client's certificate.
    #[error(
        "the broker does not accept the certificate of this client ({subject}): {why}; ssl.keystore.location names it"
    )]
    CertificateRefused {
        /// Whose certificate was shown.
        subject: String,
        /// The broker's alert.
        why: String,
    },
    /// It asked for a certificate, and closed the connection as soon as it had the answer.
    #[error("the broker closed the connection when it had {0}: ssl.keystore.location")]
    ClosedAfterCertificate(String),
    /// The two sides have nothing in common.
    #[error(
        "no common TLS version or cipher suite ({0}): ssl.enabled.protocols says which versions this client speaks"
    )]
    NothingCommon(String),
    /// The handshake went wrong.
    #[error("the TLS handshake failed: {0}")]
    Handshake(Arc<rustls::Error>),
    /// The connection broke.
    #[error("the connection broke during the TLS handshake")]
    Io(#[source] Arc<io::Error>),
    /// The handshake took too long.
    #[error("the TLS handshake was not done within {0:?}: security.protocol asks for TLS, is this such a listener?")]
    TimedOut(Duration),
    /// This program's own fault.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

fn names_text(names: &[String]) -> String {
    if names.is_empty() { "no host at all".to_owned() } else { names.join(", ") }
}

impl Classify for TlsError {
    /// What a broker that just restarts can cause is worth another attempt; settings and certificates are not.
    fn class(&self) -> ErrorClass {
        match self {
            Self::Io(_) | Self::TimedOut(_) | Self::ClosedAfterCertificate(_) => ErrorClass::RefreshMetadata,
            _ => ErrorClass::Reject,
        }
    }
}
