//! Offset maps on disk: `maps/<topic>/<partition>.jsonl`, a line `[source,target,count]` for each linear piece,
//! ascending, and a last line that says that the map is whole. Both ways stream; nothing of a map is held.

use std::io::{BufRead, BufReader, Read};

use super::error::RepositoryError;
use super::format::MapSummary;
use super::restores::damaged_line;
use crate::model::MapPiece;
use crate::store::{Key, ObjectWriter, StoreError};

/// Bytes of text that are gathered before they are written.
const TEXT_BUFFER: usize = 64 << 10;
/// Longest line that is read.
const LINE_MAX: u64 = 64 << 10;

/// A map on its way in. Dropped without [`MapWriter::publish`], nothing of it remains.
#[derive(Debug)]
pub struct MapWriter {
    object: Box<dyn ObjectWriter>,
    key: Key,
    buffer: Vec<u8>,
    digest: blake3::Hasher,
}

impl MapWriter {
    pub(super) fn new(object: Box<dyn ObjectWriter>, key: Key) -> Self {
        Self { object, key, buffer: Vec::with_capacity(TEXT_BUFFER), digest: blake3::Hasher::new() }
    }

    /// Appends a piece.
    pub fn piece(&mut self, piece: MapPiece) -> Result<(), RepositoryError> {
        let line = format!("[{},{},{}]\n", piece.source, piece.target, piece.count);
        self.buffer.extend_from_slice(line.as_bytes());
        if self.buffer.len() < TEXT_BUFFER { Ok(()) } else { self.flush() }
    }

    /// Ends the map, syncs it and gives it its name. The map of a partition is the same whoever makes it, so one that
    /// is there already is as good.
    pub fn publish(mut self, log_end: i64, admitted: serde_json::Value) -> Result<(), RepositoryError> {
        self.flush()?;
        let summary = MapSummary { log_end, admitted, digest: self.digest.finalize().to_hex().to_string() };
        let failed = |source| RepositoryError::Encode { object: self.key.to_string(), source };
        let mut line = serde_json::to_vec(&summary).map_err(failed)?;
        line.push(b'\n');
        self.object.write(&line)?;
        match self.object.publish(&self.key) {
            Err(error) if error.is_already_exists() => Ok(()),
            result => result.map(|_| ()).map_err(RepositoryError::from),
        }
    }

    fn flush(&mut self) -> Result<(), RepositoryError> {
        self.digest.update(&self.buffer);
        self.object.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// A map that is read: an iterator over its pieces, and behind them its [`MapReader::summary`].
pub struct MapReader {
    lines: BufReader<Box<dyn Read + Send>>,
    object: String,
    line: u64,
    digest: blake3::Hasher,
    /// Source and target offset after the last piece.
    after: (i64, i64),
    summary: Option<MapSummary>,
    ended: bool,
}

impl std::fmt::Debug for MapReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MapReader").field("object", &self.object).field("line", &self.line).finish_non_exhaustive()
    }
}

impl MapReader {
    pub(super) fn new(object: Box<dyn Read + Send>, name: String) -> Self {
        Self {
            lines: BufReader::new(object),
            object: name,
            line: 0,
            digest: blake3::Hasher::new(),
            after: (0, 0),
            summary: None,
            ended: false,
        }
    }

    /// Reads what is left and gives the last line.
    pub fn summary(mut self) -> Result<MapSummary, RepositoryError> {
        for piece in self.by_ref() {
            piece?;
        }
        let lacks = || damaged_line(&self.object, self.line, "the last line is missing: the map is cut");
        self.summary.take().ok_or_else(lacks)
    }

