//! Where the stored bytes of a segment lie, and reading them. Nothing else turns a seal into the name of an object.

use std::fmt;
use std::io::Read;

use super::error::{Damage, RepositoryError};
use super::format::Seal;
use super::{ContentHasher, Repository};
use crate::store::{Key, StoreError};

/// Bytes copied at a time.
const CHUNK: usize = 256 << 10;

/// The stored bytes of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Object that holds them.
    pub key: Key,
    /// Position of the first.
    pub start: u64,
    /// How many.
    pub length: u64,
}

impl Repository {
    /// Where a segment lies; it is there, in its full size: under its own name, or in an object that it was merged into.
    /// The error names what is missing or has another size.
    pub fn place(&self, seal: &Seal) -> Result<Place, RepositoryError> {
        let key = Key::new(seal.object.as_str())?;
        // Where a folder was merged, most of it lies elsewhere.
        if self.knows_merged(&seal.object)
            && let Some(place) = self.merged(seal, false)?
        {
            return Ok(place);
        }
        let expected = seal.start.saturating_add(seal.length);
        let found = self.store().info(&key)?;
        if found.as_ref().is_some_and(|info| info.size == expected) {
            return Ok(Place { key, start: seal.start, length: seal.length });
        }
        if let Some(place) = self.merged(seal, true)? {
            return Ok(place);
        }
        Err(match found {
            Some(info) => RepositoryError::damaged(key.as_str(), Damage::Size { expected, found: info.size }),
            None => RepositoryError::Missing { object: key.to_string() },
        })
    }

    /// The segment within a merged object that is still there.
    fn merged(&self, seal: &Seal, again: bool) -> Result<Option<Place>, RepositoryError> {
        let Some(place) = self.merged_place(&seal.object, again)? else { return Ok(None) };
        let end = place.start.saturating_add(place.length);
        let there = self.store().info(&place.key)?.is_some_and(|info| info.size >= end);
        Ok(Some(place).filter(|place| there && place.length == seal.length && seal.start == 0))
    }

    /// Streams stored bytes, from a position within the segment to its end.
    pub fn read_stored(&self, place: &Place, from: u64) -> Result<Box<dyn Read + Send>, RepositoryError> {
        let source = self.store().read(&place.key, place.start.saturating_add(from));
        let left = place.length.saturating_sub(from);
        Ok(Box::new(source.map_err(RepositoryError::of_named)?.take(left)))
    }

    /// For the stored bytes of many segments, one after the other.
    pub fn stored_stream(&self) -> StoredStream<'_> {
        StoredStream { repository: self, buffer: Vec::new(), open: None }
    }
}

/// Hands over the stored bytes of segments. Those that lie back to back in one object come by one request.
pub struct StoredStream<'a> {
    repository: &'a Repository,
    buffer: Vec<u8>,
    /// What was read last, and what comes next there.
    open: Option<(Place, Box<dyn Read + Send>)>,
}

impl fmt::Debug for StoredStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredStream")
            .field("open", &self.open.as_ref().map(|(place, _)| place))
            .finish_non_exhaustive()
    }
}

