//! What can go wrong on one socket.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::AuthenticationError;
use crate::model::{Classify, ErrorClass};
use crate::security::tls::TlsError;
use crate::wire::WireError;

/// Why a connection could not be made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DialError {
    /// Not `HOST:PORT`.
    #[error("this is not an address of the form HOST:PORT")]
    Address,
    /// The name has no address.
    #[error("the host name cannot be resolved")]
    Resolve(#[source] Arc<io::Error>),
    /// Refused, unreachable, reset.
    #[error(transparent)]
    Connect(Arc<io::Error>),
    /// Nobody answered the connection attempt.
    #[error("nobody answered within {0:?}")]
    TimedOut(Duration),
}

/// Why a connection is of no more use. Every request that waits on it gets the same reason.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Poison {
    /// The peer closed it.
    #[error("the peer closed the connection")]
    Closed,
    /// The operating system reports a fault.
    #[error(transparent)]
    Io(Arc<io::Error>),
    /// An earlier request got no answer; answers come in order, so later ones would not get theirs either.
    #[error("an earlier {api} request got no answer within {after:?}")]
    Stuck {
        /// The request that was not answered.
        api: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// The peer speaks some text protocol.
    #[error("the peer answered with {0:?}")]
    Greeting(String),
    /// The peer speaks TLS.
    #[error("the peer answered with TLS")]
    Tls,
    /// A frame larger than any answer may be.
    #[error("a frame of {size} bytes was announced, {limit} are allowed")]
    Oversize {
        /// What the frame's length says; negative lengths are possible.
        size: i64,
        /// The limit in bytes.
        limit: usize,
    },
    /// An answer to a question nobody asked.
    #[error("an answer carries correlation id {0}, which no request has")]
    Correlation(i32),
    /// The broker wanted to know again who this client is, and was not satisfied.
    #[error("signing in again failed")]
    SignIn(#[source] Arc<ConnectionError>),
    /// Its owner let go of it.
    #[error("the connection was given up")]
    GivenUp,
}

/// A fault of one connection or of one request on it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectionError {
    /// No connection came about.
    #[error("no connection to {address}")]
    Dial {
        /// As given or advertised, `host:port`.
        address: String,
        /// What happened.
        source: DialError,
    },
    /// TLS did not come about.
    #[error("no secure connection to {address}")]
    Tls {
        /// `host:port`.
        address: String,
        /// What happened.
        source: Box<TlsError>,
    },
    /// The broker does not know who this client is.
    #[error("signing in at {address} failed")]
    Authentication {
        /// `host:port`.
        address: String,
        /// What happened.
        source: Box<AuthenticationError>,
    },
    /// A listener that wants SASL, spoken to without.
    #[error("the listener at {address} wants SASL ({}): set security.protocol to {protocol}", .mechanisms.join(", "))]
    WantsSasl {
        /// `host:port`.
        address: String,
        /// The mechanisms it offers.
        mechanisms: Vec<String>,
        /// The value to set.
        protocol: &'static str,
    },
    /// Something answers there, but not Kafka.
    #[error("the peer at {address} answered with {greeting:?}: this is not a Kafka listener")]
    NotKafka {
        /// `host:port`.
        address: String,
        /// The first bytes it sent, as text.
        greeting: String,
    },
    /// A TLS listener spoken to in plain text.
    #[error(
        "the peer at {address} speaks TLS, and this connection is plain text: set security.protocol to SSL or SASL_SSL"
    )]
    SpeaksTls {
        /// `host:port`.
        address: String,
    },
    /// A connection that accepted no first request.
    #[error("{address} accepts connections but does not answer as a Kafka broker does: {reason}")]
    Handshake {
        /// `host:port`.
        address: String,
        /// What happened.
        reason: Poison,
    },
    /// The connection ended before the answer came.
    #[error("the connection to {address} was lost before the answer to {api} came")]
    Lost {
        /// `host:port`.
        address: String,
        /// The request's API.
        api: &'static str,
        /// Whether any byte of the request may have reached the peer.
        sent: bool,
        /// Why the connection ended.
        #[source]
        reason: Poison,
    },
    /// No answer in time.
    #[error("{address} did not answer {api} within {after:?}")]
    TimedOut {
        /// `host:port`.
        address: String,
        /// The request's API.
        api: &'static str,
        /// The time allowed.
        after: Duration,
        /// Whether any byte of the request may have reached the peer.
        sent: bool,
    },
    /// The answer's bytes make no sense, or the request cannot be spelled.
    #[error("{address}: {api}")]
    Wire {
        /// `host:port`.
        address: String,
        /// The request's API.
        api: &'static str,
        /// What is wrong.
        #[source]
        source: WireError,
    },
}

impl ConnectionError {
    /// Whether the peer may have acted on the request: false only if it cannot have seen it.
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Lost { sent, .. } | Self::TimedOut { sent, .. } => *sent,
            Self::Wire { source, .. } => !matches!(source, WireError::NoCommonVersion { .. } | WireError::Encode(_)),
            _ => false,
        }
    }
}

impl Classify for ConnectionError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Dial { source: DialError::Address, .. }
            | Self::NotKafka { .. }
            | Self::SpeaksTls { .. }
            | Self::WantsSasl { .. } => ErrorClass::Reject,
            Self::Authentication { source, .. } => source.class(),
            Self::Lost { reason: Poison::SignIn(error), .. } => error.class(),
            Self::Tls { source, .. } => source.class(),
            Self::Lost { reason: Poison::Oversize { .. } | Poison::Correlation(_), .. } => ErrorClass::Corrupt,
            Self::Dial { .. } | Self::Handshake { .. } | Self::Lost { .. } | Self::TimedOut { .. } => {
                ErrorClass::RefreshMetadata
            }
            Self::Wire { source, .. } => source.class(),
        }
    }
}
