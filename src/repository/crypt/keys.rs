//! To whom is encrypted: chosen at `init`, changed by a newer document in `keys/`, and who can read again.

use std::io;
use std::str::FromStr;

use age::{Encryptor, x25519};

use super::keyring::{Keyring, Secrets, new_identity, open_identity};
use crate::model::{Secret, Timestamp};
use crate::repository::error::Damage;
use crate::repository::format::{Compression, KeysDocument, PassphraseKey, Recipients, RepositoryDocument};
use crate::repository::{ContentDigest, Repository, RepositoryError, document, layout};
use crate::store::{Key, Store, StoreError, random_hex};

/// Largest identity file in a repository, in bytes.
const FILE_MAX: u64 = 64 << 10;
/// Recipients of a repository, at most.
const RECIPIENTS_MAX: usize = 64;

/// What `init` is told about storing.
#[derive(Debug, Clone, Default)]
pub struct InitOptions {
    /// Compress what is not compressed.
    pub compression: Option<Compression>,
    /// Encrypt to these public keys.
    pub recipients: Vec<String>,
    /// Make a key, keep its private half in the repository, encrypted with this.
    pub passphrase: Option<Secret>,
    /// Digest segments so.
    pub digest: ContentDigest,
}

impl InitOptions {
    /// Whether the new repository is encrypted.
    pub fn encrypts(&self) -> bool {
        !self.recipients.is_empty() || self.passphrase.is_some()
    }

    /// Checks the public keys and writes the key of the passphrase, which nothing names yet.
    pub(in crate::repository) fn prepare(&self, store: &dyn Store) -> Result<Option<Recipients>, RepositoryError> {
        if !self.encrypts() {
            return Ok(None);
        }
        if !self.digest.is_blake3() {
            return Err(RepositoryError::TellingDigest);
        }
        let mut all = Recipients { recipients: self.recipients.clone(), passphrases: Vec::new() };
        for recipient in &all.recipients {
            parse(recipient)?;
        }
        if let Some(passphrase) = &self.passphrase {
            let (recipient, key) = write_identity(store, passphrase)?;
            all.recipients.push(recipient);
            all.passphrases.push(key);
        }
        all.recipients.sort_unstable();
        all.recipients.dedup();
        not_too_many(&all.recipients)?;
        Ok(Some(all))
    }
}

/// The recipients that new objects are encrypted to.
#[derive(Debug, Clone)]
pub struct InForce {
    /// Number of the document that names them; 0 for `repository.json`.
    pub number: u64,
    /// Who.
    pub recipients: Recipients,
    keys: Vec<x25519::Recipient>,
}

impl InForce {
    fn new(number: u64, recipients: Recipients) -> Result<Self, RepositoryError> {
        let keys = recipients.recipients.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { number, recipients, keys })
    }

    /// For one new age file.
    pub(super) fn encryptor(&self) -> io::Result<Encryptor> {
        Encryptor::with_recipients(self.keys.iter().map(|key| key as &dyn age::Recipient)).map_err(io::Error::other)
    }
}

/// What is in force in the repository; `None` where nothing is encrypted.
pub(in crate::repository) fn read_in_force(
    store: &dyn Store,
    document: &RepositoryDocument,
) -> Result<Option<InForce>, RepositoryError> {
    let Some(first) = &document.encryption else { return Ok(None) };
    match numbers(store)?.last() {
        None => InForce::new(0, first.clone()).map(Some),
        Some(number) => InForce::new(*number, read_keys(store, document, *number)?.recipients).map(Some),
    }
}

impl Repository {
    /// The recipients that new objects are encrypted to; `None` where nothing is.
    pub fn in_force(&self) -> Option<&InForce> {
        self.keys_in_force()
    }

