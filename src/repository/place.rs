//! Where the stored bytes of a segment lie, and reading them. Nothing else turns a seal into the name of an object.

use std::fmt;
use std::io::Read;

use super::Repository;
use super::error::{Damage, RepositoryError};
use super::format::Seal;
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
        let (mut hasher, mut left) = (blake3::Hasher::new(), place.length);
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
        let found = hasher.finalize().to_hex().to_string();
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
