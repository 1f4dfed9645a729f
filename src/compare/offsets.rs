//! Which offset of the cluster a record of the snapshot has.

use std::collections::BTreeMap;

use super::side::Halt;
use crate::model::{MapPiece, Positions};
use crate::repository::RepositoryError;

/// Pieces of an offset map, ascending.
pub(super) type Pieces = Box<dyn Iterator<Item = Result<MapPiece, RepositoryError>> + Send>;

/// From source offsets to those of the cluster. Asked in ascending order.
pub(super) enum Offsets {
    /// The cluster is the source.
    Same,
    /// It is a restore's target.
    Map(Box<Mapped>),
}

/// A map on its way, and the groups' positions that it answers.
pub(super) struct Mapped {
    pieces: Pieces,
    current: Option<MapPiece>,
    positions: Positions,
}

impl Offsets {
    pub(super) fn map(pieces: Pieces, positions: Positions) -> Self {
        Self::Map(Box::new(Mapped { pieces, current: None, positions }))
    }

    /// Where `count` consecutive source offsets went; `None` where the map says nothing of the first of them, or they
    /// did not go to consecutive offsets.
    pub(super) fn target(&mut self, source: i64, count: i64) -> Result<Option<i64>, Halt> {
        let Self::Map(map) = self else { return Ok(Some(source)) };
        while map.current.is_none_or(|piece| piece.source + piece.count <= source) {
            if !map.read()? {
                return Ok(None);
            }
        }
        let holds = |piece: &MapPiece| piece.source <= source && source + count <= piece.source + piece.count;
        Ok(map.current.filter(holds).map(|piece| piece.target + (source - piece.source)))
    }

    /// Where the groups' positions went.
    pub(super) fn finish(self, log_end: i64) -> Result<BTreeMap<i64, i64>, Halt> {
        let Self::Map(mut map) = self else { return Ok(BTreeMap::new()) };
        while map.read()? {}
        Ok(map.positions.finish(log_end))
    }
}

impl Mapped {
    fn read(&mut self) -> Result<bool, Halt> {
        let next = self.pieces.next().transpose().map_err(Halt::Stored)?;
        if let Some(piece) = next {
            self.positions.pass(piece);
            self.current = next;
        }
        Ok(next.is_some())
    }
}

impl std::fmt::Debug for Offsets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Same) { "Same" } else { "Map" })
    }
}
