//! Target offsets of restored records, in the order they are restored.

use crate::batch::Run;
use crate::model::MapPiece;

/// Builds the pieces of one partition's offset map from runs in order.
#[derive(Debug)]
pub(super) struct Pieces {
    next_target: i64,
    open: Option<MapPiece>,
}

impl Pieces {
    /// The first restored record gets the offset `target_base`.
    pub(super) fn new(target_base: i64) -> Self {
        Self { next_target: target_base, open: None }
    }

    /// Target offset of the next record.
    pub(super) fn next_target(&self) -> i64 {
        self.next_target
    }

    /// Adds a run. Returns its piece, and the piece before it if that is complete.
    pub(super) fn add(&mut self, run: Run) -> (MapPiece, Option<MapPiece>) {
        let piece = MapPiece { source: run.base, target: self.next_target, count: i64::from(run.count) };
        self.next_target += piece.count;
        if self.open.as_mut().is_some_and(|open| open.extend(piece)) {
            return (piece, None);
        }
        (piece, self.open.replace(piece))
    }

    /// The last piece.
    pub(super) fn finish(self) -> Option<MapPiece> {
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(base: i64, count: i32) -> Run {
        Run { base, count }
    }

    #[test]
    fn consecutive_runs_become_one_piece() {
        let mut pieces = Pieces::new(100);
        assert_eq!(pieces.add(run(5, 3)).1, None);
        assert_eq!(pieces.add(run(8, 2)).1, None);
        let (piece, complete) = pieces.add(run(11, 1));
        assert_eq!(complete, Some(MapPiece { source: 5, target: 100, count: 5 }));
        assert_eq!(piece, MapPiece { source: 11, target: 105, count: 1 });
        assert_eq!(pieces.next_target(), 106);
        assert_eq!(pieces.finish(), Some(piece));
    }
}
