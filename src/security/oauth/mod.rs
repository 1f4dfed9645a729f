//! Bearer tokens: where they come from, and for how long one is used.

mod cache;
mod error;
mod file;
mod token;
mod unsecured;

use std::time::SystemTime;

pub use cache::TokenCache;
pub use error::OAuthError;
pub use token::Token;

use crate::security::sasl::OAuthSource;

/// Asks for a new token.
async fn fetch(source: &OAuthSource) -> Result<Token, OAuthError> {
    match source {
        OAuthSource::File(path) => file::read(path).await,
        OAuthSource::Unsecured { principal, lifetime } => Ok(unsecured::token(principal, *lifetime, SystemTime::now())),
        other => Err(OAuthError::Source(format!("{other:?}"))),
    }
}
