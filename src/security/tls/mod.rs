//! TLS: which certificates are trusted, which one is shown.

mod settings;

pub use settings::{IdentityStore, Material, StoreKind, TlsSettings, TlsVersion, TrustStore};
