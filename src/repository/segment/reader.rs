//! Reading a segment's batches back.

use std::io::Read;

use bytes::Bytes;

use super::buffers::Buffers;
use crate::batch::{Batch, BatchError, size_of_first, walk};
use crate::memory::Room;
use crate::repository::format::Seal;
use crate::repository::{Damage, Repository, RepositoryError, read_failed};
use crate::store::Key;

/// Bytes read at a time. A batch that is larger takes as many as it needs.
const CHUNK: usize = 1 << 20;
/// Room that is made on the word of a batch's length and a seal's size; more is made as bytes come.
const TRUSTED: usize = 16 << 20;

/// A batch that owns its bytes; they are shared with the batches read together with it.
#[derive(Debug, Clone)]
pub struct OwnedBatch {
    /// The whole batch as it came from the source's leader.
    pub bytes: Bytes,
}

impl OwnedBatch {
    /// Its header and payload.
    pub fn batch(&self) -> Result<Batch<'_>, BatchError> {
        Batch::parse(&self.bytes)
    }
}

/// Streams the whole batches of one segment, in order, holding one chunk at a time. Bounds are checked; checksums are
/// the caller's to check, where it looks at every byte anyway.
pub struct SegmentReader {
    key: Key,
    source: Box<dyn Read + Send>,
    /// What was read and not given out lies at its beginning; behind that is whatever was there before.
    buffer: Vec<u8>,
    filled: usize,
    buffers: Buffers,
    /// What a large batch in the buffer takes.
    room: Option<Room>,
    /// Whole batches that were read and not given out yet.
    ready: Bytes,
    /// Plain bytes not yet read from the source.
    unread: u64,
    /// Position of the next batch to be given out.
    position: u64,
    /// Batches that end at or before this offset are passed over.
    from: i64,
}

impl Repository {
    /// Reads a segment from its first batch.
    pub fn read_segment(&self, seal: &Seal) -> Result<SegmentReader, RepositoryError> {
        self.read_segment_from(seal, i64::MIN)
    }

    /// Reads a segment from the batch that holds the offset, or the first one after it, found by the sparse index.
    pub fn read_segment_from(&self, seal: &Seal, offset: i64) -> Result<SegmentReader, RepositoryError> {
        // A batch's offsets may end far behind the next entry's base: the entry at or before the offset is right.
        let entry = seal.index.iter().rev().find(|entry| entry.offset <= offset && entry.position < seal.size);
        let position = entry.map_or(0, |entry| entry.position);
        let (key, source) = (Key::new(seal.object.as_str())?, self.read_plain(seal, position)?);
        Ok(SegmentReader {
            key,
            source,
            buffer: Vec::new(),
            filled: 0,
            buffers: self.buffers().clone(),
            room: None,
            ready: Bytes::new(),
            unread: seal.size - position,
            position,
            from: offset,
        })
    }
}

impl SegmentReader {
    /// The next batch; `None` at the end.
    #[expect(clippy::should_implement_trait, reason = "as in other readers that can fail; it is no iterator")]
    pub fn next(&mut self) -> Result<Option<OwnedBatch>, RepositoryError> {
        loop {
            let Some(size) = size_of_first(&self.ready).map_err(|fault| self.broken(fault))? else {
                match self.next_run()? {
                    Some(run) => {
                        self.position -= run.len() as u64;
                        self.ready = run;
                        continue;
                    }
                    None => return Ok(None),
                }
            };
            let bytes = self.ready.split_to(size.min(self.ready.len()));
            let position = self.position;
            self.position += bytes.len() as u64;
            let owned = OwnedBatch { bytes };
            let next = owned.batch().map_err(|fault| self.broken_at(position, fault))?.next_offset();
            if next > self.from {
                return Ok(Some(owned));
            }
        }
    }

