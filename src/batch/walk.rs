//! The batches in a stretch of bytes.

use super::error::BatchError;
use super::layout::{self, HEADER_SIZE, LOG_OVERHEAD, MAGIC_END};
use super::legacy::LegacyHeader;
use super::view::Batch;

/// Goes over the whole batches in `bytes`, which may end inside one.
pub fn walk(bytes: &[u8]) -> Walk<'_> {
    Walk { bytes, consumed: 0, failed: false }
}

/// Bytes of the batch that `bytes` begin with, whether or not all of them are there; `None` if there are too few to
/// tell (17 are enough).
pub fn size_of_first(bytes: &[u8]) -> Result<Option<usize>, BatchError> {
    let Some(head) = bytes.first_chunk::<MAGIC_END>() else { return Ok(None) };
    let base_offset = layout::get(head, layout::BASE_OFFSET).map_or(0, i64::from_be_bytes);
    let length = layout::get(head, layout::LENGTH).map_or(0, i32::from_be_bytes);
    let minimum = match layout::get(head, layout::MAGIC) {
        Some([2]) => (HEADER_SIZE - LOG_OVERHEAD) as i32,
        Some([magic @ (0 | 1)]) => LegacyHeader::minimum(magic),
        Some([magic]) => return Err(BatchError::Magic { base_offset, magic }),
        None => return Ok(None),
    };
    if length < minimum {
        return Err(BatchError::Length { base_offset, length, minimum });
    }
    Ok(Some(length as usize + LOG_OVERHEAD))
}

/// Iterator over whole batches. It ends before a partial tail, and after the first error.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    bytes: &'a [u8],
    consumed: usize,
    failed: bool,
}

impl<'a> Walk<'a> {
    /// Bytes of the batches given out so far. At the end, what lies beyond is a partial tail, or begins with the
    /// batch that gave the error.
    pub fn consumed(&self) -> usize {
        self.consumed
    }

    /// The bytes that were not given out.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.consumed..).unwrap_or_default()
    }

    fn advance(&mut self) -> Result<Option<Batch<'a>>, BatchError> {
        let rest = self.rest();
        let Some(size) = size_of_first(rest)? else { return Ok(None) };
        let Some(bytes) = rest.get(..size) else { return Ok(None) };
        let batch = Batch::whole(bytes)?;
        self.consumed += size;
        Ok(Some(batch))
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Batch<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let item = self.advance().transpose();
        self.failed = matches!(item, Some(Err(_)));
        item
    }
}
