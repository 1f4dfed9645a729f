//! SASL: who this client is.

mod settings;

pub use settings::{Mechanism, OAuthSource, OidcSettings, SaslSettings, ScramHash};
