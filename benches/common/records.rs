//! Batches out of a fixed seed: the same bytes on every machine and in every run.

use bytes::Bytes;
use ktape::batch::{BatchError, Codec, Record, build};

/// Batches that differ; longer logs have them again and again.
const DISTINCT: usize = 16;
/// The time of every first record.
const TIME: i64 = 1_700_000_000_000;

/// What batches look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Bytes of each value.
    pub(crate) value_bytes: usize,
    /// Records of each batch.
    pub(crate) per_batch: usize,
    /// How they are compressed. Values are noise where they are not, else text that gives way.
    pub(crate) codec: Codec,
}

/// A few batches of that shape, as a producer sends them.
pub(crate) fn batches(shape: Shape, seed: u64) -> Result<Vec<Bytes>, BatchError> {
    let mut noise = Noise::new(seed);
    (0..DISTINCT).map(|_| batch(shape, &mut noise)).collect()
}

fn batch(shape: Shape, noise: &mut Noise) -> Result<Bytes, BatchError> {
    let make = if shape.codec == Codec::None { bytes } else { text };
    let values: Vec<Vec<u8>> = (0..shape.per_batch).map(|_| make(noise, shape.value_bytes)).collect();
    let records: Vec<Record<'_>> = (TIME..).zip(&values).map(|(timestamp, value)| record(timestamp, value)).collect();
    Ok(Bytes::from(build(&records, shape.codec)?))
}

fn record(timestamp: i64, value: &[u8]) -> Record<'_> {
    Record { timestamp, value: Some(value), ..Record::default() }
}

fn bytes(noise: &mut Noise, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend_from_slice(&noise.next().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// An event as applications write them; about half of it says something.
fn text(noise: &mut Noise, size: usize) -> Vec<u8> {
    let (id, customer, cents) = (noise.next() % 100_000_000, noise.next() % 50_000, noise.next() % 1_000_000);
    let state = ["created", "paid", "packed", "shipped", "returned"][(noise.next() % 5) as usize];
    let mut text = format!(r#"{{"order":{id},"customer":"c-{customer}","cents":{cents},"state":"{state}","trace":""#);
    while text.len() + 2 < size {
        text.push(char::from(b'a' + (noise.next() % 26) as u8));
    }
    text.truncate(size.saturating_sub(2));
    text.push_str("\"}");
    text.into_bytes()
}

/// `SplitMix64`.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