impl StoredStream<'_> {
    /// Hands over those of one segment, piece by piece; afterwards their digest must be right, else the damage is
    /// `object`'s.
    pub fn copy(
        &mut self,
        place: &Place,
        object: &str,
        digest: &str,
        take: &mut dyn FnMut(&[u8]) -> Result<(), RepositoryError>,
    ) -> Result<(), RepositoryError> {
        let mut source = self.at(place)?;
        self.buffer.resize(CHUNK, 0);
        let (mut hasher, mut left) = (ContentHasher::like(digest), place.length);
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let read = source.read(self.buffer.get_mut(..wanted).unwrap_or_default());
            let failed = |source| StoreError::new("read", Some(&place.key), place.key.as_str(), source);
            let read = match read.map_err(failed)? {
                0 => break,
                read => read,
            };
            let bytes = self.buffer.get(..read).unwrap_or_default();
            hasher.update(bytes);
            take(bytes)?;
            left = left.saturating_sub(read as u64);
        }
        let found = hasher.finish();
        if found != digest {
            return Err(RepositoryError::damaged(object, Damage::Digest { expected: digest.to_owned(), found }));
        }
        self.open = Some((place.clone(), source));
        Ok(())
    }

    /// The object from where the segment begins.
    fn at(&mut self, place: &Place) -> Result<Box<dyn Read + Send>, RepositoryError> {
        match self.open.take() {
            Some((last, source)) if last.key == place.key && last.start.saturating_add(last.length) == place.start => {
                Ok(source)
            }
            _ => self.repository.store().read(&place.key, place.start).map_err(RepositoryError::of_named),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::format::{Piece, PiecesDocument};
    use crate::repository::testing::{self, CLUSTER, batch};
    use crate::repository::{Run, layout};
    use crate::store::{Fault, FaultyStore, MemoryStore, Operation};

    type Faulty = FaultyStore<MemoryStore>;

    /// A segment that will be merged, in the folder of a partition.
    fn made() -> (Faulty, Repository, Seal) {
        let store = FaultyStore::new(MemoryStore::new());
        let repository = testing::repository(store.clone());
        let run: Run = repository.begin_run(CLUSTER).unwrap();
        let seal = testing::segment(&repository, &run, testing::start("a", 0, &run, None), &[batch(0, 9)]);
        (store, repository, seal)
    }

    /// Writes that the segment lies in an object of that random part, and the object if `there`.
    fn merge(repository: &Repository, seal: &Seal, random: &str, there: bool) -> Key {
        let (folder, _) = seal.object.rsplit_once('/').unwrap();
        let object = format!("{folder}/{:020}.{:020}-{random}.log", seal.base, seal.next);
        let object = Key::new(object).unwrap();
        let bytes = vec![7; seal.length as usize];
        if there {
            repository.store().put(&object, &bytes).unwrap();
        }
        let piece = Piece { object: seal.object.clone(), start: 0, length: seal.length };
        let length = seal.length;
        repository.put_pieces(&PiecesDocument { object: object.to_string(), length, pieces: vec![piece] }).unwrap();
        object
    }

    fn remove(repository: &Repository, object: &Key) {
        repository.store().delete(object).unwrap();
        repository.store().delete(&layout::pieces_of(object).unwrap().unwrap()).unwrap();
    }

    #[test]
    fn a_merged_object_that_is_not_whole_counts_for_nothing() {
        let (_, repository, seal) = made();
        let whole = merge(&repository, &seal, "00000001", true);
        let missing = merge(&repository, &seal, "00000002", false);
        let own = Key::new(seal.object.as_str()).unwrap();
        repository.store().delete(&own).unwrap();
        assert_eq!(repository.place(&seal).unwrap().key, whole);
        let listing = repository.store().list(None).unwrap();
        let (merged, _) = repository.merged_objects(&listing).unwrap();
        let found: Vec<(&Key, bool)> = merged.iter().map(|one| (&one.key, one.is_whole())).collect();
        assert_eq!(found, [(&whole, true), (&missing, false)]);
    }

    #[test]
    fn a_place_that_was_known_is_looked_at_again() {
        let (_, repository, seal) = made();
        let own = Key::new(seal.object.as_str()).unwrap();
        let first = merge(&repository, &seal, "00000001", true);
        repository.store().delete(&own).unwrap();
        assert_eq!(repository.place(&seal).unwrap().key, first);
        let second = merge(&repository, &seal, "00000002", true);
        remove(&repository, &first);
        assert_eq!(repository.place(&seal).unwrap().key, second, "merged once more meanwhile");
        let longer = Seal { length: seal.length + 1, ..seal.clone() };
        assert!(matches!(repository.place(&longer), Err(RepositoryError::Missing { .. })), "another segment's bytes");
        remove(&repository, &second);
        assert!(matches!(repository.place(&seal), Err(RepositoryError::Missing { .. })));
    }

    #[test]
    fn a_damaged_document_is_told_and_a_store_that_fails_is_no_damage() {
        let (store, repository, seal) = made();
        let whole = merge(&repository, &seal, "00000001", true);
        let damaged = merge(&repository, &seal, "00000002", true);
        let document = layout::pieces_of(&damaged).unwrap().unwrap();
        repository.store().put(&document, b"{}").unwrap();
        let listing = repository.store().list(None).unwrap();
        let (merged, wrong) = repository.merged_objects(&listing).unwrap();
        assert_eq!(merged.iter().map(|one| &one.key).collect::<Vec<_>>(), [&whole]);
        assert!(wrong.len() == 1 && wrong[0].to_string().starts_with(document.as_str()), "{wrong:?}");
        for operation in [Operation::List, Operation::Read] {
            store.inject(Fault::Fails { operation, nth: 1, with: std::io::ErrorKind::PermissionDenied });
            let error = repository.merged_objects(&listing).unwrap_err();
            assert!(matches!(error, RepositoryError::Store(_)), "{operation:?}: {error}");
        }
    }

    #[test]
    fn segments_of_one_object_are_copied_in_any_order() {
        let repository = testing::repository(MemoryStore::new());
        let keys = ["one", "other"].map(|name| Key::new(name).unwrap());
        for (key, first) in keys.iter().zip([0, 100]) {
            repository.store().put(key, &(first..first + 30).collect::<Vec<u8>>()).unwrap();
        }
        let mut stream = repository.stored_stream();
        // Back to back, with others between them, backwards, and where another object goes on at the same position.
        for (key, start) in [(0, 0), (0, 10), (1, 20), (1, 0), (0, 10), (0, 0), (0, 20)] {
            let bytes: Vec<u8> = (0..10).map(|at| key as u8 * 100 + start as u8 + at).collect();
            let place = Place { key: keys[key].clone(), start, length: 10 };
            let mut read = Vec::new();
            let take = &mut |piece: &[u8]| {
                read.extend_from_slice(piece);
                Ok(())
            };
            stream.copy(&place, "it", &blake3::hash(&bytes).to_hex(), take).unwrap();
            assert_eq!(read, bytes, "{place:?}");
        }
    }
}
