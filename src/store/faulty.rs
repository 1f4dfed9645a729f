//! A store that fails on purpose, for tests of what survives.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Key, LockOutcome, ObjectInfo, ObjectWriter, Store, StoreError};

/// Kinds of operations that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Store::put`].
    Put,
    /// [`Store::put_if_absent`].
    PutIfAbsent,
    /// [`Store::get`], [`Store::get_range`] and [`Store::read`].
    Read,
    /// [`Store::create`].
    Create,
    /// [`ObjectWriter::write`].
    Write,
    /// [`ObjectWriter::publish`].
    Publish,
    /// [`Store::list`], [`Store::children`] and [`Store::info`].
    List,
    /// [`Store::delete`].
    Delete,
}

impl Operation {
    /// Every kind.
    pub const ALL: [Self; 8] =
        [Self::Put, Self::PutIfAbsent, Self::Read, Self::Create, Self::Write, Self::Publish, Self::List, Self::Delete];
}

/// Something that goes wrong once.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The `nth` operation of this kind from now on (1: the next) fails with this error and does nothing.
    Fails {
        /// Kind of operation.
        operation: Operation,
        /// Which one, from 1.
        nth: u32,
        /// The error.
        with: io::ErrorKind,
    },
    /// The `nth` operation of this kind works, but its caller is told that it failed: an answer that got lost.
    LostAnswer {
        /// Kind of operation.
        operation: Operation,
        /// Which one, from 1.
        nth: u32,
    },
    /// The `nth` [`ObjectWriter::write`] writes only its first bytes and then fails.
    TornWrite {
        /// Which one, from 1.
        nth: u32,
        /// Bytes that are written.
        bytes: usize,
    },
    /// After this many more bytes, every write finds the disk full.
    FullAfter {
        /// Bytes that still fit.
        bytes: u64,
    },
}

/// Wraps a store. Clones share the faults.
#[derive(Debug, Clone)]
pub struct FaultyStore<S> {
    inner: S,
    faults: Arc<Mutex<Vec<Fault>>>,
}

/// What a fault does to the operation at hand.
enum Effect {
    None,
    Fail(io::ErrorKind),
    LoseAnswer,
    Tear(usize),
}

impl<S: Store> FaultyStore<S> {
    /// A store that works until told otherwise.
    pub fn new(inner: S) -> Self {
        Self { inner, faults: Arc::default() }
    }

    /// Adds a fault.
    pub fn inject(&self, fault: Fault) {
        self.faults().push(fault);
    }

    /// Takes all faults away that have not happened yet.
    pub fn heal(&self) {
        self.faults().clear();
    }

    fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<T>(
        &self,
        operation: Operation,
        (key, size): (&Key, usize),
        action: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let lost = || error("reach", key, io::ErrorKind::TimedOut);
        match effect(&mut self.faults(), operation, size) {
            Effect::None | Effect::Tear(_) => action(),
            Effect::Fail(kind) => Err(error("reach", key, kind)),
            Effect::LoseAnswer => action().and_then(|_| Err(lost())),
        }
    }
}

fn error(operation: &'static str, key: &Key, kind: io::ErrorKind) -> StoreError {
    StoreError::new(operation, Some(key), format!("faulty:{key}"), kind.into())
}

/// Counts the operation against every fault, and says what the first that is due does.
fn effect(faults: &mut Vec<Fault>, operation: Operation, size: usize) -> Effect {
    let mut effect = Effect::None;
    faults.retain_mut(|fault| {
        let due = match fault {
            Fault::Fails { operation: kind, nth, with } if *kind == operation => {
                count(nth).then_some(Effect::Fail(*with))
            }
            Fault::LostAnswer { operation: kind, nth } if *kind == operation => {
                count(nth).then_some(Effect::LoseAnswer)
            }
            Fault::TornWrite { nth, bytes } if operation == Operation::Write => {
                count(nth).then_some(Effect::Tear(*bytes))
            }
            Fault::FullAfter { bytes } => {
                match bytes.checked_sub(size as u64) {
                    Some(left) => *bytes = left,
                    None => effect = Effect::Fail(io::ErrorKind::StorageFull),
                }
                None
            }
            _ => None,
        };
        let keep = due.is_none();
        effect = due.unwrap_or(std::mem::replace(&mut effect, Effect::None));
        keep
    });
    effect
}

