//! One segment, from one repository to the other.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use super::forms::{Forms, Way};
use crate::cancel::Cancel;
use crate::progress::Progress;
use crate::repository::format::Seal;
use crate::repository::segment::is_mostly_uncompressed;
use crate::repository::{ContentHasher, Damage, Form, Place, Repository, RepositoryError, layout, read_failed};
use crate::store::{Key, StoreError, random_hex};

/// Bytes read at a time.
const CHUNK: usize = 512 << 10;

/// Why a segment was not copied.
#[derive(Debug)]
pub(super) enum Fault {
    /// It could not be read, or is not what was written.
    Source(RepositoryError),
    /// It could not be written, or is not there as it was written.
    Target(RepositoryError),
    /// A snapshot of the target with which something is shared was removed.
    Removed(u64),
    /// Somebody stopped it.
    Cancelled,
    /// Its thread ended.
    Thread,
}

/// What a thread needs to copy segments.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) source: &'a Repository,
    pub(super) target: &'a Repository,
    pub(super) forms: &'a Forms,
    pub(super) progress: &'a dyn Progress,
    pub(super) cancel: &'a Cancel,
    /// Raised when the copy has failed elsewhere.
    pub(super) halt: &'a AtomicBool,
}

impl Ends<'_> {
    fn stopped(&self) -> bool {
        self.cancel.is_cancelled() || self.halt.load(Ordering::Relaxed)
    }
}

/// Copies a segment and reads it back. Gives the target's seal.
pub(super) fn copy(ends: Ends<'_>, seal: &Seal) -> Result<Seal, Fault> {
    let copied = match ends.forms.segment(seal) {
        Way::AsItIs(keys) => as_it_is(ends, seal, keys)?,
        Way::Anew => anew(ends, seal)?,
    };
    tracing::debug!(phase = "seal", object = %copied.object, "segment published");
    read_back(ends, &copied)?;
    Ok(copied)
}

/// Copies the stored bytes.
fn as_it_is(ends: Ends<'_>, seal: &Seal, keys: Option<u64>) -> Result<Seal, Fault> {
    let Ends { source, target, .. } = ends;
    let place = source.place(seal).map_err(Fault::Source)?;
    let key = free_name(target, seal).map_err(Fault::Target)?;
    let digest = seal.stored_digest.as_ref().unwrap_or(&seal.digest);
    let key = transfer(ends, &place, &key, digest)?;
    Ok(Seal { object: key.to_string(), start: 0, keys, ..seal.clone() })
}

/// Stores the plain log as the target stores logs.
fn anew(ends: Ends<'_>, seal: &Seal) -> Result<Seal, Fault> {
    let Ends { source, target, .. } = ends;
    let place = source.place(seal).map_err(Fault::Source)?;
    let failed = |error| Fault::Source(read_failed(&place.key, error));
    let folder = layout::partition(&seal.topic, seal.topic_id, seal.partition);
    let folder = folder.map_err(|error| Fault::Target(error.into()))?;
    let mut reader = source.read_whole(seal).map_err(Fault::Source)?;
    let (mut log, mut hasher, mut buffer) = (None, ContentHasher::like(&seal.digest), vec![0; CHUNK]);
    let mut size = 0;
    loop {
        if ends.stopped() {
            return Err(Fault::Cancelled);
        }
        let chunk = fill(&mut reader, &mut buffer).map_err(failed)?;
        if chunk.is_empty() {
            break;
        }
        let begun = match log.take() {
            Some(log) => log,
            None => target.create_log(&folder, seal.base, is_mostly_uncompressed(chunk)).map_err(Fault::Target)?,
        };
        hasher.update(chunk);
        size += chunk.len() as u64;
        log.insert(begun).write(chunk).map_err(Fault::Target)?;
        ends.progress.advance(chunk.len() as u64);
    }
    compare(&place, &hasher, &seal.digest).map_err(Fault::Source)?;
    if let Some(expected) = &seal.stored_digest {
        let found = reader.stored_digest().map_err(failed)?;
        same(&place, found, expected).map_err(Fault::Source)?;
    }
    let wrong_size = || RepositoryError::damaged(place.key.as_str(), Damage::Size { expected: seal.size, found: size });
    let Some(log) = log.filter(|_| size == seal.size) else { return Err(Fault::Source(wrong_size())) };
    let mut copied = seal.clone();
    log.publish(seal.base, seal.next).map_err(Fault::Target)?.apply(&mut copied);
    Ok(copied)
}

