//! Why there is no token. None of these shows one.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::{CommandFault, ProviderFault};
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
    /// The command that prints tokens gives none.
    #[error("the command {program:?} gives no token (ktape.oauthbearer.token.command)")]
    Command {
        /// Its first word.
        program: String,
        /// What happened.
        #[source]
        fault: CommandFault,
    },
    /// The identity provider gives none.
    #[error("{endpoint} gives no token (sasl.oauthbearer.token.endpoint.url and the client's id and secret)")]
    Provider {
        /// Where it was asked.
        endpoint: String,
        /// What happened.
        #[source]
        fault: ProviderFault,
    },
    /// A token that can no longer be used.
    #[error("the token from {origin} has expired")]
    Expired {
        /// Where it came from.
        origin: String,
    },
}

impl Classify for OAuthError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Provider { fault, .. } if fault.is_passing() => ErrorClass::Retry,
            _ => ErrorClass::Reject,
        }
    }
}
