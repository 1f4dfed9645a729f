//! LZ4 frames. Kafka's `Lz4BlockInputStream` reads independent blocks only; its writer makes blocks of 64 KiB
//! without checksums, and so does this.

use std::io::{self, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use super::{Fault, read_bounded};

pub(super) fn decompress(stored: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    read_bounded(FrameDecoder::new(stored), limit)
}

pub(super) fn compress(plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(info, out);
    encoder.write_all(plain)?;
    encoder.finish().map(drop).map_err(io::Error::from)
}
