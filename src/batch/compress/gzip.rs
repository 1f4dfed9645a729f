//! gzip, one member or several, as Java's `GZIPInputStream` reads it.

use std::io::{self, Write};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::{Fault, read_bounded};

pub(super) fn decompress(stored: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    read_bounded(MultiGzDecoder::new(stored), limit)
}

pub(super) fn compress(plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut encoder = GzEncoder::new(out, Compression::default());
    encoder.write_all(plain)?;
    encoder.finish().map(drop)
}
