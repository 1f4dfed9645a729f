//! SASL: who this client is. The mechanisms are machines without input or output: what to say first, what to say to
//! each answer.

mod bearer;
mod clean;
mod client;
mod error;
mod hash;
mod plain;
mod scram;
mod settings;

pub use clean::clean;
pub use client::{Client, Step};
pub use error::SaslError;
pub use settings::{Mechanism, OAuthSource, OidcSettings, SaslSettings, ScramHash};
