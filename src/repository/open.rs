//! Making and opening a repository.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::crypt::{InForce, InitOptions, Keyring, read_in_force};
use super::document;
use super::error::RepositoryError;
use super::format::{FORMAT_VERSION, FORMAT_VERSION_1, FormatVersion, PartRef, RepositoryDocument};
use super::layout;
use super::pieces::Tables;
use super::segment::Buffers;
use crate::memory::Memory;
use crate::model::Timestamp;
use crate::store::{self, ConnectError, Key, Store, StoreError, random_hex};

/// Major version of the format from which segments may be merged.
const MERGING: u32 = 2;

/// A repository that was opened. Clones are the same repository.
#[derive(Clone)]
pub struct Repository {
    inner: Arc<Inner>,
    buffers: Buffers,
}

struct Inner {
    store: Arc<dyn Store>,
    document: RepositoryDocument,
    location: String,
    host: String,
    sound_parts: Mutex<HashSet<String>>,
    /// Encrypted parts by the digest of their plain content and the number of their keys.
    known_parts: Mutex<HashMap<(String, u64), PartRef>>,
    in_force: Option<InForce>,
    keyring: OnceLock<Keyring>,
    tables: Mutex<Tables>,
}

impl Repository {
    /// Makes a repository in a folder that is empty or absent, or below a prefix of a bucket that is there.
    pub fn init(location: &str) -> Result<Self, RepositoryError> {
        Self::init_with(location, &InitOptions::default())
    }

    /// The same for one that compresses or encrypts.
    pub fn init_with(location: &str, options: &InitOptions) -> Result<Self, RepositoryError> {
        Self::init_in_with(store_at(location)?, options)
    }

    /// Opens the repository in a folder or a bucket.
    pub fn open(location: &str) -> Result<Self, RepositoryError> {
        Self::open_in(store_at(location)?)
    }

    /// Makes a repository in an empty store.
    pub fn init_in(store: Arc<dyn Store>) -> Result<Self, RepositoryError> {
        Self::init_in_with(store, &InitOptions::default())
    }

    /// The same for one that compresses or encrypts.
    pub fn init_in_with(store: Arc<dyn Store>, options: &InitOptions) -> Result<Self, RepositoryError> {
        let location = store.describe();
        let key = layout::repository()?;
        if store.info(&key)?.is_some() {
            return Err(RepositoryError::AlreadyARepository { location });
        }
        // What a killed `init` and the making of a file system leave does not count.
        let harmless = [layout::TEMPORARY, layout::KEYS, "lost+found"];
        if let Some(found) = store.children(None)?.into_iter().find(|name| !harmless.contains(&name.as_str())) {
            return Err(RepositoryError::NotEmpty { location, found });
        }
        let document = RepositoryDocument {
            format: FORMAT_VERSION,
            repository_id: random_hex(32).map_err(|source| StoreError::new("name", Some(&key), &*location, source))?,
            created: Timestamp::now(),
            ktape_version: env!("CARGO_PKG_VERSION").to_owned(),
            compression: options.compression,
            encryption: options.prepare(store.as_ref())?,
            digest: options.digest,
        };
        let (bytes, _) = document::encode(layout::REPOSITORY, &document)?;
        match store.put_if_absent(&key, &bytes) {
            Err(error) if error.is_already_exists() => Err(RepositoryError::AlreadyARepository { location }),
            Err(error) => Err(error.into()),
            Ok(()) => {
                must_honour_conditions(store.as_ref(), &key, &bytes)?;
                Self::new(store, document)
            }
        }
    }

    /// Opens the repository in a store.
    pub fn open_in(store: Arc<dyn Store>) -> Result<Self, RepositoryError> {
        let bytes = match document::read(store.as_ref(), &layout::repository()?) {
            Err(RepositoryError::Missing { .. }) => {
                return Err(RepositoryError::NotARepository { location: store.describe() });
            }
            bytes => bytes?,
        };
        let (document, _) = document::decode_versioned(layout::REPOSITORY, &bytes)?;
        Self::new(store, document)
    }

    fn new(store: Arc<dyn Store>, document: RepositoryDocument) -> Result<Self, RepositoryError> {
        let location = store.describe();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let in_force = read_in_force(store.as_ref(), &document)?;
        let (sound_parts, known_parts, keyring) = (Mutex::default(), Mutex::default(), OnceLock::new());
        let tables = Mutex::default();
        let inner = Inner { store, document, location, host, sound_parts, known_parts, in_force, keyring, tables };
        Ok(Self { inner: Arc::new(inner), buffers: Buffers::default() })
    }

    /// The same repository for readers that run side by side: batches of more than a MiB take at most so many bytes
    /// together, or are one. Who reads waits for room.
    #[must_use]
    pub fn bounded(&self, bytes: usize) -> Self {
        Self { inner: Arc::clone(&self.inner), buffers: Buffers::bounded(Memory::new(bytes)) }
    }

    pub(super) fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// What `init` wrote.
    pub fn document(&self) -> &RepositoryDocument {
        &self.inner.document
    }

    /// The format of what is written: a repository that was made before format 2 goes on in 1.
    pub fn format_to_write(&self) -> FormatVersion {
        if self.document().format.major < 2 { FORMAT_VERSION_1 } else { FORMAT_VERSION }
    }

    /// Where a person finds it: the path.
    pub fn location(&self) -> &str {
        &self.inner.location
    }

    /// Bytes that can still be written, where the store knows.
    pub fn free_space(&self) -> Option<u64> {
        self.inner.store.free_space()
    }

    /// The objects themselves.
    pub fn store(&self) -> &dyn Store {
        self.inner.store.as_ref()
    }

