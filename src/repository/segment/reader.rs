//! Reading a segment's batches back.

use std::io::Read;

use bytes::Bytes;

use super::spare::Spare;
use crate::batch::{Batch, BatchError, size_of_first, walk};
use crate::repository::format::Seal;
use crate::repository::{Damage, Repository, RepositoryError, read_failed};
use crate::store::Key;

/// Bytes read at a time. A batch that is larger takes as many as it needs.
const CHUNK: usize = 1 << 20;

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
    spare: Spare,
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
            spare: Spare::default(),
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

    /// Reads until the buffer holds `wanted` bytes or the segment ends. Room is made for what comes, not for what a batch's
    /// length and a seal's size announce.
    fn fill(&mut self, wanted: usize) -> Result<(), RepositoryError> {
        let mut missing = (wanted.saturating_sub(self.filled) as u64).min(self.unread);
        while missing > 0 {
            let step = missing.min(CHUNK as u64) as usize;
            let end = self.filled + step;
            if self.buffer.len() < end {
                self.buffer.resize(end, 0);
            }
            let room = self.buffer.get_mut(self.filled..end).unwrap_or_default();
            self.source.read_exact(room).map_err(|source| read_failed(&self.key, source))?;
            self.filled = end;
            self.unread -= step as u64;
            missing -= step as u64;
        }
        Ok(())
    }

    /// Gives out the first bytes of the buffer; what follows them goes into the next one.
    fn give_out(&mut self, bytes: usize) -> Bytes {
        let mut next = self.spare.take();
        let rest = self.buffer.get(bytes..self.filled).unwrap_or_default();
        if next.len() < rest.len() {
            next.resize(rest.len(), 0);
        }
        if let Some(room) = next.get_mut(..rest.len()) {
            room.copy_from_slice(rest);
        }
        self.filled = rest.len();
        self.position += bytes as u64;
        self.spare.lend(std::mem::replace(&mut self.buffer, next)).slice(..bytes)
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
