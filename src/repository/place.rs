//! Where the stored bytes of a segment lie, and reading them. Nothing else turns a seal into the name of an object.

use std::io::Read;

use super::Repository;
use super::error::{Damage, RepositoryError};
use super::format::Seal;
use crate::store::Key;

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
    /// Where a segment lies; it is there, in its full size. The error names what is missing or has another size.
    pub fn place(&self, seal: &Seal) -> Result<Place, RepositoryError> {
        let key = Key::new(seal.object.as_str())?;
        let info = self.store().info(&key)?.ok_or_else(|| RepositoryError::Missing { object: key.to_string() })?;
        let expected = seal.start.saturating_add(seal.length);
        if info.size != expected {
            return Err(RepositoryError::damaged(key.as_str(), Damage::Size { expected, found: info.size }));
        }
        Ok(Place { key, start: seal.start, length: seal.length })
    }

    /// Streams stored bytes, from a position within the segment to its end.
    pub fn read_stored(&self, place: &Place, from: u64) -> Result<Box<dyn Read + Send>, RepositoryError> {
        let source = self.store().read(&place.key, place.start.saturating_add(from));
        let left = place.length.saturating_sub(from);
        Ok(Box::new(source.map_err(RepositoryError::of_named)?.take(left)))
    }
}
