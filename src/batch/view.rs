//! One batch, borrowed from the bytes it lies in.

use super::checksum;
use super::error::BatchError;
use super::header::BatchHeader;
use super::layout::{self, HEADER_SIZE};
use super::legacy::{LegacyHeader, MessageSet};
use super::walk::size_of_first;

/// A whole batch: v2, or a single v0 or v1 message. Its header was read, its checksum was not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch<'a> {
    bytes: &'a [u8],
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Modern(BatchHeader),
    Legacy(LegacyHeader),
}

impl<'a> Batch<'a> {
    /// Reads bytes that are exactly one batch.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BatchError> {
        let size = size_of_first(bytes)?.ok_or(BatchError::Cut { needed: HEADER_SIZE, found: bytes.len() })?;
        if size > bytes.len() {
            return Err(BatchError::Cut { needed: size, found: bytes.len() });
        }
        let batch = Self::whole(bytes)?;
        match bytes.len() - size {
            0 => Ok(batch),
            extra => Err(BatchError::Trailing { base_offset: batch.base_offset(), extra }),
        }
    }

    /// Reads bytes that [`size_of_first`] found to be one batch.
    pub(super) fn whole(bytes: &'a [u8]) -> Result<Self, BatchError> {
        let kind = match layout::get(bytes, layout::MAGIC) {
            Some([0 | 1]) => Kind::Legacy(LegacyHeader::parse(bytes)?),
            _ => Kind::Modern(BatchHeader::parse(bytes)?),
        };
        Ok(Self { bytes, kind })
    }

    /// The batch as it came.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows a v2 header: records, compressed as the attributes say. Empty for v0 and v1.
    pub fn payload(&self) -> &'a [u8] {
        match self.kind {
            Kind::Modern(_) => self.bytes.get(HEADER_SIZE..).unwrap_or_default(),
            Kind::Legacy(_) => &[],
        }
    }

    /// The header of a v2 batch.
    pub fn header(&self) -> Option<&BatchHeader> {
        match &self.kind {
            Kind::Modern(header) => Some(header),
            Kind::Legacy(_) => None,
        }
    }

    /// The header of a v0 or v1 message.
    pub fn legacy_header(&self) -> Option<&LegacyHeader> {
        match &self.kind {
            Kind::Modern(_) => None,
            Kind::Legacy(header) => Some(header),
        }
    }

    /// The v2 header, or the error that says there is none.
    pub fn modern(&self) -> Result<&BatchHeader, BatchError> {
        match &self.kind {
            Kind::Modern(header) => Ok(header),
            Kind::Legacy(old) => Err(BatchError::Legacy { base_offset: old.offset, magic: old.magic }),
        }
    }

    /// Whether it is a v0 or v1 message.
    pub fn is_legacy(&self) -> bool {
        matches!(self.kind, Kind::Legacy(_))
    }

    /// First offset. Of a v0 or v1 wrapper it is the offset of its last inner message: the first is not known
    /// without decompressing.
    pub fn base_offset(&self) -> i64 {
        match &self.kind {
            Kind::Modern(header) => header.base_offset,
            Kind::Legacy(header) => header.offset,
        }
    }

    /// Last offset.
    pub fn last_offset(&self) -> i64 {
        match &self.kind {
            Kind::Modern(header) => header.last_offset(),
            Kind::Legacy(header) => header.offset,
        }
    }

    /// First offset after the batch.
    pub fn next_offset(&self) -> i64 {
        self.last_offset() + 1
    }

    /// Records in it, control records included; 1 for a v0 or v1 message, wrapper or not.
    pub fn record_count(&self) -> i32 {
        match &self.kind {
            Kind::Modern(header) => header.record_count,
            Kind::Legacy(_) => 1,
        }
    }

    /// First offset and number of records. Those of a v0 or v1 wrapper are told by what it holds, so it is decompressed;
    /// one that cannot be read counts as a single record.
    pub fn extent(&self) -> (i64, u64) {
        if self.legacy_header().is_some_and(LegacyHeader::is_compressed)
            && let Ok(set) = MessageSet::open(self)
        {
            return (set.first_offset(), set.count());
        }
        (self.base_offset(), u64::from(self.record_count().unsigned_abs()))
    }

    /// Leader epoch, -1 where there is none.
    pub fn leader_epoch(&self) -> i32 {
        match &self.kind {
            Kind::Modern(header) => header.leader_epoch,
            Kind::Legacy(_) => -1,
        }
    }

    /// The three codec bits.
    pub fn codec_code(&self) -> u8 {
        match &self.kind {
            Kind::Modern(header) => header.attributes.codec_code(),
            Kind::Legacy(header) => header.codec_code(),
        }
    }

    /// Largest time of a record in milliseconds, -1 if there is none.
    pub fn max_timestamp(&self) -> i64 {
        match &self.kind {
            Kind::Modern(header) => header.max_timestamp,
            Kind::Legacy(header) => header.timestamp,
        }
    }

    /// The smallest time the header knows of, in milliseconds: the first record's, or the largest one where the
    /// header does not say (delete horizon, `LogAppendTime`). Records may be older: only decoding tells.
    pub fn min_timestamp(&self) -> i64 {
        match &self.kind {
            Kind::Modern(header) if header.attributes.delete_horizon() || header.attributes.log_append_time() => {
                header.max_timestamp
            }
            Kind::Modern(header) => header.base_timestamp.min(header.max_timestamp),
            Kind::Legacy(header) => header.timestamp,
        }
    }

    /// Computes the checksum over the bytes and compares.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        let (stored, computed) = match &self.kind {
            Kind::Modern(header) => (header.crc, checksum::of_batch(self.bytes)),
            Kind::Legacy(header) => (header.crc, checksum::of_legacy(self.bytes)),
        };
        if stored == computed {
            return Ok(());
        }
        Err(BatchError::Checksum { base_offset: self.base_offset(), stored, computed })
    }
}
