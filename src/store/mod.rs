//! Objects by name: the bottom of the repository tower.
//!
//! A store knows nothing of Kafka or of snapshots. It keeps three promises that everything above rests on:
//! - an object is there whole or not at all, also after a crash: it is written aside, synced, and then given its name;
//! - put-if-absent lets exactly one of several writers win, so a name once given never means other bytes;
//! - when a call that writes returns, what it wrote and its name survive a power failure.
//!
//! All calls block; they are made from threads that may.

mod error;
mod faulty;
mod key;
mod local;
mod memory;
mod random;
mod remote;

use std::fmt::Debug;
use std::io::Read;
use std::sync::Arc;

pub use error::{StoreError, StoreErrorKind};
pub use faulty::{Fault, FaultyStore, Operation};
pub use key::{InvalidKey, Key};
pub use local::LocalStore;
pub use memory::MemoryStore;
pub use random::random_hex;
pub use remote::{ConnectError, LocationError, RemoteStore};

use crate::model::Timestamp;

/// A place for objects.
pub trait Store: Send + Sync + Debug {
    /// Writes an object, replacing one of that name.
    fn put(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError>;

    /// Writes an object; [`StoreErrorKind::AlreadyExists`] where the name is taken, whatever it holds.
    fn put_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError>;

    /// Reads a whole object. The caller has bounded its size by [`Store::info`].
    fn get(&self, key: &Key) -> Result<Vec<u8>, StoreError>;

    /// Reads `length` bytes from `start`; fewer where the object ends before.
    fn get_range(&self, key: &Key, start: u64, length: u64) -> Result<Vec<u8>, StoreError>;

    /// Reads an object from position `start` to its end, as a stream.
    fn read(&self, key: &Key, start: u64) -> Result<Box<dyn Read + Send>, StoreError>;

    /// Begins an object that is given its name when it is complete. Where a store must name a large one before, as object
    /// stores must, it is called `early`.
    fn create(&self, early: &Key) -> Result<Box<dyn ObjectWriter>, StoreError>;

    /// Finds out whether objects can be written, and leaves nothing that could be seen.
    fn try_writing(&self, early: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        self.create(early)?.write(bytes)
    }

    /// Size and age of one object; `None` where there is none.
    fn info(&self, key: &Key) -> Result<Option<ObjectInfo>, StoreError>;

    /// All objects below a folder (`None`: all there are), at any depth, ascending by key. An absent folder is empty.
    fn list(&self, folder: Option<&Key>) -> Result<Vec<ObjectInfo>, StoreError>;

    /// Names directly below a folder, of objects and of folders alike, ascending. An absent folder is empty.
    fn children(&self, folder: Option<&Key>) -> Result<Vec<String>, StoreError>;

    /// Removes an object; fine where there is none.
    fn delete(&self, key: &Key) -> Result<(), StoreError>;

    /// Takes the lock named `key` and notes `owner` in it, or gives back what its living owner noted. The lock of an
    /// owner that died is free.
    fn lock(&self, key: &Key, owner: &[u8]) -> Result<LockOutcome, StoreError>;

    /// Removes what writers that died left unfinished; gives back how many. What a living writer writes is not touched.
    fn sweep(&self) -> Result<usize, StoreError>;

    /// Bytes that can still be written, where the store knows.
    fn free_space(&self) -> Option<u64>;

    /// Where a person finds it: the path, or the location without its options.
    fn describe(&self) -> String;
}

/// The store at a location: the path of a folder, or `s3://` and `az://`, for which credentials are looked up in this
/// process's environment and a first request is made.
pub fn at(location: &str) -> Result<Arc<dyn Store>, ConnectError> {
    if location.is_empty() {
        return Err(LocationError::Empty.into());
    }
    if !remote::is_remote(location) {
        return Ok(Arc::new(LocalStore::new(location)));
    }
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    Ok(Arc::new(RemoteStore::connect(location, &variable)?))
}

/// A location as it may be shown: without options and whatever else does not belong there.
pub fn shown(location: &str) -> String {
    if remote::is_remote(location) { remote::shown(location) } else { location.to_owned() }
}

/// An object on its way in. Dropped without [`ObjectWriter::publish`], nothing of it remains.
pub trait ObjectWriter: Send + Debug {
    /// Appends bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Syncs the bytes and gives them their name, which must be free: [`StoreErrorKind::AlreadyExists`]. Gives the name
    /// that the object has now: `key`, or the early one.
    fn publish(self: Box<Self>, key: &Key) -> Result<Key, StoreError>;
}

/// What a listing says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its name.
    pub key: Key,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written last.
    pub modified: Timestamp,
}

/// What came of trying to take a lock.
#[derive(Debug)]
pub enum LockOutcome {
    /// It is ours until the guard is dropped.
    Held(Box<dyn LockGuard>),
    /// Somebody alive has it; these bytes were noted in it.
    Taken(Vec<u8>),
}

/// A lock that is held; dropping it frees it.
pub trait LockGuard: Send + Sync + Debug {}