    /// Many whole batches at once, as many as a chunk holds and at least one; `None` at the end. The first run after
    /// [`Repository::read_segment_from`] may begin with batches before the offset.
    pub fn next_run(&mut self) -> Result<Option<Bytes>, RepositoryError> {
        if !self.ready.is_empty() {
            let run = std::mem::take(&mut self.ready);
            self.position += run.len() as u64;
            return Ok(Some(run));
        }
        let mut wanted = CHUNK;
        loop {
            self.fill(wanted)?;
            if self.filled == 0 {
                return Ok(None);
            }
            let mut batches = walk(self.buffer.get(..self.filled).unwrap_or_default());
            let fault = batches.by_ref().find_map(Result::err);
            let whole = batches.consumed();
            if whole > 0 {
                // A fault behind whole batches shows when the next run begins with it.
                return Ok(Some(self.give_out(whole)));
            }
            if let Some(fault) = fault {
                return Err(self.broken(fault));
            }
            wanted = self.size_of_partial()?;
            drop(self.room.take());
            self.room = self.buffers.room(wanted);
        }
    }

    /// Position in the segment of the next batch that will be given out, in plain bytes.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The size of the batch that the buffer holds the beginning of, if the segment has that many bytes.
    fn size_of_partial(&self) -> Result<usize, RepositoryError> {
        let left = self.filled as u64 + self.unread;
        let read = self.buffer.get(..self.filled).unwrap_or_default();
        let size = size_of_first(read).map_err(|fault| self.broken(fault))?;
        let needed = size.unwrap_or(self.filled + 1);
        if needed as u64 > left {
            return Err(self.broken(BatchError::Cut { needed, found: left as usize }));
        }
        Ok(needed)
    }

    /// Reads until the buffer holds `wanted` bytes or the segment ends.
    fn fill(&mut self, wanted: usize) -> Result<(), RepositoryError> {
        let wanted = self.there_is(wanted);
        while self.filled < wanted {
            if self.buffer.len() < wanted {
                let buffer = self.buffers.take(wanted.min(TRUSTED.max(self.filled * 2)));
                let smaller = self.change_buffer(buffer, 0);
                self.buffers.give_back(smaller);
            }
            let end = self.buffer.len().min(wanted);
            let room = self.buffer.get_mut(self.filled..end).unwrap_or_default();
            self.source.read_exact(room).map_err(|source| read_failed(&self.key, source))?;
            self.unread -= (end - self.filled) as u64;
            self.filled = end;
        }
        Ok(())
    }

    /// Gives out the first bytes of the buffer; what follows them goes into the next one.
    fn give_out(&mut self, bytes: usize) -> Bytes {
        let rest = self.filled - bytes;
        let next = self.buffers.take(rest.max(self.there_is(CHUNK + bytes) - bytes));
        let full = self.change_buffer(next, bytes);
        self.position += bytes as u64;
        self.buffers.lend(full, self.room.take()).slice(..bytes)
    }

    /// So many bytes, or as many as were read and not given out and are not read yet.
    fn there_is(&self, bytes: usize) -> usize {
        (bytes as u64).min(self.filled as u64 + self.unread) as usize
    }

    /// Goes on with another buffer, into which goes what the old one holds from a position on. Gives the old one.
    fn change_buffer(&mut self, mut buffer: Vec<u8>, from: usize) -> Vec<u8> {
        let held = self.buffer.get(from..self.filled).unwrap_or_default();
        if let Some(room) = buffer.get_mut(..held.len()) {
            room.copy_from_slice(held);
        }
        self.filled = held.len();
        std::mem::replace(&mut self.buffer, buffer)
    }

    fn broken(&self, fault: BatchError) -> RepositoryError {
        self.broken_at(self.position, fault)
    }

    fn broken_at(&self, position: u64, fault: BatchError) -> RepositoryError {
        RepositoryError::damaged(self.key.as_str(), Damage::Batch { position, fault })
    }
}

impl std::fmt::Debug for SegmentReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentReader")
            .field("key", &self.key)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
