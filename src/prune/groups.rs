//! Which neighbouring objects become one.
//!
//! Objects are taken in the order of their offsets. A smaller one joins the one before it when that is at most twice as
//! large, and so on down. What is left descends by halves, so its number grows with the logarithm of the size; and whenever
//! a byte is copied, the object that it is in becomes half as large again at least.

use super::merge::Source;
use crate::repository::{Form, MergedObject, Place, layout};

/// Pieces in one object at most: its document is read whole.
const PIECES_MAX: usize = 1 << 16;
/// Kafka's tools count offsets within a segment, and positions, in 31 bits.
const KAFKA_MAX: i64 = i32::MAX as i64;

/// One object as merging sees it, or a part of one.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    /// The segments in it that are to be copied, and where their bytes are.
    pub(super) pieces: Vec<(Source, Place)>,
    bytes: u64,
    /// It stays as it is: not there, or parts of it are needed elsewhere.
    fixed: bool,
    /// It is written anew even if it is alone.
    forced: bool,
}

impl Unit {
    /// A segment under its own name; without a place it is not there.
    pub(super) fn of(source: Source, place: Option<Place>) -> Self {
        let bytes = source.length;
        let fixed = place.is_none();
        Self { pieces: place.map(|place| (source, place)).into_iter().collect(), bytes, fixed, forced: false }
    }

    /// A merged object; if the segments are not all that is in it, it stays as it is.
    pub(super) fn whole(pieces: Vec<(Source, Place)>, object: &MergedObject) -> Self {
        let fixed = pieces.len() != object.document.pieces.len();
        Self { pieces, bytes: object.document.length, fixed, forced: false }
    }

    /// A segment in a merged object most of which is not needed.
    pub(super) fn out_of(piece: (Source, Place)) -> Self {
        Self { bytes: piece.0.length, pieces: vec![piece], fixed: false, forced: true }
    }

    /// What must be the same in one object: the lineage, and how its bytes are stored.
    fn kind(&self) -> Option<(u32, Form)> {
        let (source, _) = self.pieces.first()?;
        let (_, form) = layout::segment_stem(source.object.rsplit('/').next()?)?;
        Some((source.lineage, form))
    }

    fn ends(&self) -> Option<(i64, i64)> {
        Some((self.pieces.first()?.0.base, self.pieces.last()?.0.next))
    }
}

/// Neighbours that are to become one object.
#[derive(Debug)]
struct Group {
    units: Vec<Unit>,
    bytes: u64,
    fixed: bool,
}

impl Group {
    fn pieces(&self) -> usize {
        self.units.iter().map(|unit| unit.pieces.len()).sum()
    }

    /// Whether the next one may join.
    fn takes(&self, next: &Self, below: u64) -> bool {
        let bytes = self.bytes.saturating_add(next.bytes);
        let fits = bytes <= below && bytes <= KAFKA_MAX as u64 && self.pieces() + next.pieces() <= PIECES_MAX;
        let (Some(last), Some(first)) = (self.units.last(), next.units.first()) else { return false };
        let ends = self.units.first().and_then(Unit::ends).zip(next.units.last().and_then(Unit::ends));
        let covered = ends.is_some_and(|((base, _), (_, next))| next.saturating_sub(base) <= KAFKA_MAX);
        let ordered = last.ends().zip(first.ends()).is_some_and(|((_, next), (base, _))| next <= base);
        let comparable = self.bytes <= next.bytes.saturating_mul(2);
        !self.fixed && !next.fixed && fits && covered && ordered && comparable && last.kind() == first.kind()
    }
}

/// Decides. Each list of units becomes one object.
pub(super) fn group(units: Vec<Unit>, below: u64) -> Vec<Vec<Unit>> {
    let mut groups: Vec<Group> = Vec::new();
    for unit in units {
        let fixed = unit.fixed || unit.bytes >= below;
        groups.push(Group { bytes: unit.bytes, fixed, units: vec![unit] });
        while let [.., before, last] = groups.as_mut_slice() {
            if !before.takes(last, below) {
                break;
            }
            before.bytes = before.bytes.saturating_add(last.bytes);
            before.units.append(&mut last.units);
            groups.pop();
        }
    }
    let worth = |group: &Group| group.units.len() > 1 || group.units.iter().any(|unit| unit.forced && !unit.fixed);
    groups.into_iter().filter(|group| worth(group)).map(|group| group.units).collect()
}
