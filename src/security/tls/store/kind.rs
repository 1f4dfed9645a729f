//! What a store is, by its content: names and claims are often wrong.

use super::StoreFault;

/// What a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::security::tls) enum Content {
    /// PEM text.
    Pem,
    /// PKCS #12, or other DER.
    Pkcs12,
    /// Java's own format, and its later variant JCEKS.
    Jks,
}

/// Looks at the first bytes; PEM may have other text before it.
pub(in crate::security::tls) fn content(bytes: &[u8]) -> Result<Content, StoreFault> {
    match bytes {
        [0xFE, 0xED, 0xFE, 0xED, ..] | [0xCE, 0xCE, 0xCE, 0xCE, ..] => Ok(Content::Jks),
        [0x30, 0x80..=0x84, ..] => Ok(Content::Pkcs12),
        bytes if super::pem::begins(bytes) => Ok(Content::Pem),
        _ => Err(StoreFault::Unknown),
    }
}
