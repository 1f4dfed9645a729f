//! Batches out of a fixed seed: the same bytes on every machine and in every run.

use bytes::Bytes;
use ktape::batch::{BatchError, Codec, Record, build};
use protocol_tests::fake::Random;

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
    let mut noise = Random::new(seed);
    (0..DISTINCT).map(|_| batch(shape, &mut noise)).collect()
}

fn batch(shape: Shape, noise: &mut Random) -> Result<Bytes, BatchError> {
    let make = if shape.codec == Codec::None { bytes } else { text };
    let values: Vec<Vec<u8>> = (0..shape.per_batch).map(|_| make(noise, shape.value_bytes)).collect();
    let records: Vec<Record<'_>> = (TIME..).zip(&values).map(|(timestamp, value)| record(timestamp, value)).collect();
    Ok(Bytes::from(build(&records, shape.codec)?))
}

fn record(timestamp: i64, value: &[u8]) -> Record<'_> {
    Record { timestamp, value: Some(value), ..Record::default() }
}

fn bytes(noise: &mut Random, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend_from_slice(&noise.number().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// An event as applications write them; about half of it says something.
fn text(noise: &mut Random, size: usize) -> Vec<u8> {
    let (id, customer, cents) = (noise.number() % 100_000_000, noise.number() % 50_000, noise.number() % 1_000_000);
    let state = ["created", "paid", "packed", "shipped", "returned"][(noise.number() % 5) as usize];
    let mut text = format!(r#"{{"order":{id},"customer":"c-{customer}","cents":{cents},"state":"{state}","trace":""#);
    while text.len() + 2 < size {
        text.push(char::from(b'a' + (noise.number() % 26) as u8));
    }
    text.truncate(size.saturating_sub(2));
    text.push_str("\"}");
    text.into_bytes()
}
