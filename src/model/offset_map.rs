//! From source offsets to target offsets.
//!
//! A position `p` becomes the target offset of the first restored record whose source offset is at least `p`, or the
//! target's log end if there is none. Both sides ascend, so one pass over the pieces answers all positions of a
//! partition, and nothing of the map is held.

use std::collections::BTreeMap;

/// One linear piece of an offset map: `count` consecutive source offsets became consecutive target offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapPiece {
    /// First source offset.
    pub source: i64,
    /// Its target offset.
    pub target: i64,
    /// How many, at least 1.
    pub count: i64,
}

impl MapPiece {
    /// Appends the next piece if it goes on where this one ends on both sides; whether it did.
    pub fn extend(&mut self, next: Self) -> bool {
        let goes_on = self.source + self.count == next.source && self.target + self.count == next.target;
        if goes_on {
            self.count += next.count;
        }
        goes_on
    }
}

/// Positions of one partition that wait for their target offsets.
#[derive(Debug, Default)]
pub struct Positions {
    /// Source offsets, descending, not answered yet.
    waiting: Vec<i64>,
    answered: BTreeMap<i64, i64>,
}

impl Positions {
    /// The positions to translate, in any order.
    pub fn new(offsets: impl IntoIterator<Item = i64>) -> Self {
        let mut waiting: Vec<i64> = offsets.into_iter().collect();
        waiting.sort_unstable_by(|a, b| b.cmp(a));
        waiting.dedup();
        Self { waiting, answered: BTreeMap::new() }
    }

    /// Answers the positions up to the end of the piece. Pieces come in ascending order.
    pub fn pass(&mut self, piece: MapPiece) {
        while let Some(position) = self.waiting.pop_if(|position| *position < piece.source + piece.count) {
            let target = piece.target + position.saturating_sub(piece.source).max(0);
            self.answered.insert(position, target);
        }
    }

    /// Answers the rest with the target's log end.
    pub fn finish(mut self, log_end: i64) -> BTreeMap<i64, i64> {
        self.answered.extend(self.waiting.into_iter().map(|position| (position, log_end)));
        self.answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_becomes_the_first_record_at_or_after_it() {
        // Kept: 5..10 -> 0..5, 12..13 -> 5; a hole at 10 and 11; the log ends at 15.
        let mut positions = Positions::new([0, 5, 7, 10, 11, 12, 13, 15, 99, 7]);
        positions.pass(MapPiece { source: 5, target: 0, count: 5 });
        positions.pass(MapPiece { source: 12, target: 5, count: 1 });
        let answered: Vec<_> = positions.finish(6).into_iter().collect();
        let expected = [(0, 0), (5, 0), (7, 2), (10, 5), (11, 5), (12, 5), (13, 6), (15, 6), (99, 6)];
        assert_eq!(answered, expected);
    }
}
