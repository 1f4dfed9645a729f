//! The codecs. Decompressing is bounded by a limit, and memory grows with what really comes out, not with what a
//! header announces. What is written can be read by Kafka's own classes.

mod gzip;
mod lz4;
mod old_lz4;
mod snappy;
mod zstd;

use std::borrow::Cow;
use std::io::{self, Read};

use super::attributes::Codec;
use super::error::BatchError;
use super::header::BatchHeader;

/// Most bytes that the records of one batch may take when decompressed. Kafka has no such limit, but the largest
/// batch a broker takes by default is 1 MB and the largest request 100 MiB.
pub const LIMIT: usize = 256 << 20;

/// Why bytes do not decompress.
#[derive(Debug)]
enum Fault {
    Invalid(String),
    TooLarge,
}

impl Fault {
    fn of(self, base_offset: i64, codec: Codec, limit: usize) -> BatchError {
        match self {
            Self::Invalid(reason) => BatchError::Decompress { base_offset, codec, reason },
            Self::TooLarge => BatchError::TooLarge { base_offset, codec, limit },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// The records of a batch, decompressed where they are compressed.
pub(super) fn payload<'a>(header: &BatchHeader, stored: &'a [u8], limit: usize) -> Result<Cow<'a, [u8]>, BatchError> {
    let base_offset = header.base_offset;
    let code = header.attributes.codec_code();
    let codec = header.attributes.codec().ok_or(BatchError::Codec { base_offset, code })?;
    let plain = match codec {
        // An empty batch of a compressed topic has no stream at all.
        _ if header.record_count == 0 && stored.is_empty() => return Ok(Cow::Borrowed(stored)),
        Codec::None => return Ok(Cow::Borrowed(stored)),
        Codec::Gzip => gzip::decompress(stored, limit),
        Codec::Snappy => snappy::decompress(stored, limit),
        Codec::Lz4 => lz4::decompress(stored, limit),
        Codec::Zstd => zstd::decompress(stored, limit),
    };
    plain.map(Cow::Owned).map_err(|fault| fault.of(base_offset, codec, limit))
}

/// The message set in a v0 or v1 wrapper, decompressed. These formats know no zstd.
pub(super) fn message_set(base_offset: i64, code: u8, stored: &[u8], limit: usize) -> Result<Vec<u8>, BatchError> {
    let (codec, plain) = match Codec::from_code(code) {
        Some(codec @ Codec::Gzip) => (codec, gzip::decompress(stored, limit)),
        Some(codec @ Codec::Snappy) => (codec, snappy::decompress(stored, limit)),
        Some(codec @ Codec::Lz4) => (codec, old_lz4::decompress(stored, limit)),
        _ => return Err(BatchError::Codec { base_offset, code }),
    };
    plain.map_err(|fault| fault.of(base_offset, codec, limit))
}

/// Compresses into `out`.
pub(super) fn compress(codec: Codec, plain: &[u8], out: &mut Vec<u8>) -> Result<(), BatchError> {
    match codec {
        Codec::None => {
            out.extend_from_slice(plain);
            Ok(())
        }
        Codec::Gzip => gzip::compress(plain, out),
        Codec::Snappy => snappy::compress(plain, out),
        Codec::Lz4 => lz4::compress(plain, out),
        Codec::Zstd => zstd::compress(plain, out),
    }
    .map_err(|error| BatchError::Compress { codec, reason: error.to_string() })
}

/// Reads to the end, or to one byte beyond the limit.
fn read_bounded(reader: impl Read, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut plain = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut plain)?;
    if plain.len() > limit { Err(Fault::TooLarge) } else { Ok(plain) }
}
