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

/// Checksum of a v2 batch after its header changed, from the one before. It is linear, so what the header's change
/// does to it depends on the number of bytes that follow and not on what they are: large records are not read again.
/// A checksum that was wrong before is as wrong afterwards.
pub(super) fn after_change(old: u32, before: &[u8], after: &[u8; HEADER_SIZE], payload: &[u8]) -> u32 {
    if payload.len() < WORTH_COMBINING {
        return of_parts(after, payload);
    }
    let before = of_batch(before.get(..HEADER_SIZE).unwrap_or_default());
    old ^ behind(before ^ of_batch(after), payload.len())
}

/// Bytes that take as long to read as [`behind`] takes, one or two microseconds.
const WORTH_COMBINING: usize = 16 << 10;

/// What a difference between two checksums becomes when the same `bytes` bytes follow: a checksum is a remainder of
/// polynomials over one bit, and what follows multiplies it by `x^(8 bytes)`.
fn behind(difference: u32, mut bytes: usize) -> u32 {
    let (mut product, mut power) = (difference, X8);
    while bytes > 0 {
        if bytes & 1 == 1 {
            product = product_of(product, power);
        }
        power = product_of(power, power);
        bytes >>= 1;
    }
    product
}

/// `x^8`; the lowest power stands in the highest bit.
const X8: u32 = 1 << (31 - 8);
/// CRC-32C's polynomial without its highest term.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The remainder of a product of two remainders.
fn product_of(a: u32, mut b: u32) -> u32 {
    let (mut product, mut bit) = (0, 32);
    while bit > 0 {
        bit -= 1;
        product ^= b & (a >> bit & 1).wrapping_neg();
        b = (b >> 1) ^ (POLYNOMIAL & (b & 1).wrapping_neg());
    }
    product
}

/// Checksum of a v0 or v1 message.
pub(super) fn of_legacy(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes.get(layout::legacy::MAGIC..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_carried_over_a_change_of_the_header() {
        let (before, mut after) = ([7; HEADER_SIZE], [7; HEADER_SIZE]);
        after[21] = 0;
        after[43..61].fill(0xa5);
        for size in [0, 1, 1000, WORTH_COMBINING, WORTH_COMBINING + 1, 3_000_017] {
            let payload: Vec<u8> = (0..size).map(|index| ((index * 31) >> 3) as u8).collect();
            let old = of_parts(&before, &payload);
            assert_eq!(after_change(old, &before, &after, &payload), of_parts(&after, &payload), "{size}");
        }
    }
}
