//! A store in memory, for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Key, LockGuard, LockOutcome, ObjectInfo, ObjectWriter, Store, StoreError};
use crate::model::Timestamp;

/// Objects in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<Key, Object>,
    locks: BTreeMap<Key, Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Object {
    bytes: Vec<u8>,
    modified: Timestamp,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn object(&self, key: &Key) -> Result<Vec<u8>, StoreError> {
        let inner = self.inner();
        inner
            .objects
            .get(key)
            .map(|object| object.bytes.clone())
            .ok_or_else(|| failed("read", key, io::ErrorKind::NotFound))
    }
}

fn failed(operation: &'static str, key: &Key, kind: io::ErrorKind) -> StoreError {
    StoreError::new(operation, Some(key), format!("memory:{key}"), kind.into())
}

impl Store for MemoryStore {
    fn put(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        let object = Object { bytes: bytes.to_vec(), modified: Timestamp::now() };
        self.inner().objects.insert(key.clone(), object);
        Ok(())
    }

    fn put_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        let mut inner = self.inner();
        if inner.objects.contains_key(key) {
            return Err(failed("publish", key, io::ErrorKind::AlreadyExists));
        }
        inner.objects.insert(key.clone(), Object { bytes: bytes.to_vec(), modified: Timestamp::now() });
        Ok(())
    }

    fn get(&self, key: &Key) -> Result<Vec<u8>, StoreError> {
        self.object(key)
    }

    fn get_range(&self, key: &Key, start: u64, length: u64) -> Result<Vec<u8>, StoreError> {
        let bytes = self.object(key)?;
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }

    fn read(&self, key: &Key, start: u64) -> Result<Box<dyn Read + Send>, StoreError> {
        Ok(Box::new(Cursor::new(self.get_range(key, start, u64::MAX)?)))
    }

    fn create(&self, _early: &Key) -> Result<Box<dyn ObjectWriter>, StoreError> {
        Ok(Box::new(MemoryWriter { store: self.clone(), bytes: Vec::new() }))
    }

    fn info(&self, key: &Key) -> Result<Option<ObjectInfo>, StoreError> {
        Ok(self.inner().objects.get(key).map(|object| info(key, object)))
    }

    fn list(&self, folder: Option<&Key>) -> Result<Vec<ObjectInfo>, StoreError> {
        let inner = self.inner();
        Ok(inner.objects.iter().filter(|(key, _)| below(folder, key).is_some()).map(|(key, o)| info(key, o)).collect())
    }

    fn children(&self, folder: Option<&Key>) -> Result<Vec<String>, StoreError> {
        let inner = self.inner();
        let rests = inner.objects.keys().filter_map(|key| below(folder, key));
        let names: BTreeSet<String> = rests.filter_map(|rest| rest.split('/').next()).map(str::to_owned).collect();
        Ok(names.into_iter().collect())
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.inner().objects.remove(key);
        Ok(())
    }

    fn lock(&self, key: &Key, owner: &[u8]) -> Result<LockOutcome, StoreError> {
        let mut inner = self.inner();
        if let Some(holder) = inner.locks.get(key) {
            return Ok(LockOutcome::Taken(holder.clone()));
        }
        inner.locks.insert(key.clone(), owner.to_vec());
        Ok(LockOutcome::Held(Box::new(MemoryLock { store: self.clone(), key: key.clone() })))
    }

    fn sweep(&self) -> Result<usize, StoreError> {
        Ok(0)
    }

    fn free_space(&self) -> Option<u64> {
        None
    }

    fn describe(&self) -> String {
        "memory:".to_owned()
    }
}

fn info(key: &Key, object: &Object) -> ObjectInfo {
    ObjectInfo { key: key.clone(), size: object.bytes.len() as u64, modified: object.modified }
}

/// The rest of a key below a folder.
fn below<'a>(folder: Option<&Key>, key: &'a Key) -> Option<&'a str> {
    match folder {
        None => Some(key.as_str()),
        Some(folder) => key.as_str().strip_prefix(folder.as_str())?.strip_prefix('/'),
    }
}

#[derive(Debug)]
struct MemoryWriter {
    store: MemoryStore,
    bytes: Vec<u8>,
}

impl ObjectWriter for MemoryWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn publish(self: Box<Self>, key: &Key) -> Result<Key, StoreError> {
        self.store.put_if_absent(key, &self.bytes).map(|()| key.clone())
    }
}

#[derive(Debug)]
struct MemoryLock {
    store: MemoryStore,
    key: Key,
}

impl LockGuard for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.store.inner().locks.remove(&self.key);
    }
}
