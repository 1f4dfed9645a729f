//! The batches of a segment for whoever needs their records: those of format v0 and v1 as the v2 batches that they become.

use bytes::Bytes;

use super::reader::SegmentReader;
use crate::batch::{Batch, BatchError, joins, upgrade};
use crate::repository::format::Seal;
use crate::repository::{Damage, Repository, RepositoryError};

/// A batch of format v2.
#[derive(Debug, Clone)]
pub struct ModernBatch {
    /// The batch: as it came, or what older messages became.
    pub bytes: Bytes,
    /// Position in the segment's plain log of what it was made of.
    pub position: u64,
    /// Bytes of that.
    pub stored: u64,
    /// How many v0 or v1 messages that was, a wrapper for one; 0 for a batch that is as it came.
    pub converted: u64,
}

impl ModernBatch {
    /// Its header and payload.
    pub fn batch(&self) -> Result<Batch<'_>, BatchError> {
        Batch::parse(&self.bytes)
    }
}

/// Streams a segment's batches as v2, in order.
#[derive(Debug)]
pub struct ModernReader {
    reader: SegmentReader,
    object: String,
    join: bool,
    /// Read and not given out yet: position and bytes.
    held: Option<(u64, Bytes)>,
}

impl Repository {
    /// Reads a segment from the batch that holds the offset, or the first one after it, every batch as v2. With `join`,
    /// uncompressed v0 and v1 messages that follow each other become one batch.
    pub fn read_modern(&self, seal: &Seal, offset: i64, join: bool) -> Result<ModernReader, RepositoryError> {
        let reader = self.read_segment_from(seal, offset)?;
        Ok(ModernReader { reader, object: seal.object.clone(), join, held: None })
    }
}

impl ModernReader {
    /// The next batch; `None` at the end.
    #[expect(clippy::should_implement_trait, reason = "as in other readers that can fail; it is no iterator")]
    pub fn next(&mut self) -> Result<Option<ModernBatch>, RepositoryError> {
        let Some((position, bytes)) = self.stored()? else { return Ok(None) };
        let first = self.parse(position, &bytes)?;
        if !first.is_legacy() {
            let stored = bytes.len() as u64;
            return Ok(Some(ModernBatch { bytes, position, stored, converted: 0 }));
        }
        let (mut all, mut stored) = (vec![bytes.clone()], bytes.len());
        let base = first.base_offset();
        let mut next = first.next_offset();
        while self.join && joins(&first, base, 0) {
            let Some((at, more)) = self.stored()? else { break };
            let batch = self.parse(at, &more)?;
            if !joins(&batch, base, stored) || batch.base_offset() < next {
                self.held = Some((at, more));
                break;
            }
            (stored, next) = (stored + more.len(), batch.next_offset());
            all.push(more);
        }
        let converted = all.len() as u64;
        let batches: Result<Vec<Batch<'_>>, RepositoryError> =
            all.iter().map(|bytes| self.parse(position, bytes)).collect();
        let bytes = upgrade(&batches?).map_err(|fault| self.broken(position, fault))?.into();
        Ok(Some(ModernBatch { bytes, position, stored: stored as u64, converted }))
    }

    /// What a batch that cannot be read means.
    pub fn broken(&self, position: u64, fault: BatchError) -> RepositoryError {
        RepositoryError::damaged(self.object.as_str(), Damage::Batch { position, fault })
    }

    /// The next batch as it is stored, and its position.
    fn stored(&mut self) -> Result<Option<(u64, Bytes)>, RepositoryError> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        let next = self.reader.next()?;
        Ok(next.map(|owned| (self.reader.position() - owned.bytes.len() as u64, owned.bytes)))
    }

    fn parse<'a>(&self, position: u64, bytes: &'a [u8]) -> Result<Batch<'a>, RepositoryError> {
        Batch::parse(bytes).map_err(|fault| self.broken(position, fault))
    }
}
