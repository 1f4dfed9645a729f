//! Signatures of snapshots: `snapshots/<number>.json.minisig`, beside the head, as `minisign` writes and checks them.
//!
//! The head names every part by digest, and those every segment, so a signature of the head covers the snapshot. Both
//! comments say which snapshot it is: a signature that was put beside another head shows even without the public key.

use std::fmt;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minisign::SignatureBox;

use super::error::{Damage, RepositoryError};
use super::{Repository, Snapshot, document, layout};
use crate::model::Secret;
use crate::store::Key;

/// Largest signature that is read, in bytes.
const SIGNATURE_BYTES_MAX: u64 = 8 << 10;
/// How the comments of signatures begin that are made here.
const OURS: &str = "ktape snapshot ";

/// A secret key of `minisign`.
#[derive(Clone)]
pub struct SigningKey {
    secret: minisign::SecretKey,
    public: PublicKey,
}

/// A public key of `minisign`.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(minisign::PublicKey);

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Neither `minisign -G` nor `rsign generate` wrote it.
    #[error("it is no secret key of minisign")]
    NoSecretKey,
    /// It is encrypted.
    #[error("it is protected by a password, and none was given")]
    PasswordNeeded,
    /// The password does not open it.
    #[error("the password is wrong, or the key is damaged: {0}")]
    Password(String),
    /// Neither two lines nor the base64 of one.
    #[error("it is no public key of minisign")]
    NoPublicKey,
}

impl SigningKey {
    /// Reads the text of a file that `minisign -G` wrote.
    pub fn parse(text: &str, password: Option<&Secret>) -> Result<Self, KeyFault> {
        let line = text.lines().nth(1).ok_or(KeyFault::NoSecretKey)?;
        let bytes = STANDARD.decode(line.trim()).map_err(|_| KeyFault::NoSecretKey)?;
        // The algorithm of the key, then that of its encryption: `Sc`, or zeros for none.
        let encrypted = match (bytes.get(..2), bytes.get(2..4)) {
            (Some(b"Ed"), Some(b"Sc")) => true,
            (Some(b"Ed"), Some([0, 0])) => false,
            _ => return Err(KeyFault::NoSecretKey),
        };
        let sealed = minisign::SecretKeyBox::from_string(text).map_err(|_| KeyFault::NoSecretKey)?;
        // Without a password the crate would ask for one on the terminal.
        let secret = match (encrypted, password) {
            (true, None) => return Err(KeyFault::PasswordNeeded),
            (true, Some(password)) => sealed.into_secret_key(Some(password.expose().to_owned())),
            // The crate wants a checksum, which minisign writes only into keys that it encrypts.
            (false, _) => minisign::SecretKey::from_bytes(&bytes),
        };
        let secret = secret.map_err(|error| KeyFault::Password(error.to_string()))?;
        let public = minisign::PublicKey::from_secret_key(&secret).map_err(|_| KeyFault::NoSecretKey)?;
        // A damaged key shows here, and not when there is a snapshot to sign.
        let tried = minisign::sign(Some(&public), &secret, Cursor::new(b""), None, None);
        tried.map_err(|error| KeyFault::Password(error.to_string()))?;
        Ok(Self { secret, public: PublicKey(public) })
    }

    /// The key that checks what this one signs.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public).finish()
    }
}

