//! Parts of snapshots: immutable, named by the digest of their plain JSON, shared by every snapshot that names them.
//!
//! Stored is one zstd frame and, behind it, a skippable frame with the BLAKE3 of the first: `zstd -d` passes over it,
//! and no flipped bit stays unnoticed, not even one that decompresses to the same.

use std::io::{self, Read};
use std::sync::PoisonError;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Repository;
use super::error::{Damage, RepositoryError};
use super::layout;
use crate::store::{StoreError, StoreErrorKind};

/// Largest part that is read, in bytes of plain JSON.
pub const PART_BYTES_MAX: u64 = 1 << 30;
/// zstd level of parts.
const LEVEL: i32 = 3;
/// Header of the skippable frame (RFC 8878, 3.1.2): magic number and 32 bytes of content, little-endian.
const SEAL_HEADER: [u8; 8] = [0x5b, 0x2a, 0x4d, 0x18, 32, 0, 0, 0];

impl Repository {
    /// Writes a part and gives its digest. One that is there and sound is left alone.
    pub fn put_part<T: Serialize + ?Sized>(&self, part: &T) -> Result<String, RepositoryError> {
        let encoded = serde_json::to_vec(part);
        let json = encoded.map_err(|source| RepositoryError::Encode { object: layout::INDEX.to_owned(), source })?;
        self.put_part_json(&json)
    }

    /// The same with JSON that is ready. What is there and was not read on the way from a snapshot that this process
    /// counts on may be about to be pruned: then the part gets a name of its own.
    pub fn put_part_json(&self, json: &[u8]) -> Result<String, RepositoryError> {
        let digest = blake3::hash(json).to_hex().to_string();
        if self.is_sound(&digest) || self.put_part_as(&digest, json)? {
            return Ok(digest);
        }
        let own = [json, &self.blanks()?].concat();
        let digest = blake3::hash(&own).to_hex().to_string();
        self.put_part_as(&digest, &own)?;
        Ok(digest)
    }

    /// True if it was not there before.
    fn put_part_as(&self, digest: &str, json: &[u8]) -> Result<bool, RepositoryError> {
        let key = layout::part(digest)?;
        let compressed =
            compress(json).map_err(|source| StoreError::new("compress", Some(&key), key.as_str(), source))?;
        match self.store().put_if_absent(&key, &compressed) {
            Err(error) if error.kind == StoreErrorKind::AlreadyExists => {
                // What is there and cannot be read is mended: older snapshots may name it.
                if self.stored_json(digest).is_err() {
                    self.store().put(&key, &compressed)?;
                }
                return Ok(false);
            }
            result => result?,
        }
        tracing::debug!(phase = "index", object = %key, "part written");
        self.note_sound(digest);
        Ok(true)
    }

    /// Blanks behind a JSON text change its digest and not what it says.
    fn blanks(&self) -> Result<Vec<u8>, RepositoryError> {
        let random = self.random(16)?;
        let bits = random.bytes().flat_map(|digit| (0..4).map(move |bit| (digit >> bit) & 1));
        Ok(bits.map(|bit| if bit == 1 { b'\t' } else { b' ' }).collect())
    }

    /// Reads a part, its digest checked.
    pub fn part<T: DeserializeOwned>(&self, digest: &str) -> Result<T, RepositoryError> {
        let json = self.part_json(digest)?;
        serde_json::from_slice(&json).map_err(|error| {
            RepositoryError::damaged(format!("{}/{digest}.json.zst", layout::INDEX), Damage::Json(error.to_string()))
        })
    }

    /// Reads a part's plain JSON, its digest checked.
    pub fn part_json(&self, digest: &str) -> Result<Vec<u8>, RepositoryError> {
        let json = self.stored_json(digest)?;
        self.note_sound(digest);
        Ok(json)
    }

    fn stored_json(&self, digest: &str) -> Result<Vec<u8>, RepositoryError> {
        let key = layout::part(digest)?;
        let info = self.store().info(&key)?.ok_or_else(|| RepositoryError::Missing { object: key.to_string() })?;
        let damaged = |damage| RepositoryError::damaged(key.as_str(), damage);
        if info.size > PART_BYTES_MAX {
            return Err(damaged(Damage::TooLarge { limit: PART_BYTES_MAX }));
        }
        let stored = self.store().get(&key).map_err(RepositoryError::of_named)?;
        let json = decompress(&stored).map_err(damaged)?;
        let found = blake3::hash(&json).to_hex().to_string();
        if found != digest {
            return Err(damaged(Damage::Digest { expected: digest.to_owned(), found }));
        }
        Ok(json)
    }

    fn is_sound(&self, digest: &str) -> bool {
        self.sound_parts().lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
    }

    fn note_sound(&self, digest: &str) {
        self.sound_parts().lock().unwrap_or_else(PoisonError::into_inner).insert(digest.to_owned());
    }
}

