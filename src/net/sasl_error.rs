//! Why a broker does not know who this client is.

use crate::model::{Classify, ErrorClass};
use crate::security::oauth::OAuthError;
use crate::security::sasl::SaslError;
use crate::wire::ErrorCode;

/// Signing in failed. Nothing here shows a password or a token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthenticationError {
    /// The listener has other mechanisms.
    #[error("the listener does not offer {mechanism} but {} (sasl.mechanism)", names(.offered))]
    NotOffered {
        /// The one configured.
        mechanism: &'static str,
        /// The listener's own, as far as they are named here.
        offered: Vec<String>,
    },
    /// The listener knows no SASL at all.
    #[error("the listener does not use SASL, and security.protocol says that it does")]
    NotSasl,
    /// The broker refuses the credentials.
    #[error("{mechanism}{} was refused{}: check sasl.jaas.config", of(.user.as_deref()), said(*.code, .words.as_deref()))]
    Refused {
        /// The mechanism.
        mechanism: &'static str,
        /// Who signed in, if the configuration says it.
        user: Option<String>,
        /// The broker's code.
        code: ErrorCode,
        /// The broker's own words.
        words: Option<String>,
    },
    /// The messages of the mechanism went wrong.
    #[error("{mechanism}{} failed", of(.user.as_deref()))]
    Exchange {
        /// The mechanism.
        mechanism: &'static str,
        /// Who signed in, if the configuration says it.
        user: Option<String>,
        /// What happened.
        source: SaslError,
    },
    /// There is no bearer token.
    #[error("there is no token to sign in with")]
    Token(#[source] OAuthError),
}

impl Classify for AuthenticationError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NotOffered { .. } | Self::NotSasl | Self::Refused { .. } => ErrorClass::Reject,
            Self::Exchange { source, .. } => source.class(),
            Self::Token(error) => error.class(),
        }
    }
}

fn names(offered: &[String]) -> String {
    if offered.is_empty() { "no other either".to_owned() } else { offered.join(", ") }
}

fn of(user: Option<&str>) -> String {
    user.map(|user| format!(" as {user:?}")).unwrap_or_default()
}

fn said(code: ErrorCode, words: Option<&str>) -> String {
    match words {
        Some(words) => format!(" ({words})"),
        None => format!(" ({code})"),
    }
}
