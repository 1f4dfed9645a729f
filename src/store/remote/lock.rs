//! Locks that a dead owner cannot keep: an object that its living owner rewrites every few seconds.
//!
//! A courtesy, not what safety rests on. Two clocks are never compared: whoever finds a lock watches it, by a clock of its
//! own, and takes it over when it stayed the same for three heartbeats. It is freed by being emptied, not deleted, so
//! that a backup needs no right to delete.

use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::{Error, GetOptions, ObjectStore, PutMode, PutOptions, PutPayload, UpdateVersion};

use super::engine::{Task, pause};
use super::{Attempts, RemoteStore};
use crate::store::{Key, LockGuard, LockOutcome, Store, StoreError, random_hex};

/// How often a living owner rewrites its lock.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A lock that stayed the same for so long has no owner.
const DEAD_AFTER: Duration = Duration::from_secs(15);
/// How often a lock is looked at meanwhile.
const LOOK: Duration = Duration::from_secs(1);
/// Largest lock that is read, in bytes.
const LOCK_BYTES_MAX: u64 = 64 << 10;

/// A lock as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    bytes: Vec<u8>,
    version: Version,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Version(Option<String>);

/// Takes the lock, or gives what its living owner noted. Where somebody has it, this takes up to [`DEAD_AFTER`].
pub(super) fn take(store: &RemoteStore, key: &Key, owner: &[u8]) -> Result<LockOutcome, StoreError> {
    let beat = Beat { note: owner.to_vec(), holder: random(store, key)?, number: 0 };
    let began = Instant::now();
    let mut watched: Option<(Found, Instant)> = None;
    loop {
        let Some(found) = look(store, key)? else {
            match put(store, key, &beat, PutMode::Create) {
                Ok(version) => return Ok(held(store, key, beat, version)),
                Err(error) if error.is_already_exists() => continue,
                Err(error) => return Err(error),
            }
        };
        let since = match &watched {
            Some((before, since)) if *before == found => *since,
            // It lives: it was rewritten while we looked.
            Some(_) => return Ok(LockOutcome::Taken(note(&found.bytes))),
            None => Instant::now(),
        };
        let is_free = found.bytes.is_empty();
        if is_free || since.elapsed() >= DEAD_AFTER {
            let mode = PutMode::Update(UpdateVersion { e_tag: found.version.0.clone(), version: None });
            match put(store, key, &beat, if store.inner.conditional { mode } else { PutMode::Overwrite }) {
                Ok(version) => return Ok(held(store, key, beat, version)),
                // Somebody was faster: the next look tells who.
                Err(error) if error.is_already_exists() && began.elapsed() < 2 * DEAD_AFTER => {
                    watched = None;
                    continue;
                }
                Err(error) => return Err(error),
            }
        }
        watched = Some((found, since));
        std::thread::sleep(LOOK);
    }
}

fn random(store: &RemoteStore, key: &Key) -> Result<String, StoreError> {
    random_hex(16).map_err(|source| StoreError::new("lock", Some(key), store.shown(Some(key)), source))
}

fn look(store: &RemoteStore, key: &Key) -> Result<Option<Found>, StoreError> {
    let (service, path) = (Arc::clone(&store.inner.service), store.path("lock", key)?);
    let read = store.run("lock", Some(key), async move {
        let answer = service.get_opts(&path, GetOptions::default()).await?;
        let version = Version(answer.meta.e_tag.clone());
        if answer.meta.size > LOCK_BYTES_MAX {
            return Err(Error::Generic { store: "lock", source: "it is too large to be a lock".into() });
        }
        Ok(Found { bytes: answer.bytes().await?.into(), version })
    });
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the owner noted: the first line.
fn note(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec()
}

/// One writing of a lock: the note, and a line that is never the same again.
#[derive(Debug, Clone)]
struct Beat {
    note: Vec<u8>,
    holder: String,
    number: u64,
}

impl Beat {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.note.clone();
        bytes.extend_from_slice(format!("\n{{\"holder\":\"{}\",\"beat\":{}}}\n", self.holder, self.number).as_bytes());
        bytes
    }
}

fn put(store: &RemoteStore, key: &Key, beat: &Beat, mode: PutMode) -> Result<Version, StoreError> {
    let attempts = Attempts::default();
    let result = store.put_with(key, &beat.bytes(), mode, &attempts).map(Version);
    match result {
        // Our own, written by an attempt whose answer got lost.
        Err(error) if attempts.count() > 1 => match look(store, key)? {
            Some(found) if found.bytes == beat.bytes() => Ok(found.version),
            _ => Err(error),
        },
        result => result,
    }
}

fn held(store: &RemoteStore, key: &Key, mut beat: Beat, version: Version) -> LockOutcome {
    let (service, path) = (Arc::clone(&store.inner.service), store.path("lock", key));
    let conditional = store.inner.conditional;
    let beating = path.ok().map(|path| {
        let name = key.to_string();
        store.inner.engine.begin(async move {
            let mut version = version.0;
            loop {
                pause(HEARTBEAT).await;
                beat.number += 1;
                let mode = match &version {
                    Some(_) if conditional => PutMode::Update(UpdateVersion { e_tag: version.clone(), version: None }),
                    _ => PutMode::Overwrite,
                };
                let options = PutOptions { mode, ..PutOptions::default() };
                match service.put_opts(&path, PutPayload::from(beat.bytes()), options).await {
                    Ok(put) => version = put.e_tag,
                    Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => {
                        tracing::warn!(lock = name, "somebody took this lock over: this host was silent for too long");
                        return;
                    }
                    Err(error) => tracing::debug!(lock = name, %error, "a heartbeat failed, the next may not"),
                }
            }
        })
    });
    LockOutcome::Held(Box::new(Guard { store: store.clone(), key: key.clone(), beating }))
}

#[derive(Debug)]
struct Guard {
    store: RemoteStore,
    key: Key,
    beating: Option<Task<()>>,
}

impl LockGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(beating) = self.beating.take() else { return };
        // Somebody else's by now: not ours to free.
        if beating.ended().is_some() {
            return;
        }
        beating.stop();
        let _ = beating.wait();
        if let Err(error) = self.store.put(&self.key, b"") {
            tracing::debug!(lock = %self.key, %error, "the lock is not freed, it ends by itself");
        }
    }
}
