//! TLS: which certificates are trusted, which one is shown.

mod client;
mod error;
mod material;
mod settings;
mod trust;

pub use error::{StoreFault, TlsError};
pub use settings::{IdentityStore, Material, StoreKind, TlsSettings, TlsVersion, TrustStore};
