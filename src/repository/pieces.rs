//! Merged objects: the stored bytes of several small segments back to back in one, and a document beside it that says
//! which. Snapshots and seals are not touched by merging; [`Repository::place`] looks here for what it does not find
//! under its own name.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError};

use super::Repository;
use super::document;
use super::error::{Damage, RepositoryError};
use super::format::PiecesDocument;
use super::layout;
use super::place::Place;
use crate::model::Timestamp;
use crate::store::{Key, ObjectInfo};

/// Folders whose tables are kept.
const FOLDERS: usize = 256;
/// Pieces in all tables that are kept.
const PIECES: usize = 1 << 18;

/// A merged object and what it is made of; its document was read and is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedObject {
    /// The object.
    pub key: Key,
    /// Key of its document.
    pub document_key: Key,
    /// Bytes of its document.
    pub document_size: u64,
    /// When the document was written.
    pub written: Timestamp,
    /// What the document says.
    pub document: PiecesDocument,
    /// Bytes of the object; `None` where it is not there.
    pub size: Option<u64>,
}

impl MergedObject {
    /// Whether the object is there in its full size.
    pub fn is_whole(&self) -> bool {
        self.size == Some(self.document.length)
    }
}

/// Where the segments of one folder lie that were merged.
#[derive(Debug, Default)]
pub(super) struct Table {
    places: HashMap<String, Place>,
}

/// Tables of the folders that were looked at last.
#[derive(Debug, Default)]
pub(super) struct Tables {
    folders: HashMap<String, Arc<Table>>,
    order: VecDeque<String>,
    pieces: usize,
}

impl Tables {
    fn keep(&mut self, folder: &str, table: Arc<Table>) {
        self.forget(folder);
        self.pieces += table.places.len();
        self.folders.insert(folder.to_owned(), table);
        self.order.push_back(folder.to_owned());
        while self.order.len() > FOLDERS || (self.pieces > PIECES && self.order.len() > 1) {
            let Some(oldest) = self.order.front().cloned() else { return };
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, folder: &str) {
        if let Some(table) = self.folders.remove(folder) {
            self.pieces = self.pieces.saturating_sub(table.places.len());
            self.order.retain(|one| one != folder);
        }
    }
}

impl Repository {
    /// What merging made of a folder's segments, from a listing of it: the documents that can be read, oldest first, and
    /// what is wrong with the others.
    pub fn merged_objects(
        &self,
        listing: &[ObjectInfo],
    ) -> Result<(Vec<MergedObject>, Vec<RepositoryError>), RepositoryError> {
        let sizes: HashMap<&str, u64> = listing.iter().map(|info| (info.key.as_str(), info.size)).collect();
        let (mut merged, mut damaged) = (Vec::new(), Vec::new());
        for info in listing.iter().filter(|info| layout::is_pieces_name(info.key.name())) {
            match self.pieces_document(&info.key) {
                Ok(document) => merged.push(MergedObject {
                    key: Key::new(document.object.as_str())?,
                    document_key: info.key.clone(),
                    document_size: info.size,
                    written: info.modified,
                    size: sizes.get(document.object.as_str()).copied(),
                    document,
                }),
                // Pruned since it was listed.
                Err(RepositoryError::Missing { .. }) => {}
                Err(error) if error.is_damage() => damaged.push(error),
                Err(error) => return Err(error),
            }
        }
        merged.sort_by(|a, b| (a.written, &a.document_key).cmp(&(b.written, &b.document_key)));
        Ok((merged, damaged))
    }

    /// Reads one document: its digest is checked, that it belongs to the object beside it, and that its pieces are all
    /// of that object.
    fn pieces_document(&self, key: &Key) -> Result<PiecesDocument, RepositoryError> {
        let bytes = document::read(self.store(), key)?;
        let (document, _): (PiecesDocument, String) = document::decode(key.as_str(), &bytes)?;
        let beside = Key::new(document.object.as_str()).ok().and_then(|object| layout::pieces_of(&object)?.ok());
        let wrong = |text: String| Err(RepositoryError::damaged(key.as_str(), Damage::Contradiction(text)));
        if beside.as_ref() != Some(key) {
            return wrong(format!("it says that it belongs to {}", document.object));
        }
        if document.tiled().is_none() {
            return wrong(format!("its pieces are not the {} bytes of {}", document.length, document.object));
        }
        Ok(document)
    }

