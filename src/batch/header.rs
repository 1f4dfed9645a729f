//! The 61 bytes before a batch's records.

use super::attributes::Attributes;
use super::checksum;
use super::error::BatchError;
use super::layout::{self, HEADER_SIZE, LOG_OVERHEAD};

/// A v2 batch header as numbers. Reading refuses only what would mislead the reader: lengths and counts that cannot
/// be. Whether the checksum is right is another question: [`Batch::check_crc`](super::Batch::check_crc).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record the batch was written with; compaction may have removed that record since.
    pub base_offset: i64,
    /// Bytes after this field.
    pub batch_length: i32,
    /// Epoch of the leader that appended it; -1 in batches from producers.
    pub leader_epoch: i32,
    /// Always 2.
    pub magic: u8,
    /// CRC-32C from the attributes to the end.
    pub crc: u32,
    /// The bits.
    pub attributes: Attributes,
    /// Last offset minus base offset; compaction does not change it.
    pub last_offset_delta: i32,
    /// What the records' times are relative to: the first record's time, or the delete horizon.
    pub base_timestamp: i64,
    /// Largest time of a record; -1 if none has one.
    pub max_timestamp: i64,
    /// Idempotent or transactional producer, -1 for others.
    pub producer_id: i64,
    /// Its epoch, -1 if none.
    pub producer_epoch: i16,
    /// Its sequence number for the first record, -1 if none.
    pub base_sequence: i32,
    /// Records in the batch; 0 in one that compaction keeps for its offsets only.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the first 61 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let header = bytes.first_chunk().ok_or(BatchError::Cut { needed: HEADER_SIZE, found: bytes.len() })?;
        Self::read(header).checked()
    }

    fn read(bytes: &[u8; HEADER_SIZE]) -> Self {
        Self {
            base_offset: i64::from_be_bytes(field(bytes, layout::BASE_OFFSET)),
            batch_length: i32::from_be_bytes(field(bytes, layout::LENGTH)),
            leader_epoch: i32::from_be_bytes(field(bytes, layout::LEADER_EPOCH)),
            magic: u8::from_be_bytes(field(bytes, layout::MAGIC)),
            crc: u32::from_be_bytes(field(bytes, layout::CRC)),
            attributes: Attributes(i16::from_be_bytes(field(bytes, layout::ATTRIBUTES))),
            last_offset_delta: i32::from_be_bytes(field(bytes, layout::LAST_OFFSET_DELTA)),
            base_timestamp: i64::from_be_bytes(field(bytes, layout::BASE_TIMESTAMP)),
            max_timestamp: i64::from_be_bytes(field(bytes, layout::MAX_TIMESTAMP)),
            producer_id: i64::from_be_bytes(field(bytes, layout::PRODUCER_ID)),
            producer_epoch: i16::from_be_bytes(field(bytes, layout::PRODUCER_EPOCH)),
            base_sequence: i32::from_be_bytes(field(bytes, layout::BASE_SEQUENCE)),
            record_count: i32::from_be_bytes(field(bytes, layout::RECORD_COUNT)),
        }
    }

    fn checked(self) -> Result<Self, BatchError> {
        let minimum = (HEADER_SIZE - LOG_OVERHEAD) as i32;
        if self.magic != 2 {
            return Err(BatchError::Magic { base_offset: self.base_offset, magic: self.magic });
        }
        if self.batch_length < minimum {
            return Err(BatchError::Length { base_offset: self.base_offset, length: self.batch_length, minimum });
        }
        self.at_least_zero("base offset", self.base_offset)?;
        self.at_least_zero("last offset delta", i64::from(self.last_offset_delta))?;
        self.at_least_zero("record count", i64::from(self.record_count))?;
        // The next offset has to be a number too.
        if self.base_offset > i64::MAX - (1 << 32) {
            return Err(self.bad("base offset", self.base_offset));
        }
        Ok(self)
    }

    fn at_least_zero(&self, name: &'static str, value: i64) -> Result<(), BatchError> {
        if value < 0 { Err(self.bad(name, value)) } else { Ok(()) }
    }

    fn bad(&self, field: &'static str, value: i64) -> BatchError {
        BatchError::Field { base_offset: self.base_offset, field, value }
    }

    /// Offset of the last record the batch was written with.
    pub fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// First offset after the batch.
    pub fn next_offset(&self) -> i64 {
        self.last_offset() + 1
    }

    /// Whether every offset the batch covers has its record. Then the records' offset deltas are 0, 1, 2 and so on
    /// without a look at them: they ascend and none is beyond the last.
    pub fn is_whole(&self) -> bool {
        i64::from(self.record_count) == i64::from(self.last_offset_delta) + 1
    }

    /// The 61 bytes, with the length and the checksum that fit these records. They are read, not copied.
    pub fn encode_for(mut self, payload: &[u8]) -> [u8; HEADER_SIZE] {
        self.batch_length = (HEADER_SIZE - LOG_OVERHEAD + payload.len()) as i32;
        let mut bytes = self.encode();
        self.crc = checksum::of_parts(&bytes, payload);
        layout::put(&mut bytes, layout::CRC, self.crc.to_be_bytes());
        bytes
    }

    /// The 61 bytes.
    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        layout::put(&mut bytes, layout::BASE_OFFSET, self.base_offset.to_be_bytes());
        layout::put(&mut bytes, layout::LENGTH, self.batch_length.to_be_bytes());
        layout::put(&mut bytes, layout::LEADER_EPOCH, self.leader_epoch.to_be_bytes());
        layout::put(&mut bytes, layout::MAGIC, self.magic.to_be_bytes());
        layout::put(&mut bytes, layout::CRC, self.crc.to_be_bytes());
        layout::put(&mut bytes, layout::ATTRIBUTES, self.attributes.0.to_be_bytes());
        layout::put(&mut bytes, layout::LAST_OFFSET_DELTA, self.last_offset_delta.to_be_bytes());
        layout::put(&mut bytes, layout::BASE_TIMESTAMP, self.base_timestamp.to_be_bytes());
        layout::put(&mut bytes, layout::MAX_TIMESTAMP, self.max_timestamp.to_be_bytes());
        layout::put(&mut bytes, layout::PRODUCER_ID, self.producer_id.to_be_bytes());
        layout::put(&mut bytes, layout::PRODUCER_EPOCH, self.producer_epoch.to_be_bytes());
        layout::put(&mut bytes, layout::BASE_SEQUENCE, self.base_sequence.to_be_bytes());
        layout::put(&mut bytes, layout::RECORD_COUNT, self.record_count.to_be_bytes());
        bytes
    }
}

/// A field that lies within the header by the constants of `layout`.
fn field<const N: usize>(header: &[u8; HEADER_SIZE], at: usize) -> [u8; N] {
    layout::get(header, at).unwrap_or([0; N])
}
