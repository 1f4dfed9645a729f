//! Private keys: what a person hands over so that the repository can be read.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;
use std::sync::atomic::Ordering;

use age::secrecy::{ExposeSecret, SecretString};
use age::stream::StreamReader;
use age::{DecryptError, Decryptor, Encryptor, x25519};

use super::header::HeaderGuard;
use crate::model::Secret;
use crate::repository::RepositoryError;

/// Bytes of an age file that holds an identity, at most.
const IDENTITY_MAX: u64 = 64 << 10;
/// Largest work factor of a passphrase that is accepted (log2): about a gigabyte of memory.
const WORK_FACTOR_MAX: u8 = 20;

/// What a person hands over.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// Contents of age identity files: lines with `AGE-SECRET-KEY-1...`.
    pub identities: Vec<Secret>,
    /// The passphrase that `init` was given.
    pub passphrase: Option<Secret>,
}

impl Secrets {
    /// Whether nothing was handed over.
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty() && self.passphrase.is_none()
    }
}

/// Private keys, ready for use.
#[derive(Clone, Default)]
pub(in crate::repository) struct Keyring {
    identities: Vec<x25519::Identity>,
}

impl Keyring {
    /// Reads the text of identity files.
    pub(in crate::repository) fn parse(texts: &[Secret]) -> Result<Self, RepositoryError> {
        let mut identities = Vec::new();
        for text in texts {
            let before = identities.len();
            for (number, line) in text.expose().lines().enumerate() {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let identity = x25519::Identity::from_str(line)
                    .map_err(|_| RepositoryError::InvalidIdentity { line: number + 1 })?;
                identities.push(identity);
            }
            if identities.len() == before {
                return Err(RepositoryError::InvalidIdentity { line: 0 });
            }
        }
        Ok(Self { identities })
    }

    pub(in crate::repository) fn add(&mut self, more: Self) {
        self.identities.extend(more.identities);
    }

    /// The public keys that belong to them.
    pub(in crate::repository) fn recipients(&self) -> Vec<String> {
        self.identities.iter().map(|identity| identity.to_public().to_string()).collect()
    }

    /// Opens an age file.
    pub(in crate::repository) fn decrypt<R: Read>(
        &self,
        stored: R,
    ) -> Result<StreamReader<HeaderGuard<R>>, DecryptError> {
        let (stored, passed) = HeaderGuard::new(stored);
        let decryptor = Decryptor::new(stored)?;
        passed.store(true, Ordering::Relaxed);
        decryptor.decrypt(self.identities.iter().map(|identity| identity as &dyn age::Identity))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.recipients()).finish()
    }
}

/// A new identity: its public key, and an age file that holds it, encrypted with the passphrase.
pub(super) fn new_identity(passphrase: &Secret) -> io::Result<(String, Vec<u8>)> {
    let identity = x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let mut file = Vec::new();
    let encryptor = Encryptor::with_user_passphrase(SecretString::from(passphrase.expose().to_owned()));
    let mut writer = encryptor.wrap_output(&mut file)?;
    let text = Secret::new(format!("# public key: {recipient}\n{}\n", identity.to_string().expose_secret()));
    io::Write::write_all(&mut writer, text.expose().as_bytes())?;
    writer.finish()?;
    Ok((recipient, file))
}

/// The identities in such a file.
pub(super) fn open_identity(object: &str, file: &[u8], passphrase: &Secret) -> Result<Keyring, RepositoryError> {
    let mut scrypt = age::scrypt::Identity::new(SecretString::from(passphrase.expose().to_owned()));
    scrypt.set_max_work_factor(WORK_FACTOR_MAX);
    let failed = |reason: String| RepositoryError::WrongPassphrase { object: object.to_owned(), reason };
    let decryptor = Decryptor::new(file).map_err(|error| failed(error.to_string()))?;
    let reader = decryptor.decrypt([&scrypt as &dyn age::Identity].into_iter());
    let reader = reader.map_err(|error| failed(error.to_string()))?;
    let mut text = zeroize::Zeroizing::new(String::new());
    reader.take(IDENTITY_MAX).read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
    Keyring::parse(&[Secret::new(text.as_str())])
}
