//! zstd. The decoder's window is limited by the library to 128 MiB, as in Kafka.

use std::io;

use zstd::stream::{copy_encode, read::Decoder};

use super::{Fault, read_bounded};

/// Kafka's default level (KIP-390).
const LEVEL: i32 = 3;

pub(super) fn decompress(stored: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    read_bounded(Decoder::with_buffer(stored)?, limit)
}

pub(super) fn compress(plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    copy_encode(plain, out, LEVEL)
}
