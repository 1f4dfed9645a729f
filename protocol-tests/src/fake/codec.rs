//! Compression as Kafka's clients do it.

use std::io::{self, Read, Write};

use bytes::{BufMut, Bytes, BytesMut};

/// How the records of a batch are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Codec {
    /// Not at all.
    #[default]
    None,
    /// Gzip.
    Gzip,
    /// Snappy in the frames of snappy-java (xerial).
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard (Kafka 2.1 and later).
    Zstd,
}

/// More than any batch of a test.
const MOST: u64 = 256 << 20;
const XERIAL: [u8; 16] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1];
const XERIAL_BLOCK: usize = 32 << 10;

impl Codec {
    /// From the lowest three bits of a batch's attributes.
    pub fn of(attributes: i16) -> Option<Self> {
        [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd].get((attributes & 7) as usize).copied()
    }

    /// The lowest three bits of the attributes.
    pub fn bits(self) -> i16 {
        self as i16
    }

    /// Compresses.
    ///
    /// # Errors
    /// The compressor says so.
    pub fn compress(self, plain: &[u8]) -> io::Result<Bytes> {
        let mut packed = Vec::new();
        match self {
            Self::None => packed.extend_from_slice(plain),
            Self::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
                writer.write_all(plain)?;
                writer.finish()?;
            }
            Self::Snappy => packed = xerial(plain)?.to_vec(),
            Self::Lz4 => {
                let mut writer = lz4_flex::frame::FrameEncoder::new(&mut packed);
                writer.write_all(plain)?;
                writer.finish().map_err(io::Error::other)?;
            }
            Self::Zstd => packed = zstd::encode_all(plain, 1)?,
        }
        Ok(packed.into())
    }

    /// Gives back what was compressed.
    ///
    /// # Errors
    /// It is damaged, or more than 256 MiB.
    pub fn decompress(self, packed: &[u8]) -> io::Result<Bytes> {
        let mut plain = Vec::new();
        match self {
            Self::None => plain.extend_from_slice(packed),
            Self::Gzip => drop(flate2::read::MultiGzDecoder::new(packed).take(MOST).read_to_end(&mut plain)?),
            Self::Snappy => return unxerial(packed),
            Self::Lz4 => drop(lz4_flex::frame::FrameDecoder::new(packed).take(MOST).read_to_end(&mut plain)?),
            Self::Zstd => drop(zstd::Decoder::new(packed)?.take(MOST).read_to_end(&mut plain)?),
        }
        Ok(plain.into())
    }
}

fn xerial(plain: &[u8]) -> io::Result<Bytes> {
    let mut packed = BytesMut::from(&XERIAL[..]);
    for block in plain.chunks(XERIAL_BLOCK) {
        let block = snap::raw::Encoder::new().compress_vec(block).map_err(io::Error::other)?;
        packed.put_u32(u32::try_from(block.len()).unwrap_or(0));
        packed.put_slice(&block);
    }
    Ok(packed.freeze())
}

fn unxerial(packed: &[u8]) -> io::Result<Bytes> {
    let raw = |block: &[u8]| snap::raw::Decoder::new().decompress_vec(block).map_err(io::Error::other);
    let Some(mut rest) = packed.strip_prefix(&XERIAL[..8]).and_then(|rest| rest.get(8..)) else {
        return Ok(raw(packed)?.into());
    };
    let mut plain = Vec::new();
    while let Some((size, after)) = rest.split_first_chunk::<4>() {
        let size = u32::from_be_bytes(*size) as usize;
        let block = after.get(..size).ok_or_else(|| io::Error::other("a snappy block is cut"))?;
        plain.extend(raw(block)?);
        rest = after.get(size..).unwrap_or_default();
    }
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back() {
        let plain: Vec<u8> = (0..100_000_u32).flat_map(|number| (number / 7).to_be_bytes()).collect();
        for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            let packed = codec.compress(&plain).unwrap();
            assert_eq!(codec.decompress(&packed).unwrap(), plain);
            assert_eq!(Codec::of(codec.bits()), Some(codec));
        }
        assert_eq!(Codec::of(5), None);
    }
}
