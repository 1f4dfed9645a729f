//! Byte positions of a record batch header (Kafka class `DefaultRecordBatch`). Numbers are big-endian.

/// Bytes of a v2 batch before its records.
pub const HEADER_SIZE: usize = 61;
/// Bytes that the batch length does not count: base offset and the length itself.
pub(super) const LOG_OVERHEAD: usize = 12;
/// One past the magic byte, which lies at the same place in all formats: what tells how to read the rest.
pub(super) const MAGIC_END: usize = 17;

pub(super) const BASE_OFFSET: usize = 0;
pub(super) const LENGTH: usize = 8;
pub(super) const LEADER_EPOCH: usize = 12;
pub(super) const MAGIC: usize = 16;
pub(super) const CRC: usize = 17;
/// The checksum covers everything from here to the end.
pub(super) const ATTRIBUTES: usize = 21;
pub(super) const LAST_OFFSET_DELTA: usize = 23;
pub(super) const BASE_TIMESTAMP: usize = 27;
pub(super) const MAX_TIMESTAMP: usize = 35;
pub(super) const PRODUCER_ID: usize = 43;
pub(super) const PRODUCER_EPOCH: usize = 51;
pub(super) const BASE_SEQUENCE: usize = 53;
pub(super) const RECORD_COUNT: usize = 57;

/// Byte positions in v0 and v1 messages (Kafka class `LegacyRecord`).
pub(super) mod legacy {
    pub(crate) const CRC: usize = 12;
    /// The checksum, CRC-32 of IEEE 802.3, covers everything from here to the end.
    pub(crate) const MAGIC: usize = 16;
    pub(crate) const ATTRIBUTES: usize = 17;
    /// v1 only.
    pub(crate) const TIMESTAMP: usize = 18;
    /// Length of the key.
    pub(crate) const KEY_V0: usize = 18;
    /// The same behind the timestamp.
    pub(crate) const KEY_V1: usize = 26;
    /// Bits of the attributes.
    pub(crate) const CODEC: u8 = 0x07;
    /// Set by brokers in v1 (KIP-32).
    pub(crate) const LOG_APPEND_TIME: u8 = 0x08;
    /// Smallest value of the size field: checksum, magic, attributes, two lengths.
    pub(crate) const MIN_SIZE_V0: i32 = 14;
    /// The same and a timestamp.
    pub(crate) const MIN_SIZE_V1: i32 = 22;
}

/// The `N` bytes from `at` on, if they are there.
pub(super) fn get<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Overwrites `N` bytes from `at` on; both are constants of this file.
pub(super) fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(slot) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *slot = value;
    }
}
