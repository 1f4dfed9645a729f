//! One token, and what it says of itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::OAuthError;
use crate::model::Secret;

/// The largest token accepted: brokers refuse authentication messages above 512 KiB, proxies headers far below.
pub(super) const LARGEST: usize = 64 << 10;

/// A bearer token.
#[derive(Debug, Clone)]
pub struct Token {
    /// What is shown to the broker.
    pub value: Secret,
    /// From when on it is of no use, if that is known.
    pub expires: Option<SystemTime>,
}

impl Token {
    /// Takes text that is to be a token; white space around it does not belong to it. What the token says of its own
    /// end counts, where it is a JWT.
    pub fn parse(text: &str, origin: &str) -> Result<Self, OAuthError> {
        let text = text.trim();
        let fault = match text.len() {
            0 => Some("it is empty"),
            1..=LARGEST => None,
            _ => Some("it is larger than any token"),
        };
        // RFC 6750, section 2.1.
        let legal = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        let fault = fault.or_else(|| (!text.chars().all(legal)).then_some("it has letters that no token has"));
        if let Some(fault) = fault {
            return Err(OAuthError::NotAToken { origin: origin.to_owned(), fault });
        }
        Ok(Self { value: Secret::new(text), expires: claimed_end(text) })
    }
}

/// The claim `exp` of a JWT, which nobody needs to verify here: a wrong one only harms who wrote it.
fn claimed_end(token: &str) -> Option<SystemTime> {
    let payload = token.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    let seconds = Duration::try_from_secs_f64(claims.get("exp")?.as_f64()?).ok()?;
    UNIX_EPOCH.checked_add(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_when_it_ends() {
        let payload = URL_SAFE_NO_PAD.encode(br#"{"sub":"x","exp":1700000000}"#);
        let token = Token::parse(&format!("  aa.{payload}.cc\n"), "the file").unwrap();
        assert_eq!(token.expires, Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        assert!(!token.value.expose().contains(' '));
        for opaque in ["abc", "a.b.c", "a.e30.c", "..", &format!("a.{}.c", URL_SAFE_NO_PAD.encode(br#"{"exp":1e300}"#))]
        {
            assert_eq!(Token::parse(opaque, "").unwrap().expires, None, "{opaque}");
        }
    }

    #[test]
    fn what_is_no_token_is_not_shown() {
        for text in ["", " \n", "hunter2 hunter3", "hunter2\x01auth=x", "hunter2é", &"hunter2".repeat(LARGEST)] {
            let error = Token::parse(text, "the command").unwrap_err().to_string();
            assert!(error.starts_with("the command gives no token: ") && !error.contains("hunter"), "{error}");
        }
    }
}
