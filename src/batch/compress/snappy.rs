//! Snappy in the framing of xerial's `snappy-java`: a header of 16 bytes, then blocks behind their lengths. Data
//! without that header is one raw block, as some clients write it.

use std::io;

use snap::raw::{Decoder, Encoder, decompress_len};

use super::Fault;

/// `snappy-java`'s own name, then its version and the oldest version that can read it, both 1.
const HEADER: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
/// What `SnappyOutputStream` takes for one block.
const BLOCK: usize = 32 << 10;
/// One element of three bytes can stand for 64.
const MOST_GROWTH: usize = 22;

pub(super) fn decompress(stored: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    let mut plain = Vec::new();
    if !stored.starts_with(&MAGIC) {
        decompress_block(stored, limit, &mut plain)?;
        return Ok(plain);
    }
    let mut rest = stored;
    while !rest.is_empty() {
        // Streams may be put one after the other.
        if rest.starts_with(&MAGIC) {
            rest = rest.get(HEADER.len()..).ok_or_else(cut)?;
            continue;
        }
        let (length, after) = rest.split_first_chunk().ok_or_else(cut)?;
        let (block, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(cut)?;
        decompress_block(block, limit, &mut plain)?;
        rest = after;
    }
    Ok(plain)
}

fn decompress_block(block: &[u8], limit: usize, plain: &mut Vec<u8>) -> Result<(), Fault> {
    let invalid = |error: snap::Error| Fault::Invalid(error.to_string());
    let size = decompress_len(block).map_err(invalid)?;
    if size > block.len().saturating_mul(MOST_GROWTH) {
        return Err(Fault::Invalid(format!("a block of {} bytes announces {size}", block.len())));
    }
    let start = plain.len();
    if size > limit.saturating_sub(start) {
        return Err(Fault::TooLarge);
    }
    plain.resize(start + size, 0);
    let written = Decoder::new().decompress(block, plain.get_mut(start..).unwrap_or_default()).map_err(invalid)?;
    plain.truncate(start + written);
    Ok(())
}

fn cut() -> Fault {
    Fault::Invalid("cut off".to_owned())
}

pub(super) fn compress(plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(&HEADER);
    let mut encoder = Encoder::new();
    for chunk in plain.chunks(BLOCK) {
        let block = encoder.compress_vec(chunk)?;
        out.extend_from_slice(&(block.len() as u32).to_be_bytes());
        out.extend_from_slice(&block);
    }
    Ok(())
}
