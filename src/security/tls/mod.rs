//! TLS: which certificates are trusted, which one is shown.

mod client;
mod error;
mod facts;
mod identity;
mod seen;
mod settings;
mod store;
mod trust;
mod verify;

pub use client::TlsClient;
pub use error::TlsError;
pub use settings::{IdentityStore, Material, StoreKind, TlsSettings, TlsVersion, TrustStore};
pub use store::StoreFault;

#[cfg(test)]
mod tests;