    /// The same, to be kept beside the repository.
    pub(super) fn shared_store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner.store)
    }

    /// Name of this host, as seals and locks record it.
    pub(super) fn host(&self) -> &str {
        &self.inner.host
    }

    /// Digests of parts that this process wrote, or read whole.
    pub(super) fn sound_parts(&self) -> &Mutex<HashSet<String>> {
        &self.inner.sound_parts
    }

    /// Encrypted parts that this process wrote, or saw named.
    pub(super) fn known_parts(&self) -> &Mutex<HashMap<(String, u64), PartRef>> {
        &self.inner.known_parts
    }

    pub(super) fn keys_in_force(&self) -> Option<&InForce> {
        self.inner.in_force.as_ref()
    }

    /// Keys that were handed over.
    pub(super) fn keyring(&self) -> Option<&Keyring> {
        self.inner.keyring.get()
    }

    /// Keeps keys, unless some were handed over before.
    pub(super) fn set_keyring(&self, keyring: Keyring) {
        let _ = self.inner.keyring.set(keyring);
    }

    /// Forgets which parts may be shared: what was read before may be pruned by now.
    pub fn forget_parts(&self) {
        self.sound_parts().lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.known_parts().lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Where merged segments lie, as far as it was looked at.
    pub(super) fn tables(&self) -> &Mutex<Tables> {
        &self.inner.tables
    }

    /// Whether segments may be merged: a reader of the format before would not find them.
    pub fn may_merge(&self) -> bool {
        self.inner.document.format.major >= MERGING
    }

    /// The random part of a segment's name.
    pub fn random_name(&self) -> Result<String, RepositoryError> {
        self.random(8)
    }

    /// A name's random part.
    pub(super) fn random(&self, digits: usize) -> Result<String, RepositoryError> {
        random_hex(digits).map_err(|source| StoreError::new("name", None, self.location(), source).into())
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Repository").field(&self.inner.location).finish()
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Writes what was just written once more: a store that lets it pass would let two backups commit the same number.
fn must_honour_conditions(store: &dyn Store, key: &Key, bytes: &[u8]) -> Result<(), RepositoryError> {
    match store.put_if_absent(key, bytes) {
        Err(error) if error.is_already_exists() => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => Err(RepositoryError::Unconditional { location: store.describe() }),
    }
}

fn store_at(location: &str) -> Result<Arc<dyn Store>, RepositoryError> {
    store::at(location).map_err(|error| match error {
        ConnectError::Store(error) => RepositoryError::Store(error),
        ConnectError::Location(source) => {
            RepositoryError::UnsupportedLocation { location: store::shown(location), source }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;

    use super::*;
    use crate::repository::testing;
    use crate::store::{Fault, FaultyStore, LocalStore, MemoryStore, Operation};

    #[test]
    fn what_init_made_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let location = folder.path().join("new/repository").display().to_string();
        let made = Repository::init(&location).unwrap();
        let opened = Repository::open(&location).unwrap();
        assert_eq!(made.document(), opened.document());
        assert_eq!(opened.document().repository_id.len(), 32);
        assert_eq!(opened.location(), location);
        assert!(opened.format_to_write() == FORMAT_VERSION && opened.may_merge());
        assert!(matches!(Repository::init(&location), Err(RepositoryError::AlreadyARepository { .. })));
    }

    #[test]
    fn other_folders_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let location = folder.path().display().to_string();
        assert!(matches!(Repository::open(&location), Err(RepositoryError::NotARepository { .. })));
        let absent = format!("{location}/absent");
        assert!(matches!(Repository::open(&absent), Err(RepositoryError::NotARepository { .. })));
        assert!(!folder.path().join("absent").exists());
        fs::write(folder.path().join("letter.txt"), "dear").unwrap();
        let error = Repository::init(&location).unwrap_err();
        assert_eq!(error.to_string(), format!("{location} is not empty: it holds letter.txt"));
        assert!(matches!(Repository::init("ftp://bucket"), Err(RepositoryError::UnsupportedLocation { .. })));
    }

    #[test]
    fn what_stops_init_is_told_as_what_it_is() {
        let init = |fault: Option<(Operation, u32, ErrorKind)>| {
            let store = FaultyStore::new(MemoryStore::new());
            if let Some((operation, nth, with)) = fault {
                store.inject(Fault::Fails { operation, nth, with });
            }
            Repository::init_in(Arc::new(store)).map(|_| ())
        };
        init(None).unwrap();
        let denied = |nth| init(Some((Operation::PutIfAbsent, nth, ErrorKind::PermissionDenied)));
        assert!(matches!(denied(1), Err(RepositoryError::Store(_))), "the document cannot be written");
        assert!(matches!(denied(2), Err(RepositoryError::Store(_))), "nor once more");
        let raced = init(Some((Operation::PutIfAbsent, 1, ErrorKind::AlreadyExists)));
        assert!(matches!(raced, Err(RepositoryError::AlreadyARepository { .. })), "somebody else was faster");
    }

    #[test]
    fn free_space_is_what_the_store_says() {
        let folder = tempfile::tempdir().unwrap();
        let local = Repository::init_in(Arc::new(LocalStore::new(folder.path().join("r")))).unwrap();
        assert_eq!(local.free_space().is_some(), local.store().free_space().is_some());
        assert!(local.free_space().is_some());
        assert_eq!(testing::repository(MemoryStore::new()).free_space(), None);
    }

    #[test]
    fn this_host_is_named() {
        let host = testing::repository(MemoryStore::new()).host().to_owned();
        assert_eq!(host.as_bytes(), rustix::system::uname().nodename().to_bytes());
    }
}
