//! Bearer tokens: where they come from, and for how long one is used.

mod cache;
mod command;
mod error;
mod file;
mod oidc;
mod token;
mod unsecured;

#[cfg(test)]
mod oidc_tests;

use std::time::SystemTime;

pub use cache::TokenCache;
pub(crate) use command::output as printed_by;
pub use command::{CommandFault, PATIENCE as COMMAND_PATIENCE};
pub use error::OAuthError;
pub use oidc::ProviderFault;
pub use token::Token;

use crate::security::sasl::OAuthSource;

/// Asks for a new token.
async fn fetch(source: &OAuthSource) -> Result<Token, OAuthError> {
    let (now, origin) = (SystemTime::now(), origin(source));
    let token = match source {
        OAuthSource::File(path) => file::read(path, &origin).await,
        OAuthSource::Command(words) => command::run(words, &origin).await,
        OAuthSource::Oidc(settings) => oidc::ask(settings).await,
        OAuthSource::Unsecured { principal, lifetime } => Ok(unsecured::token(principal, *lifetime, now)),
    }?;
    match token.expires {
        Some(end) if end <= now => Err(OAuthError::Expired { origin }),
        _ => Ok(token),
    }
}

fn origin(source: &OAuthSource) -> String {
    match source {
        OAuthSource::File(path) => format!("the file {}", path.display()),
        OAuthSource::Command(words) => format!("the command {:?}", words.first().map_or("", String::as_str)),
        OAuthSource::Oidc(settings) => settings.endpoint.clone(),
        OAuthSource::Unsecured { .. } => "this client".to_owned(),
    }
}
