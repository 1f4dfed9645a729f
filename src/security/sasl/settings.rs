//! What a person configured for SASL.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::Secret;
use crate::security::oauth::TokenCache;
use crate::security::tls::TlsSettings;

/// SASL as a client.
#[derive(Debug, Clone)]
pub struct SaslSettings {
    /// How this client proves who it is.
    pub mechanism: Mechanism,
    /// The bearer token in use; clones share it.
    pub tokens: TokenCache,
}

impl SaslSettings {
    /// With no token at hand.
    pub fn new(mechanism: Mechanism) -> Self {
        Self { mechanism, tokens: TokenCache::default() }
    }
}

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub enum Mechanism {
    /// User and password in the clear (RFC 4616).
    Plain {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A proof that does not show the password (RFC 5802, RFC 7677).
    Scram {
        /// Which hash.
        hash: ScramHash,
        /// The user, or the id of a delegation token.
        username: String,
        /// The password, or the token's HMAC.
        password: Secret,
        /// Whether it is a delegation token (KIP-48).
        delegation_token: bool,
    },
    /// A bearer token (RFC 7628).
    OAuthBearer {
        /// Where tokens come from, asked anew for every authentication that needs a fresh one.
        source: OAuthSource,
        /// SASL extensions (KIP-342), name and value.
        extensions: Vec<(String, String)>,
    },
}

impl Mechanism {
    /// As `sasl.mechanism` spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "PLAIN",
            Self::Scram { hash, .. } => hash.name(),
            Self::OAuthBearer { .. } => "OAUTHBEARER",
        }
    }

    /// Who signs in, where that is configured and not written in a token.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Plain { username, .. } | Self::Scram { username, .. } => Some(username),
            Self::OAuthBearer { .. } => None,
        }
    }
}

/// The hash of a SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScramHash {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

impl ScramHash {
    /// The mechanism's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }
}

/// Where bearer tokens come from. `Debug` shows no arguments of a command.
#[derive(Clone)]
pub enum OAuthSource {
    /// A file that holds nothing but the token, read every time.
    File(PathBuf),
    /// A command that prints the token; run without a shell.
    Command(Vec<String>),
    /// The client credentials grant (RFC 6749 4.4, KIP-768).
    Oidc(Box<OidcSettings>),
    /// An unsigned token for brokers in development (Kafka class `OAuthBearerUnsecuredLoginCallbackHandler`).
    Unsecured {
        /// The principal (claim `sub`).
        principal: String,
        /// How long a token is said to be valid.
        lifetime: Duration,
    },
}

impl fmt::Debug for OAuthSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Command(words) => f.debug_tuple("Command").field(&words.first()).finish_non_exhaustive(),
            Self::Oidc(settings) => f.debug_tuple("Oidc").field(settings).finish(),
            Self::Unsecured { principal, .. } => f.debug_tuple("Unsecured").field(principal).finish(),
        }
    }
}

/// How to ask an identity provider for a token.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// `sasl.oauthbearer.token.endpoint.url`, http or https.
    pub endpoint: String,
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: Secret,
    /// Scope to ask for.
    pub scope: Option<String>,
    /// Whom the provider's certificate must come from.
    pub tls: TlsSettings,
    /// Time for the connection.
    pub connect_timeout: Duration,
    /// Time for the answer.
    pub read_timeout: Duration,
}
