//! What a person configured for TLS, not yet read.

use std::path::PathBuf;

use crate::model::Secret;

/// TLS as a client. The default trusts the system's certificate authorities, checks names, and shows no certificate.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// Whom to trust; `None`: the certificate authorities of the system.
    pub trust: Option<TrustStore>,
    /// The certificate to show (mTLS), if the brokers ask for one.
    pub identity: Option<IdentityStore>,
    /// Whether a certificate must name the host that was dialled (`ssl.endpoint.identification.algorithm`).
    pub verify_hostname: bool,
    /// Versions that may be spoken (`ssl.enabled.protocols`).
    pub versions: Vec<TlsVersion>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self { trust: None, identity: None, verify_hostname: true, versions: vec![TlsVersion::V12, TlsVersion::V13] }
    }
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2.
    V12,
    /// TLS 1.3.
    V13,
}

/// Where certificates or keys are.
#[derive(Debug, Clone)]
pub enum Material {
    /// In a file, read again for every connection.
    File(PathBuf),
    /// PEM text inside the configuration itself (KIP-651).
    Inline(Secret),
}

/// What a store claims to be (`ssl.truststore.type`). Its content decides; the claim only improves errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// PEM text.
    Pem,
    /// PKCS #12.
    Pkcs12,
    /// Java's own format.
    Jks,
}

/// Certificates of authorities that are trusted.
#[derive(Debug, Clone)]
pub struct TrustStore {
    /// PEM, PKCS #12 or JKS.
    pub material: Material,
    /// Password of a PKCS #12 or JKS store.
    pub password: Option<Secret>,
    /// What it claims to be.
    pub kind: Option<StoreKind>,
}

/// This client's certificate chain and private key.
#[derive(Debug, Clone)]
pub struct IdentityStore {
    /// PEM with key and chain, only the chain if `key` has the other, or PKCS #12.
    pub material: Material,
    /// The private key in PEM, where it does not stand beside the chain.
    pub key: Option<Material>,
    /// Password of a PKCS #12 store.
    pub store_password: Option<Secret>,
    /// Password of an encrypted private key.
    pub key_password: Option<Secret>,
    /// What it claims to be.
    pub kind: Option<StoreKind>,
}