    /// Whether segments, groups, settings and topic configs are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.document().encryption.is_some()
    }

    /// Whether everything can be read: nothing is encrypted, or a key was handed over.
    pub fn is_readable(&self) -> bool {
        !self.is_encrypted() || self.keyring().is_some()
    }

    /// The error that says which key is lacking, unless everything can be read.
    pub fn require_key(&self) -> Result<(), RepositoryError> {
        if self.is_readable() { Ok(()) } else { Err(self.no_key()) }
    }

    /// Numbers of the documents that changed the recipients, ascending.
    pub fn keys_numbers(&self) -> Result<Vec<u64>, RepositoryError> {
        numbers(self.store())
    }

    /// To whom objects with this number of keys are encrypted.
    pub fn recipients_at(&self, number: u64) -> Result<Recipients, RepositoryError> {
        match (&self.document().encryption, number) {
            (Some(first), 0) => Ok(first.clone()),
            _ => Ok(read_keys(self.store(), self.document(), number)?.recipients),
        }
    }

    /// From now on new objects are encrypted to these; runs that are under way go on with the old ones.
    pub fn change_recipients(&self, recipients: Vec<String>) -> Result<KeysDocument, RepositoryError> {
        let Some(before) = read_in_force(self.store(), self.document())? else {
            return Err(RepositoryError::NotEncrypted { location: self.location().to_owned() });
        };
        for recipient in &recipients {
            parse(recipient)?;
        }
        if recipients.is_empty() {
            return Err(RepositoryError::NoRecipient);
        }
        not_too_many(&recipients)?;
        // A key whose private half lies here is of use as long as anything is encrypted to it: all are kept.
        let document = KeysDocument {
            number: before.number + 1,
            repository_id: self.document().repository_id.clone(),
            created: Timestamp::now(),
            recipients: Recipients { recipients, passphrases: before.recipients.passphrases },
            ktape_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let key = layout::keys(document.number)?;
        let (bytes, _) = document::encode(key.as_str(), &document)?;
        self.store().put_if_absent(&key, &bytes)?;
        Ok(document)
    }

    /// Takes keys that a person handed over, for this repository and its clones. They must fit one of the recipients it
    /// has, or had. Where nothing is encrypted, or nothing was handed over, nothing happens.
    pub fn unlock(&self, secrets: &Secrets) -> Result<(), RepositoryError> {
        let Some(first) = self.document().encryption.as_ref().filter(|_| !secrets.is_empty()) else { return Ok(()) };
        let mut all = vec![first.clone()];
        for number in self.keys_numbers()? {
            all.push(self.recipients_at(number)?);
        }
        let mut keyring = Keyring::parse(&secrets.identities)?;
        if let Some(passphrase) = &secrets.passphrase {
            keyring.add(self.open_passphrase(&all, passphrase)?);
        }
        let given = keyring.recipients();
        if !all.iter().flat_map(|one| &one.recipients).any(|recipient| given.contains(recipient)) {
            return Err(RepositoryError::WrongKey {
                location: self.location().to_owned(),
                recipients: self.recipients_text(),
                given: given.join(", "),
            });
        }
        self.set_keyring(keyring);
        Ok(())
    }

    /// Reads an identity file of the repository, its digest checked.
    pub fn passphrase_key(&self, key: &PassphraseKey) -> Result<Vec<u8>, RepositoryError> {
        let object = Key::new(key.object.as_str())?;
        let missing = || RepositoryError::Missing { object: object.to_string() };
        let info = self.store().info(&object)?.ok_or_else(missing)?;
        let damaged = |damage| RepositoryError::damaged(object.as_str(), damage);
        if info.size > FILE_MAX {
            return Err(damaged(Damage::TooLarge { limit: FILE_MAX }));
        }
        let file = self.store().get(&object).map_err(RepositoryError::of_named)?;
        let found = blake3::hash(&file).to_hex().to_string();
        if found != key.digest {
            return Err(damaged(Damage::Digest { expected: key.digest.clone(), found }));
        }
        Ok(file)
    }

    /// What to say where a key is needed and none was given.
    pub(super) fn no_key(&self) -> RepositoryError {
        RepositoryError::NoKey { location: self.location().to_owned(), recipients: self.recipients_text() }
    }

    fn recipients_text(&self) -> String {
        self.in_force().map(|keys| keys.recipients.recipients.join(", ")).unwrap_or_default()
    }

    fn open_passphrase(&self, all: &[Recipients], passphrase: &Secret) -> Result<Keyring, RepositoryError> {
        let mut keys: Vec<&PassphraseKey> = all.iter().flat_map(|one| &one.passphrases).collect();
        keys.dedup();
        let mut opened = Keyring::default();
        let mut failed = None;
        for key in &keys {
            match open_identity(&key.object, &self.passphrase_key(key)?, passphrase) {
                Ok(keyring) => opened.add(keyring),
                Err(error) => failed = Some(error),
            }
        }
        if keys.is_empty() {
            return Err(RepositoryError::NoPassphrase { location: self.location().to_owned() });
        }
        if opened.recipients().is_empty() { failed.map_or(Ok(opened), Err) } else { Ok(opened) }
    }
}

/// The header of every age file names each of them.
fn not_too_many(recipients: &[String]) -> Result<(), RepositoryError> {
    match recipients.get(RECIPIENTS_MAX) {
        None => Ok(()),
        Some(text) => Err(RepositoryError::InvalidRecipient {
            text: text.clone(),
            reason: format!("{RECIPIENTS_MAX} are possible, and there are more"),
        }),
    }
}

/// The public key in a text.
fn parse(text: &str) -> Result<x25519::Recipient, RepositoryError> {
    x25519::Recipient::from_str(text)
        .map_err(|reason| RepositoryError::InvalidRecipient { text: text.to_owned(), reason: reason.to_owned() })
}

fn numbers(store: &dyn Store) -> Result<Vec<u64>, RepositoryError> {
    let names = store.children(Some(&layout::folder(layout::KEYS)?))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| layout::keys_number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn read_keys(store: &dyn Store, repository: &RepositoryDocument, number: u64) -> Result<KeysDocument, RepositoryError> {
    let key = layout::keys(number)?;
    let bytes = document::read(store, &key)?;
    let (document, _): (KeysDocument, String) = document::decode(key.as_str(), &bytes)?;
    let contradiction = |text: String| Err(RepositoryError::damaged(key.as_str(), Damage::Contradiction(text)));
    if document.number != number {
        return contradiction(format!("it says that it has the number {}", document.number));
    }
    if document.repository_id != repository.repository_id {
        return contradiction(format!("it belongs to repository {}", document.repository_id));
    }
    Ok(document)
}

fn write_identity(store: &dyn Store, passphrase: &Secret) -> Result<(String, PassphraseKey), RepositoryError> {
    let failed = |source| StoreError::new("make a key for", None, store.describe(), source);
    let (recipient, file) = new_identity(passphrase).map_err(failed)?;
    let key = layout::passphrase_key(&random_hex(8).map_err(failed)?)?;
    store.put_if_absent(&key, &file)?;
    let digest = blake3::hash(&file).to_hex().to_string();
    Ok((recipient, PassphraseKey { object: key.to_string(), digest }))
}
