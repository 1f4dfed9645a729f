//! OAUTHBEARER (RFC 7628) with SASL extensions (KIP-342).

use zeroize::Zeroizing;

use super::SaslError;
use crate::model::Secret;

/// What ends a list of key-value pairs, and the whole answer to a refusal.
pub(super) const END: u8 = 1;

/// The first message: the token and the extensions.
pub(super) fn message(token: &Secret, extensions: &[(String, String)]) -> Result<Zeroizing<Vec<u8>>, SaslError> {
    let mut message = Zeroizing::new(Vec::with_capacity(token.expose().len() + 64));
    message.extend_from_slice(b"n,,\x01auth=Bearer ");
    message.extend_from_slice(token.expose().as_bytes());
    message.push(END);
    for (name, value) in extensions {
        if !well_formed(name, value) {
            return Err(SaslError::Extension(name.clone()));
        }
        for part in [name.as_bytes(), b"=", value.as_bytes(), &[END]] {
            message.extend_from_slice(part);
        }
    }
    message.push(END);
    Ok(message)
}

/// Letters as the key, printable text as the value; `auth` is the token's own.
fn well_formed(name: &str, value: &str) -> bool {
    let printable = |c: char| matches!(c, ' '..='~' | '\t' | '\r' | '\n');
    let letters = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic());
    letters && name != "auth" && !value.is_empty() && value.chars().all(printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_and_extensions_stand_between_control_characters() {
        let token = Secret::new("abc.def.");
        assert_eq!(message(&token, &[]).unwrap().as_slice(), b"n,,\x01auth=Bearer abc.def.\x01\x01");
        let extensions = [("logicalCluster".to_owned(), "lkc-1".to_owned()), ("p".to_owned(), "x y".to_owned())];
        let expected = b"n,,\x01auth=Bearer abc.def.\x01logicalCluster=lkc-1\x01p=x y\x01\x01";
        assert_eq!(message(&token, &extensions).unwrap().as_slice(), expected);
    }

    #[test]
    fn extensions_cannot_smuggle_anything_in() {
        for (name, value) in [("auth", "x"), ("", "x"), ("a b", "x"), ("a", ""), ("a", "x\x01auth=y"), ("a=", "x")] {
            let extensions = [(name.to_owned(), value.to_owned())];
            assert!(message(&Secret::new("t"), &extensions).is_err(), "{name}={value}");
        }
    }
}