pub(super) fn compress_frame(json: &[u8]) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(json, LEVEL)
}

fn compress(json: &[u8]) -> io::Result<Vec<u8>> {
    let mut stored = compress_frame(json)?;
    let digest = blake3::hash(&stored);
    stored.extend_from_slice(&SEAL_HEADER);
    stored.extend_from_slice(digest.as_bytes());
    Ok(stored)
}

/// The output grows with what comes, never with what a header announces.
fn decompress(stored: &[u8]) -> Result<Vec<u8>, Damage> {
    let cut = || Damage::Zstd("its end is cut off or overwritten".to_owned());
    let (rest, expected) = stored.split_last_chunk::<32>().ok_or_else(cut)?;
    let frame = rest.strip_suffix(&SEAL_HEADER).ok_or_else(cut)?;
    let (expected, found) = (blake3::Hash::from_bytes(*expected), blake3::hash(frame));
    if found != expected {
        let (expected, found) = (expected.to_hex().to_string(), found.to_hex().to_string());
        return Err(Damage::StoredDigest { expected, found });
    }
    decompress_frame(frame)
}

/// One zstd frame, without its digest.
pub(super) fn decompress_frame(frame: &[u8]) -> Result<Vec<u8>, Damage> {
    let broken = |error: io::Error| Damage::Zstd(error.to_string());
    let mut json = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(frame).map_err(broken)?;
    decoder.take(PART_BYTES_MAX + 1).read_to_end(&mut json).map_err(broken)?;
    if json.len() as u64 > PART_BYTES_MAX { Err(Damage::TooLarge { limit: PART_BYTES_MAX }) } else { Ok(json) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{MemoryStore, Store};

    #[test]
    fn a_part_is_written_once_and_read_back() {
        let store = MemoryStore::new();
        let repository = Repository::init_in(Arc::new(store.clone())).unwrap();
        let digest = repository.put_part(&vec!["a", "b"]).unwrap();
        assert_eq!(repository.put_part(&vec!["a", "b"]).unwrap(), digest);
        assert_eq!(repository.part::<Vec<String>>(&digest).unwrap(), ["a", "b"]);
        assert_eq!(blake3::hash(b"[\"a\",\"b\"]").to_hex().to_string(), digest);
        assert_eq!(store.list(None).unwrap().len(), 2);
    }

    #[test]
    fn any_zstd_reads_a_part() {
        let stored = compress(b"{}").unwrap();
        assert_eq!(zstd::stream::decode_all(stored.as_slice()).unwrap(), b"{}");
    }

    #[test]
    fn a_damaged_part_is_named_and_mended_by_writing_it_again() {
        let store = MemoryStore::new();
        let repository = Repository::init_in(Arc::new(store.clone())).unwrap();
        let digest = repository.put_part(&vec!["a".repeat(100)]).unwrap();
        let key = layout::part(&digest).unwrap();
        let whole = store.get(&key).unwrap();
        for position in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[position] ^= 4;
            store.put(&key, &damaged).unwrap();
            let error = repository.part::<Vec<String>>(&digest).unwrap_err();
            assert!(error.is_damage() && error.to_string().contains(&digest), "{error}");
        }
        store.put(&key, &whole[..whole.len() / 2]).unwrap();
        let again = Repository::open_in(Arc::new(store.clone())).unwrap();
        again.put_part(&vec!["a".repeat(100)]).unwrap();
        assert_eq!(store.get(&key).unwrap(), whole);
        store.delete(&key).unwrap();
        assert!(matches!(again.part::<Vec<String>>(&digest), Err(RepositoryError::Missing { .. })));
    }

    /// What was there before may be about to be pruned.
    #[test]
    fn a_part_that_was_not_read_on_the_way_gets_a_name_of_its_own() {
        let store = MemoryStore::new();
        let repository = Repository::init_in(Arc::new(store.clone())).unwrap();
        let first = repository.put_part(&vec!["a"]).unwrap();
        assert_eq!(repository.put_part(&vec!["a"]).unwrap(), first, "this process wrote it");
        let mut names = vec![first];
        for _ in 0..3 {
            repository.forget_parts();
            names.push(repository.put_part(&vec!["a"]).unwrap());
        }
        for name in &names {
            assert_eq!(repository.part::<Vec<String>>(name).unwrap(), ["a"]);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 4);
    }

    #[test]
    fn any_blank_may_be_either() {
        let repository = Repository::init_in(Arc::new(MemoryStore::new())).unwrap();
        let drawn: Vec<Vec<u8>> = (0..400).map(|_| repository.blanks().unwrap()).collect();
        for place in 0..64 {
            assert!([b' ', b'\t'].iter().all(|blank| drawn.iter().any(|blanks| blanks[place] == *blank)), "{place}");
        }
    }
}