/// The name that the segment has in the source, if it is one of its partition's and free; else a new one.
fn free_name(target: &Repository, seal: &Seal) -> Result<Key, RepositoryError> {
    let folder = layout::partition(&seal.topic, seal.topic_id, seal.partition)?;
    let name = seal.object.rsplit('/').next().unwrap_or_default();
    if layout::is_segment_name(name) && folder.join(name)?.as_str() == seal.object && seal.start == 0 {
        let key = folder.join(name)?;
        if target.store().info(&key)?.is_none() {
            return Ok(key);
        }
    }
    let random = random_hex(8).map_err(|error| StoreError::new("name", None, target.location(), error))?;
    Ok(layout::segment(&folder, seal.base, seal.next, &random, Form::of(name))?)
}

/// Writes what is read, if it has the digest that it should have.
fn transfer(ends: Ends<'_>, place: &Place, key: &Key, digest: &str) -> Result<Key, Fault> {
    let mut reader = ends.source.read_stored(place, 0).map_err(Fault::Source)?;
    let written = |error: StoreError| Fault::Target(error.into());
    let mut object = ends.target.store().create(key).map_err(written)?;
    let (mut hasher, mut buffer) = (ContentHasher::like(digest), vec![0; CHUNK]);
    loop {
        if ends.stopped() {
            return Err(Fault::Cancelled);
        }
        let chunk = next(ends.source, place, &mut reader, &mut buffer, Fault::Source)?;
        if chunk.is_empty() {
            break;
        }
        hasher.update(chunk);
        object.write(chunk).map_err(written)?;
        ends.progress.advance(chunk.len() as u64);
    }
    compare(place, &hasher, digest).map_err(Fault::Source)?;
    tracing::debug!(phase = "publish", object = %key, "segment written, about to publish");
    object.publish(key).map_err(written)
}

/// What lies at the target must have the digest that its seal says.
fn read_back(ends: Ends<'_>, copied: &Seal) -> Result<(), Fault> {
    let place = ends.target.place(copied).map_err(Fault::Target)?;
    let mut reader = ends.target.read_stored(&place, 0).map_err(Fault::Target)?;
    let digest = copied.stored_digest.as_ref().unwrap_or(&copied.digest);
    let (mut hasher, mut buffer) = (ContentHasher::like(digest), vec![0; CHUNK]);
    loop {
        if ends.stopped() {
            return Err(Fault::Cancelled);
        }
        let chunk = next(ends.target, &place, &mut reader, &mut buffer, Fault::Target)?;
        if chunk.is_empty() {
            return compare(&place, &hasher, digest).map_err(Fault::Target);
        }
        hasher.update(chunk);
    }
}

/// The next stored bytes.
fn next<'b>(
    repository: &Repository,
    place: &Place,
    reader: &mut dyn Read,
    buffer: &'b mut Vec<u8>,
    fault: fn(RepositoryError) -> Fault,
) -> Result<&'b [u8], Fault> {
    let shown = || format!("{}/{}", repository.location(), place.key);
    fill(reader, buffer).map_err(|error| fault(StoreError::new("read", Some(&place.key), shown(), error).into()))
}

/// Fills the buffer as far as there is something to read.
fn fill<'b>(reader: &mut dyn Read, buffer: &'b mut Vec<u8>) -> std::io::Result<&'b [u8]> {
    buffer.clear();
    reader.take(CHUNK as u64).read_to_end(buffer)?;
    Ok(buffer)
}

fn compare(place: &Place, hasher: &ContentHasher, expected: &str) -> Result<(), RepositoryError> {
    same(place, hasher.finish(), expected)
}

fn same(place: &Place, found: String, expected: &str) -> Result<(), RepositoryError> {
    if found == expected {
        return Ok(());
    }
    Err(RepositoryError::damaged(place.key.as_str(), Damage::Digest { expected: expected.to_owned(), found }))
}
