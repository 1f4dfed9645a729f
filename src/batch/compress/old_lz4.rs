//! LZ4 frames as messages of format v0 have them: producers before Kafka 0.10 wrote a header checksum over the wrong
//! bytes (KAFKA-3160), so it is not looked at, as in Kafka's `Lz4BlockInputStream`. Nor are the other checksums of a
//! frame: the message has one over all of it.

use super::Fault;

const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();
/// Set where a block is not compressed.
const PLAIN: u32 = 1 << 31;
/// Flags: version in the two highest bits, then independent blocks, checksums of blocks, and the content's size.
const VERSION: u8 = 0b1100_0000;
const VERSION_1: u8 = 0b0100_0000;
const INDEPENDENT: u8 = 0b0010_0000;
const BLOCK_CHECKSUMS: u8 = 0b0001_0000;
const CONTENT_SIZE: u8 = 0b0000_1000;

pub(super) fn decompress(stored: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    let mut rest = stored;
    if *take::<4>(&mut rest)? != MAGIC {
        return Err(invalid("not an lz4 frame"));
    }
    let [flags, sizes] = *take::<2>(&mut rest)?;
    let block_max = block_max(flags, sizes)?;
    if flags & CONTENT_SIZE != 0 {
        take::<8>(&mut rest)?;
    }
    take::<1>(&mut rest)?;
    let mut plain = Vec::new();
    loop {
        let word = u32::from_le_bytes(*take::<4>(&mut rest)?);
        let size = (word & !PLAIN) as usize;
        if size == 0 {
            return Ok(plain);
        }
        let (block, after) = rest.split_at_checked(size).filter(|_| size <= block_max).ok_or_else(cut)?;
        rest = after;
        if word & PLAIN != 0 {
            plain.extend_from_slice(block);
        } else {
            append(block, block_max, &mut plain)?;
        }
        if plain.len() > limit {
            return Err(Fault::TooLarge);
        }
        if flags & BLOCK_CHECKSUMS != 0 {
            take::<4>(&mut rest)?;
        }
    }
}

/// Kafka reads version 1 with independent blocks of 64 KiB to 4 MiB.
fn block_max(flags: u8, sizes: u8) -> Result<usize, Fault> {
    let code = sizes >> 4 & 7;
    if flags & VERSION != VERSION_1 || flags & INDEPENDENT == 0 || code < 4 {
        return Err(invalid("an lz4 frame that Kafka does not read"));
    }
    Ok(1 << (2 * code + 8))
}

/// Decompresses a block behind what is there. A byte of it stands for 255 at most, so little is allocated for little.
fn append(block: &[u8], block_max: usize, plain: &mut Vec<u8>) -> Result<(), Fault> {
    let start = plain.len();
    plain.resize(start + block_max.min(block.len().saturating_mul(255)), 0);
    let room = plain.get_mut(start..).unwrap_or_default();
    let written = lz4_flex::block::decompress_into(block, room).map_err(|error| Fault::Invalid(error.to_string()))?;
    plain.truncate(start + written);
    Ok(())
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], Fault> {
    let (taken, after) = rest.split_first_chunk().ok_or_else(cut)?;
    *rest = after;
    Ok(taken)
}

fn cut() -> Fault {
    invalid("cut off")
}

fn invalid(reason: &str) -> Fault {
    Fault::Invalid(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::attributes::Codec;
    use crate::batch::compress::compress;

    fn frame(plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        compress(Codec::Lz4, plain, &mut out).unwrap();
        out
    }

    #[test]
    fn a_wrong_header_checksum_does_no_harm() {
        for size in [0, 1, 100, 70_000, 300_000] {
            let plain: Vec<u8> = (0..size).map(|index: u32| (index >> 7) as u8).collect();
            let mut stored = frame(&plain);
            stored[6] ^= 0x5a;
            assert_eq!(decompress(&stored, 1 << 20).unwrap(), plain);
            assert!(super::super::lz4::decompress(&stored, 1 << 20).is_err());
        }
    }

    #[test]
    fn blocks_that_do_not_compress_are_taken_as_they_are() {
        let mut stored = MAGIC.to_vec();
        stored.extend([VERSION_1 | INDEPENDENT | BLOCK_CHECKSUMS | CONTENT_SIZE, 4 << 4]);
        stored.extend([0; 9]);
        stored.extend((PLAIN | 3).to_le_bytes());
        stored.extend(b"abc\0\0\0\0");
        stored.extend([0; 4]);
        assert_eq!(decompress(&stored, 3).unwrap(), b"abc");
        assert!(matches!(decompress(&stored, 2), Err(Fault::TooLarge)));
        for end in 0..stored.len() {
            assert!(matches!(decompress(&stored[..end], 9), Err(Fault::Invalid(_))), "{end}");
        }
    }

    #[test]
    fn frames_that_kafka_does_not_read_are_refused() {
        let good = frame(b"abc");
        for (at, byte) in [(0, 5), (4, 0x20), (4, 0x40), (5, 3 << 4)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert!(matches!(decompress(&bad, 9), Err(Fault::Invalid(_))), "{at}");
        }
    }
}