/// Counts down; true when it is the turn of this one.
fn count(nth: &mut u32) -> bool {
    *nth = nth.saturating_sub(1);
    *nth == 0
}

impl<S: Store + Clone + 'static> Store for FaultyStore<S> {
    fn put(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        self.run(Operation::Put, (key, bytes.len()), || self.inner.put(key, bytes))
    }

    fn put_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        self.run(Operation::PutIfAbsent, (key, bytes.len()), || self.inner.put_if_absent(key, bytes))
    }

    fn get(&self, key: &Key) -> Result<Vec<u8>, StoreError> {
        self.run(Operation::Read, (key, 0), || self.inner.get(key))
    }

    fn get_range(&self, key: &Key, start: u64, length: u64) -> Result<Vec<u8>, StoreError> {
        self.run(Operation::Read, (key, 0), || self.inner.get_range(key, start, length))
    }

    fn read(&self, key: &Key, start: u64) -> Result<Box<dyn Read + Send>, StoreError> {
        self.run(Operation::Read, (key, 0), || self.inner.read(key, start))
    }

    fn create(&self, early: &Key) -> Result<Box<dyn ObjectWriter>, StoreError> {
        let inner = self.run(Operation::Create, (early, 0), || self.inner.create(early))?;
        Ok(Box::new(FaultyWriter { store: self.clone(), early: early.clone(), inner }))
    }

    fn info(&self, key: &Key) -> Result<Option<ObjectInfo>, StoreError> {
        self.run(Operation::List, (key, 0), || self.inner.info(key))
    }

    fn list(&self, folder: Option<&Key>) -> Result<Vec<ObjectInfo>, StoreError> {
        match folder {
            Some(key) => self.run(Operation::List, (key, 0), || self.inner.list(folder)),
            None => self.inner.list(None),
        }
    }

    fn children(&self, folder: Option<&Key>) -> Result<Vec<String>, StoreError> {
        match folder {
            Some(key) => self.run(Operation::List, (key, 0), || self.inner.children(folder)),
            None => self.inner.children(None),
        }
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.run(Operation::Delete, (key, 0), || self.inner.delete(key))
    }

    fn lock(&self, key: &Key, owner: &[u8]) -> Result<LockOutcome, StoreError> {
        self.inner.lock(key, owner)
    }

    fn sweep(&self) -> Result<usize, StoreError> {
        self.inner.sweep()
    }

    fn free_space(&self) -> Option<u64> {
        self.inner.free_space()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}

#[derive(Debug)]
struct FaultyWriter<S> {
    store: FaultyStore<S>,
    early: Key,
    inner: Box<dyn ObjectWriter>,
}

impl<S: Store> ObjectWriter for FaultyWriter<S> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let effect = effect(&mut self.store.faults(), Operation::Write, bytes.len());
        match effect {
            Effect::None => self.inner.write(bytes),
            Effect::Fail(kind) => Err(error("write", &self.early, kind)),
            Effect::LoseAnswer => {
                self.inner.write(bytes)?;
                Err(error("write", &self.early, io::ErrorKind::TimedOut))
            }
            Effect::Tear(keep) => {
                self.inner.write(&bytes[..keep.min(bytes.len())])?;
                Err(error("write", &self.early, io::ErrorKind::WriteZero))
            }
        }
    }

    fn publish(self: Box<Self>, key: &Key) -> Result<Key, StoreError> {
        let inner = self.inner;
        self.store.run(Operation::Publish, (key, 0), || inner.publish(key))
    }
}
