//! What can be wrong with the messages of a mechanism, or with what a person configured for it.

use std::ops::RangeInclusive;

use crate::model::{Classify, ErrorClass};

/// A mechanism that cannot go on. Names the property to change where one is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaslError {
    /// A user or password that the mechanism cannot carry.
    #[error("the {what} in sasl.jaas.config {fault}")]
    Credentials {
        /// `username` or `password`.
        what: &'static str,
        /// What is wrong with it, without showing it.
        fault: &'static str,
    },
    /// SASL extensions of OAUTHBEARER that are not well-formed (RFC 7628 3.1, KIP-342).
    #[error("the SASL extension {0:?} (extension_{0} in sasl.jaas.config) is not well-formed")]
    Extension(String),
    /// Bytes that are no message of the mechanism at this point.
    #[error("the broker's {mechanism} message is not one: {fault}")]
    Malformed {
        /// The mechanism.
        mechanism: &'static str,
        /// What is wrong.
        fault: &'static str,
    },
    /// More bytes than any message of a mechanism has.
    #[error("the broker's message has {size} bytes, at most {most} are accepted")]
    Oversize {
        /// Bytes that came.
        size: usize,
        /// Bytes accepted.
        most: usize,
    },
    /// The exchange does not come to an end.
    #[error("the broker asks on and on: the exchange should have ended")]
    Endless,
    /// A nonce that does not begin with ours: the answer belongs to another exchange.
    #[error(
        "the broker's nonce does not continue this client's: it answers another exchange, or is no broker of this cluster"
    )]
    Nonce,
    /// Too few rounds make a password easy to guess, too many keep this client busy.
    #[error("the broker asks for {given} iterations of the hash; {} to {} are accepted", .accepted.start(), .accepted.end())]
    Iterations {
        /// What the broker asks for.
        given: u64,
        /// What is accepted.
        accepted: RangeInclusive<u32>,
    },
    /// The server does not know the password either.
    #[error(
        "the broker cannot prove that it knows the password: its signature is wrong, so it is no broker of this cluster"
    )]
    ServerSignature,
    /// The server's own words at the end of SCRAM.
    #[error("the broker ends the exchange: {0}")]
    Server(String),
    /// No random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl Classify for SaslError {
    fn class(&self) -> ErrorClass {
        ErrorClass::Reject
    }
}
