//! What a merged object is made of.

use serde::{Deserialize, Serialize};

use super::numbers;

/// `<name>.pieces.json` beside a merged object: which segments' stored bytes lie in it. Seals go on naming the objects
/// that the segments had before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PiecesDocument {
    /// Key of the merged object.
    pub object: String,
    /// Its bytes.
    #[serde(deserialize_with = "numbers::total")]
    pub length: u64,
    /// What it is made of, in order: together the pieces are all of it.
    pub pieces: Vec<Piece>,
}

/// The stored bytes of one segment within a merged object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The object that its seal names.
    pub object: String,
    /// Position of its first byte in the merged object.
    #[serde(deserialize_with = "numbers::total")]
    pub start: u64,
    /// Bytes.
    #[serde(deserialize_with = "numbers::amount")]
    pub length: u64,
}

impl PiecesDocument {
    /// Where the pieces leave off: the length, if they are all of the object and nothing else. `None` where they leave
    /// something out or overlap.
    pub fn tiled(&self) -> Option<u64> {
        let end = self.pieces.iter().try_fold(0_u64, |at, piece| {
            if piece.start == at && piece.length > 0 { at.checked_add(piece.length) } else { None }
        });
        end.filter(|end| *end == self.length && *end > 0)
    }
}
