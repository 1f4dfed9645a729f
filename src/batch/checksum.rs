//! The two checksums: CRC-32C in v2, CRC-32 of IEEE 802.3 before.

use super::layout::{self, HEADER_SIZE};

/// Checksum of a v2 batch that is all in one piece.
pub(super) fn of_batch(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes.get(layout::ATTRIBUTES..).unwrap_or_default())
}

/// Checksum of a v2 batch whose header and records lie apart: neither is copied.
pub(super) fn of_parts(header: &[u8; HEADER_SIZE], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(of_batch(header), payload)
}

/// Checksum of a v0 or v1 message.
pub(super) fn of_legacy(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes.get(layout::legacy::MAGIC..).unwrap_or_default())
}