    /// Writes the document of a merged object that is there.
    pub fn put_pieces(&self, document: &PiecesDocument) -> Result<(), RepositoryError> {
        let object = Key::new(document.object.as_str())?;
        let Some(key) = layout::pieces_of(&object).transpose()? else {
            return Err(RepositoryError::InvalidKey(crate::store::InvalidKey(document.object.clone())));
        };
        let (bytes, _) = document::encode(key.as_str(), document)?;
        self.store().put_if_absent(&key, &bytes)?;
        tracing::debug!(phase = "merged", object = %key, pieces = document.pieces.len(), "segments merged");
        Ok(())
    }

    /// Where a segment lies that was merged, by the object that its seal names; as it was when its folder was last looked
    /// at, or now, if `again`.
    pub(super) fn merged_place(&self, object: &str, again: bool) -> Result<Option<Place>, RepositoryError> {
        let Some((folder, _)) = object.rsplit_once('/') else { return Ok(None) };
        let known = if again { None } else { self.known_table(folder) };
        let table = match known {
            Some(table) => table,
            None => self.load_table(&Key::new(folder)?)?,
        };
        Ok(table.places.get(object).cloned())
    }

    /// Whether a folder was looked at before.
    pub(super) fn knows_merged(&self, object: &str) -> bool {
        object.rsplit_once('/').is_some_and(|(folder, _)| self.known_table(folder).is_some())
    }

    fn known_table(&self, folder: &str) -> Option<Arc<Table>> {
        self.tables().lock().unwrap_or_else(PoisonError::into_inner).folders.get(folder).cloned()
    }

    fn load_table(&self, folder: &Key) -> Result<Arc<Table>, RepositoryError> {
        let listing = self.store().list(Some(folder))?;
        let (merged, _) = self.merged_objects(&listing)?;
        let mut table = Table::default();
        // The newest counts: what is older may be on its way out.
        for object in merged.into_iter().filter(MergedObject::is_whole) {
            for piece in object.document.pieces {
                let place = Place { key: object.key.clone(), start: piece.start, length: piece.length };
                table.places.insert(piece.object, place);
            }
        }
        let table = Arc::new(table);
        self.tables().lock().unwrap_or_else(PoisonError::into_inner).keep(folder.as_str(), Arc::clone(&table));
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(pieces: usize) -> Arc<Table> {
        let place = |number: usize| Place { key: Key::new("merged").unwrap(), start: number as u64, length: 1 };
        Arc::new(Table { places: (0..pieces).map(|number| (number.to_string(), place(number))).collect() })
    }

    fn kept(tables: &Tables) -> Vec<&str> {
        assert_eq!(tables.folders.len(), tables.order.len());
        assert_eq!(tables.pieces, tables.folders.values().map(|table| table.places.len()).sum::<usize>());
        tables.order.iter().map(String::as_str).collect()
    }

    #[test]
    fn tables_of_the_folders_looked_at_last_are_kept() {
        let mut tables = Tables::default();
        for number in 0..FOLDERS {
            tables.keep(&number.to_string(), table(1));
        }
        assert_eq!(kept(&tables).len(), FOLDERS);
        tables.keep("0", table(2));
        assert_eq!((kept(&tables).len(), kept(&tables)[0], kept(&tables)[FOLDERS - 1]), (FOLDERS, "1", "0"));
        tables.keep("more", table(1));
        assert_eq!((kept(&tables).len(), kept(&tables)[0]), (FOLDERS, "2"));
    }

    #[test]
    fn tables_take_no_more_room_than_their_pieces_may() {
        let mut tables = Tables::default();
        tables.keep("one", table(PIECES / 2));
        tables.keep("two", table(PIECES / 2));
        assert_eq!(kept(&tables), ["one", "two"]);
        tables.keep("three", table(1));
        assert_eq!(kept(&tables), ["two", "three"]);
        tables.keep("huge", table(PIECES + 1));
        assert_eq!(kept(&tables), ["huge"], "the last one stays however large it is");
    }
}
