//! Messages in format v0 and v1 (before Kafka 0.11, Kafka classes `LegacyRecord` and `AbstractLegacyRecordBatch`). They
//! are stored as they are; whoever needs their records gets a v2 batch of the same offsets: [`upgrade()`].

mod message;
mod set;
#[cfg(test)]
pub(crate) mod testing;
mod upgrade;

pub use upgrade::{JOINED_MAX, joins, upgrade};

use super::error::BatchError;
use super::layout::{self, MAGIC_END, legacy};
pub(super) use set::MessageSet;

/// What stands before the key of a v0 or v1 message. A compressed one is a wrapper around a message set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacyHeader {
    /// Offset of the message; of a wrapper, the offset of its last inner message.
    pub offset: i64,
    /// Bytes after this field.
    pub size: i32,
    /// CRC-32 (IEEE 802.3) from the magic byte to the end.
    pub crc: u32,
    /// 0 or 1.
    pub magic: u8,
    /// Codec in the three lowest bits; in v1, bit 3 is `LogAppendTime`.
    pub attributes: u8,
    /// Milliseconds; -1 in v0, which has none.
    pub timestamp: i64,
}

impl LegacyHeader {
    /// Reads the header of a message that lies whole at the start of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let cut = BatchError::Cut { needed: MAGIC_END + 1, found: bytes.len() };
        Self::read(bytes).ok_or(cut)?.checked()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let [magic] = layout::get(bytes, legacy::MAGIC)?;
        let [attributes] = layout::get(bytes, legacy::ATTRIBUTES)?;
        let timestamp = if magic == 0 { -1 } else { i64::from_be_bytes(layout::get(bytes, legacy::TIMESTAMP)?) };
        Some(Self {
            offset: i64::from_be_bytes(layout::get(bytes, layout::BASE_OFFSET)?),
            size: i32::from_be_bytes(layout::get(bytes, layout::LENGTH)?),
            crc: u32::from_be_bytes(layout::get(bytes, legacy::CRC)?),
            magic,
            attributes,
            timestamp,
        })
    }

    /// In v1, whether the broker set the time.
    pub fn log_append_time(&self) -> bool {
        self.magic == 1 && self.attributes & legacy::LOG_APPEND_TIME != 0
    }

    /// Whether it is a wrapper around messages.
    pub fn is_compressed(&self) -> bool {
        self.codec_code() != 0
    }

    /// The three codec bits.
    pub fn codec_code(&self) -> u8 {
        self.attributes & legacy::CODEC
    }

    fn checked(self) -> Result<Self, BatchError> {
        if self.magic > 1 {
            return Err(BatchError::Magic { base_offset: self.offset, magic: self.magic });
        }
        let minimum = Self::minimum(self.magic);
        if self.size < minimum {
            return Err(BatchError::Length { base_offset: self.offset, length: self.size, minimum });
        }
        // As in v2: the next offset has to be a number too, and what is added up later.
        if self.offset < 0 || self.offset > i64::MAX - (1 << 32) {
            return Err(BatchError::Field { base_offset: self.offset, field: "offset", value: self.offset });
        }
        Ok(self)
    }

    /// Smallest size field of the format.
    pub(super) fn minimum(magic: u8) -> i32 {
        if magic == 0 { legacy::MIN_SIZE_V0 } else { legacy::MIN_SIZE_V1 }
    }
}