impl PublicKey {
    /// Reads the text of a public key's file, or its second line alone.
    pub fn parse(text: &str) -> Result<Self, KeyFault> {
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        minisign::PublicKey::from_base64(line).map(Self).map_err(|_| KeyFault::NoPublicKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_base64())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Repository {
    /// Whether a signature of a snapshot would stand for all that it holds.
    pub fn must_be_signable(&self) -> Result<(), RepositoryError> {
        if self.document().digest.is_blake3() {
            return Ok(());
        }
        Err(RepositoryError::NotSignable { location: self.location().to_owned() })
    }

    /// Signs a snapshot that was committed.
    pub fn sign(&self, snapshot: &Snapshot, key: &SigningKey) -> Result<(), RepositoryError> {
        self.must_be_signable()?;
        let head = layout::snapshot(snapshot.head.sequence)?;
        let bytes = document::read(self.store(), &head)?;
        let (_, id) = document::decode::<serde::de::IgnoredAny>(head.as_str(), &bytes)?;
        if id != snapshot.id {
            let found = Damage::Digest { expected: snapshot.id.clone(), found: id };
            return Err(RepositoryError::damaged(head.as_str(), found));
        }
        let comment = comment(snapshot);
        let public = &key.public.0;
        let signature = minisign::sign(Some(public), &key.secret, Cursor::new(&bytes), Some(&comment), Some(&comment));
        let object = layout::signature(snapshot.head.sequence)?;
        let failed = |error: minisign::PError| RepositoryError::NotSigned {
            sequence: snapshot.head.sequence,
            reason: error.to_string(),
        };
        let text = signature.map_err(failed)?.into_string();
        self.store().put_if_absent(&object, text.as_bytes())?;
        tracing::debug!(phase = "sign", object = %object, "snapshot signed");
        Ok(())
    }

    /// Checks a snapshot's signature as far as the keys allow: with none, that it is one of this snapshot. `false` where
    /// there is none. Damage is an error of the signature's own name.
    pub fn check_signature(&self, snapshot: &Snapshot, keys: &[PublicKey]) -> Result<bool, RepositoryError> {
        let object = layout::signature(snapshot.head.sequence)?;
        let Some(info) = self.store().info(&object)? else { return Ok(false) };
        let damaged = |text: String| RepositoryError::damaged(object.as_str(), Damage::Signature(text));
        if info.size > SIGNATURE_BYTES_MAX {
            return Err(RepositoryError::damaged(object.as_str(), Damage::TooLarge { limit: SIGNATURE_BYTES_MAX }));
        }
        let bytes = self.store().get(&object).map_err(RepositoryError::of_named)?;
        let signature = parse(&bytes).map_err(&damaged)?;
        let trusted = signature.trusted_comment().map_err(|error| damaged(error.to_string()))?;
        if let Some(said) = trusted.strip_prefix(OURS)
            && trusted != comment(snapshot)
        {
            return Err(damaged(format!("it is a signature of snapshot {said}")));
        }
        if keys.is_empty() {
            return Ok(true);
        }
        let head: Key = layout::snapshot(snapshot.head.sequence)?;
        let signed = document::read(self.store(), &head)?;
        let fits = |key: &PublicKey| minisign::verify(&key.0, &signature, Cursor::new(&signed), true, false, false);
        match keys.iter().map(fits).reduce(Result::or) {
            Some(Err(error)) => Err(damaged(error.to_string())),
            _ => Ok(true),
        }
    }
}

/// What stands in both comments of a signature made here.
fn comment(snapshot: &Snapshot) -> String {
    let head = &snapshot.head;
    format!("{OURS}{} of repository {} with id {}", head.sequence, head.repository_id, snapshot.id)
}

/// Reads a signature that looks exactly as it would be written: only so no changed byte stays unnoticed.
fn parse(bytes: &[u8]) -> Result<SignatureBox, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    let lines: Vec<&str> = text.lines().collect();
    let long_enough = |line: Option<&&str>, bytes: usize| {
        line.and_then(|line| STANDARD.decode(line).ok()).is_some_and(|decoded| decoded.len() == bytes)
    };
    if lines.len() != 4 || !long_enough(lines.get(1), 74) || !long_enough(lines.get(3), 64) {
        return Err("it is no signature of minisign".to_owned());
    }
    let signature = SignatureBox::from_string(text).map_err(|error| error.to_string())?;
    if signature.to_string() != text {
        return Err("it is not as minisign writes it".to_owned());
    }
    // Nothing covers the first line but that ours says the same as the third.
    let comments = (signature.untrusted_comment(), signature.trusted_comment());
    if let (Ok(untrusted), Ok(trusted)) = comments
        && trusted.starts_with(OURS)
        && untrusted != trusted
    {
        return Err("its two comments differ".to_owned());
    }
    Ok(signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing;
    use crate::store::MemoryStore;

    /// A signed snapshot, and the signature's name and text.
    fn signed() -> (Repository, Snapshot, Key, String) {
        let repository = testing::repository(MemoryStore::new());
        let snapshot = repository.commit(testing::head("r")).unwrap();
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let key = SigningKey::parse(&pair.sk.to_box(None).unwrap().into_string(), None).unwrap();
        repository.sign(&snapshot, &key).unwrap();
        let object = layout::signature(1).unwrap();
        let text = String::from_utf8(repository.store().get(&object).unwrap()).unwrap();
        (repository, snapshot, object, text)
    }

    #[test]
    fn a_shortened_line_is_damage_without_a_public_key_too() {
        let (repository, snapshot, object, text) = signed();
        assert!(repository.check_signature(&snapshot, &[]).unwrap());
        let lines: Vec<&str> = text.lines().collect();
        for (number, bytes) in [(1, 74), (3, 64)] {
            for size in [0, 3, bytes - 1, bytes + 1] {
                let mut decoded = STANDARD.decode(lines[number]).unwrap();
                decoded.resize(size, 0);
                let other = STANDARD.encode(decoded);
                let mut changed = lines.clone();
                changed[number] = &other;
                repository.store().put(&object, format!("{}\n", changed.join("\n")).as_bytes()).unwrap();
                assert!(repository.check_signature(&snapshot, &[]).unwrap_err().is_damage(), "line {number}: {size}");
            }
        }
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let (repository, snapshot, object, _) = signed();
        let told = |size: u64| {
            repository.store().put(&object, &vec![b'a'; size as usize]).unwrap();
            match repository.check_signature(&snapshot, &[]).unwrap_err() {
                RepositoryError::Damaged { damage: Damage::TooLarge { .. }, .. } => true,
                RepositoryError::Damaged { .. } => false,
                other => panic!("{other}"),
            }
        };
        assert_eq!(
            [SIGNATURE_BYTES_MAX, SIGNATURE_BYTES_MAX + 1, SIGNATURE_BYTES_MAX + 2].map(told),
            [false, true, true]
        );
    }
}
