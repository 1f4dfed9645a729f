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

#[cfg(test)]
mod tests {
    use super::*;

    fn tiled(length: u64, pieces: &[(u64, u64)]) -> Option<u64> {
        let piece = |(start, length)| Piece { object: "segment".to_owned(), start, length };
        let pieces = pieces.iter().copied().map(piece).collect();
        PiecesDocument { object: "merged".to_owned(), length, pieces }.tiled()
    }

    #[test]
    fn pieces_are_all_of_the_object_and_nothing_else() {
        assert_eq!(tiled(9, &[(0, 4), (4, 5)]), Some(9));
        let bad: [(u64, &[(u64, u64)]); 7] = [
            (9, &[(0, 4), (5, 4)]),
            (9, &[(0, 5), (4, 5)]),
            (9, &[(0, 4), (4, 4)]),
            (8, &[(0, 4), (4, 5)]),
            (9, &[(0, 4), (4, 0), (4, 5)]),
            (0, &[]),
            (0, &[(0, 0)]),
        ];
        for (length, pieces) in bad {
            assert_eq!(tiled(length, pieces), None, "{length} {pieces:?}");
        }
    }
}
