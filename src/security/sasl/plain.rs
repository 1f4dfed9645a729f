//! PLAIN (RFC 4616): user and password in the clear.

use zeroize::Zeroizing;

use super::SaslError;
use crate::model::Secret;

/// The only message. The identity to act as is left empty: it is the user's own.
pub(super) fn message(username: &str, password: &Secret) -> Result<Zeroizing<Vec<u8>>, SaslError> {
    for (what, text) in [("username", username), ("password", password.expose())] {
        let fault = match text {
            "" => "is empty",
            text if text.contains('\0') => "has a zero byte, which PLAIN cannot carry",
            _ => continue,
        };
        return Err(SaslError::Credentials { what, fault });
    }
    let mut message = Zeroizing::new(Vec::with_capacity(username.len() + password.expose().len() + 2));
    for part in [username, password.expose()] {
        message.push(0);
        message.extend_from_slice(part.as_bytes());
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_follow_zero_bytes() {
        assert_eq!(message("alice", &Secret::new("pw")).unwrap().as_slice(), b"\0alice\0pw");
        assert_eq!(message("ä", &Secret::new("€")).unwrap().as_slice(), "\0ä\0€".as_bytes());
    }

    #[test]
    fn what_plain_cannot_carry_is_refused_without_showing_it() {
        for (user, password) in [("", "hunter2"), ("a", ""), ("a\0b", "hunter2"), ("a", "hunter2\0")] {
            let error = message(user, &Secret::new(password)).unwrap_err().to_string();
            assert!(error.contains("sasl.jaas.config") && !error.contains("hunter2"), "{error}");
        }
    }
}
