//! How one connection is secured: TLS below Kafka's frames, SASL inside them.
//!
//! What a person configured is plain data ([`Security`]): files are named in it, not yet read, so that a certificate or a
//! token that was renewed is found by the next connection. No Kafka frame is known here.

pub mod oauth;
pub mod sasl;
pub mod tls;
pub mod words;

use sasl::SaslSettings;
use tls::TlsSettings;

/// How connections are encrypted, and who this client is. The default is neither.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// TLS, or plain text without.
    pub tls: Option<TlsSettings>,
    /// SASL, or the identity of the certificate, or nobody.
    pub sasl: Option<SaslSettings>,
}
