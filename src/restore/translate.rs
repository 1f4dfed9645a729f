//! From source offsets to target offsets: the map, and the positions of groups in it.
//!
//! A position `p` becomes the target offset of the first restored record whose source offset is at least `p`, or the
//! target's log end if there is none. Both sides ascend, so one pass over the restored runs answers all positions of
//! a partition, and nothing of the map is held.

use std::collections::BTreeMap;

use crate::batch::Run;

/// One linear piece of an offset map: `count` consecutive source offsets became consecutive target offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// First source offset.
    pub source: i64,
    /// Its target offset.
    pub target: i64,
    /// How many.
    pub count: i64,
}

impl Piece {
    /// Appends a run if it goes on where this piece ends on both sides.
    fn extend(&mut self, next: Self) -> bool {
        let goes_on = self.source + self.count == next.source && self.target + self.count == next.target;
        if goes_on {
            self.count += next.count;
        }
        goes_on
    }
}

/// Builds the pieces of one partition from runs in order.
#[derive(Debug)]
pub(super) struct Pieces {
    next_target: i64,
    open: Option<Piece>,
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
    pub(super) fn add(&mut self, run: Run) -> (Piece, Option<Piece>) {
        let piece = Piece { source: run.base, target: self.next_target, count: i64::from(run.count) };
        self.next_target += piece.count;
        if self.open.as_mut().is_some_and(|open| open.extend(piece)) {
            return (piece, None);
        }
        (piece, self.open.replace(piece))
    }

    /// The last piece.
    pub(super) fn finish(self) -> Option<Piece> {
        self.open
    }
}

/// Positions of one partition that wait for their target offsets.
#[derive(Debug, Default)]
pub(super) struct Positions {
    /// Source offsets, ascending, not answered yet.
    waiting: Vec<i64>,
    answered: BTreeMap<i64, i64>,
}

impl Positions {
    /// The positions to translate, in any order.
    pub(super) fn new(offsets: impl IntoIterator<Item = i64>) -> Self {
        let mut waiting: Vec<i64> = offsets.into_iter().collect();
        waiting.sort_unstable_by(|a, b| b.cmp(a));
        waiting.dedup();
        Self { waiting, answered: BTreeMap::new() }
    }

    /// Answers the positions up to the end of the piece. Pieces come in ascending order.
    pub(super) fn pass(&mut self, piece: Piece) {
        while let Some(position) = self.waiting.pop_if(|position| *position < piece.source + piece.count) {
            let target = piece.target + (position - piece.source).max(0);
            self.answered.insert(position, target);
        }
    }

    /// Answers the rest with the target's log end.
    pub(super) fn finish(mut self, log_end: i64) -> BTreeMap<i64, i64> {
        self.answered.extend(self.waiting.into_iter().map(|position| (position, log_end)));
        self.answered
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
        assert_eq!(complete, Some(Piece { source: 5, target: 100, count: 5 }));
        assert_eq!(piece, Piece { source: 11, target: 105, count: 1 });
        assert_eq!(pieces.next_target(), 106);
        assert_eq!(pieces.finish(), Some(piece));
    }

    #[test]
    fn a_position_becomes_the_first_record_at_or_after_it() {
        // Kept: 5..10 -> 0..5, 12..13 -> 5; a hole at 10 and 11; the log ends at 15.
        let mut positions = Positions::new([0, 5, 7, 10, 11, 12, 13, 15, 99, 7]);
        let mut pieces = Pieces::new(0);
        for one in [run(5, 5), run(12, 1)] {
            let (piece, _) = pieces.add(one);
            positions.pass(piece);
        }
        let answered: Vec<_> = positions.finish(pieces.next_target()).into_iter().collect();
        let expected = [(0, 0), (5, 0), (7, 2), (10, 5), (11, 5), (12, 5), (13, 6), (15, 6), (99, 6)];
        assert_eq!(answered, expected);
    }
}
