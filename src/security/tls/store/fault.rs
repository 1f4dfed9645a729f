//! What can be wrong with a store.

use std::io;
use std::sync::Arc;

/// Why a file or text with certificates or keys is of no use.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreFault {
    /// The operating system reports a fault.
    #[error(transparent)]
    Read(Arc<io::Error>),
    /// Larger than any store may be.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    /// Nothing that is known.
    #[error("it is none of PEM, PKCS12 and JKS")]
    Unknown,
    /// Begins as it should and goes on otherwise.
    #[error("this {kind} cannot be decoded: {why}")]
    Damaged {
        /// PEM, PKCS12 or JKS.
        kind: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A password is needed and none is there.
    #[error("it can only be opened with a password: {0}")]
    NeedsPassword(&'static str),
    /// The password does not fit.
    #[error("{0} does not open it: the password is another, or the content is damaged")]
    WrongPassword(&'static str),
    /// Encrypted or signed in a way that is not supported.
    #[error("it is protected in a way that is not supported here ({what}); convert it: {command}")]
    Protection {
        /// The way.
        what: String,
        /// What converts it.
        command: String,
    },
    /// A key in Java's own format.
    #[error("it keeps its private key in Java's own format; convert it: {command}")]
    JavaKey {
        /// What converts it.
        command: String,
    },
    /// Nothing in it that can be trusted.
    #[error("it has no certificate")]
    NoCertificate,
    /// A certificate that cannot be decoded.
    #[error("none of its {0} certificates can be decoded")]
    Certificates(usize),
    /// No private key.
    #[error("it has no private key")]
    NoKey,
    /// A private key of a kind that cannot be used.
    #[error("its private key cannot be used: RSA from 2048 bits, ECDSA on P-256 or P-384, and Ed25519 can")]
    KeyKind,
    /// Key and certificate belong to different identities.
    #[error("its private key fits none of the certificates")]
    KeyMismatch,
}

impl StoreFault {
    /// Bytes that are not what they must be.
    pub(super) fn damaged(kind: &'static str, why: &(impl ToString + ?Sized)) -> Self {
        Self::Damaged { kind, why: why.to_string() }
    }
}
