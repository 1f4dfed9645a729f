//! Why there is no token. None of these shows one.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::{Classify, ErrorClass};

/// No token could be obtained.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OAuthError {
    /// The file cannot be read.
    #[error("the token file {} cannot be read (sasl.oauthbearer.token.endpoint.url)", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What happened.
        source: Arc<io::Error>,
    },
    /// Not a token: empty, too long, or with letters no token has.
    #[error("{origin} gives no token: {fault}")]
    NotAToken {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A token that can no longer be used.
    #[error("the token from {origin} has expired")]
    Expired {
        /// Where it came from.
        origin: String,
    },
    /// Not known here.
    #[error("no tokens come from {0}")]
    Source(String),
}

impl Classify for OAuthError {
    fn class(&self) -> ErrorClass {
        match self {
            // Written by somebody else, perhaps just now.
            Self::File { .. } | Self::Expired { .. } => ErrorClass::Retry,
            Self::NotAToken { .. } | Self::Source(_) => ErrorClass::Reject,
        }
    }
}