    fn read(&mut self) -> Result<Option<MapPiece>, RepositoryError> {
        let mut line = Vec::new();
        let failed = |source| StoreError::new("read", None, &*self.object, source);
        self.lines.by_ref().take(LINE_MAX).read_until(b'\n', &mut line).map_err(failed)?;
        self.line += 1;
        let damaged = |what: &str| damaged_line(&self.object, self.line, what);
        if !line.ends_with(b"\n") {
            return Err(damaged("it is cut"));
        }
        if line.starts_with(b"{") {
            let summary: MapSummary = serde_json::from_slice(&line).map_err(|error| damaged(&error.to_string()))?;
            if summary.digest != self.digest.finalize().to_hex().as_str() {
                return Err(damaged("the digest of the lines before is another"));
            }
            self.summary = Some(summary);
            return Ok(None);
        }
        self.digest.update(&line);
        let [source, target, count]: [i64; 3] =
            serde_json::from_slice(&line).map_err(|error| damaged(&error.to_string()))?;
        let ends = source.checked_add(count).zip(target.checked_add(count));
        let Some(ends) = ends.filter(|_| count > 0 && source >= self.after.0 && target >= self.after.1) else {
            return Err(damaged("the piece does not follow the one before"));
        };
        self.after = ends;
        Ok(Some(MapPiece { source, target, count }))
    }
}

impl Iterator for MapReader {
    type Item = Result<MapPiece, RepositoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let piece = self.read().transpose();
        self.ended = !matches!(piece, Some(Ok(_)));
        piece
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;

    use super::*;
    use crate::store::{MemoryStore, Store};

    fn piece(source: i64, target: i64, count: i64) -> MapPiece {
        MapPiece { source, target, count }
    }

    fn written(pieces: &[MapPiece]) -> Vec<u8> {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let key = Key::new("maps/t/0.jsonl").unwrap();
        for _ in 0..2 {
            let mut map = MapWriter::new(store.create(&Key::new("maps/t").unwrap()).unwrap(), key.clone());
            for one in pieces {
                map.piece(*one).unwrap();
            }
            map.publish(99, serde_json::json!({"records": 7})).unwrap();
        }
        store.get(&key).unwrap()
    }

    fn reader(bytes: &[u8]) -> MapReader {
        MapReader::new(Box::new(Cursor::new(bytes.to_vec())), "maps/t/0.jsonl".to_owned())
    }

    #[test]
    fn what_is_written_is_read() {
        let pieces = [piece(5, 0, 3), piece(9, 3, 1), piece(20, 50, 2)];
        let bytes = written(&pieces);
        assert!(bytes.starts_with(b"[5,0,3]\n[9,3,1]\n"));
        let read: Vec<MapPiece> = reader(&bytes).map(Result::unwrap).collect();
        assert_eq!(read, pieces);
        assert_eq!(reader(&bytes).summary().unwrap().log_end, 99);
        assert_eq!(reader(&written(&[])).summary().unwrap().admitted["records"], 7);
    }

    #[test]
    fn a_cut_or_changed_map_is_damaged() {
        let bytes = written(&[piece(5, 0, 3), piece(9, 3, 1)]);
        for length in 0..bytes.len() {
            assert!(reader(&bytes[..length]).summary().unwrap_err().is_damage(), "cut to {length}");
        }
        let changed = String::from_utf8(bytes).unwrap().replace("[9,3,1]", "[9,3,2]");
        assert!(reader(changed.as_bytes()).summary().is_err());
        let third = reader(b"[5,0,3]\n[8,3,1]\nx\n").last().unwrap().unwrap_err().to_string();
        assert!(third.contains("line 3"), "{third}");
        // Its last line fits, so what is wrong is the lines before.
        let with_digest = |lines: &str| {
            let digest = blake3::hash(lines.as_bytes()).to_hex();
            format!("{lines}{{\"log_end\":9,\"admitted\":null,\"digest\":\"{digest}\"}}\n")
        };
        reader(with_digest("[5,0,3]\n[8,3,1]\n").as_bytes()).summary().unwrap();
        for bad in [
            "[5,0,3]\n[7,3,1]\n",
            "[5,0,3]\n[8,2,1]\n",
            "[-1,0,1]\n",
            "[5,0,0]\n",
            "[5,0,9223372036854775807]\n",
            "[1,2]\n",
            "x\n",
        ] {
            assert!(reader(with_digest(bad).as_bytes()).summary().unwrap_err().is_damage(), "{bad}");
        }
    }
}
