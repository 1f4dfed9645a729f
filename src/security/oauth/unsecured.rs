//! Unsigned tokens for brokers in development (RFC 7519, section 6).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Token;
use crate::model::Secret;

/// A token that says who this is, and nobody vouches for it.
pub(super) fn token(principal: &str, lifetime: Duration, now: SystemTime) -> Token {
    let issued = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let expires = issued.saturating_add(lifetime.as_secs());
    let claims = serde_json::json!({ "sub": principal, "iat": issued, "exp": expires });
    let part = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let value = format!("{}.{}.", part(&serde_json::json!({ "alg": "none" })), part(&claims));
    Token { value: Secret::new(value), expires: now.checked_add(lifetime) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_the_principal_and_its_end() {
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let made = token("eve \"x\"", Duration::from_secs(60), now);
        assert!(made.value.expose().ends_with('.'));
        let read = Token::parse(made.value.expose(), "it").unwrap();
        assert_eq!(read.expires, Some(UNIX_EPOCH + Duration::from_secs(1060)));
        assert_eq!(made.expires, read.expires);
    }
}
