//! What is done with batches: walked over and checked, given another header, written anew.

use std::hint::black_box;

use bytes::Bytes;
use ktape::batch::{Batch, Codec, ProducerStamp, reencode, reheader, walk};
use ktape::model::OffsetRange;

use crate::Outcome;
use crate::bare::{CRC, MEMCPY};
use crate::case::Case;
use crate::common::records::{Shape, batches};

/// How often a round goes over the log.
pub(crate) const TIMES: usize = 16;
/// Batches of a log: about 4 MiB of them, as a fetch brings.
const BATCHES: usize = 4;
const SEED: u64 = 8;
const PLAIN: Shape = Shape { value_bytes: 1000, per_batch: 1024, codec: Codec::None };
const STAMP: ProducerStamp = ProducerStamp { producer_id: 4711, producer_epoch: 3, base_sequence: 77 };

/// Every codec, and how its case is called.
const CODECS: &[(&str, Codec)] = &[
    ("reencode, not compressed", Codec::None),
    ("reencode, gzip", Codec::Gzip),
    ("reencode, snappy", Codec::Snappy),
    ("reencode, lz4", Codec::Lz4),
    ("reencode, zstd", Codec::Zstd),
];

/// A log of uncompressed batches that begins at an offset.
pub(crate) fn plain_log(base: i64) -> Outcome<Vec<u8>> {
    let mut log = Vec::new();
    for (number, batch) in (0..).zip(batches(PLAIN, SEED)?.iter().take(BATCHES)) {
        log.extend_from_slice(&(base + number * PLAIN.per_batch as i64).to_be_bytes());
        log.extend_from_slice(&batch[8..]);
    }
    Ok(log)
}

/// First offset after such a log that begins at 0.
pub(crate) fn next_offset() -> i64 {
    (BATCHES * PLAIN.per_batch) as i64
}

pub(crate) fn cases() -> Outcome<Vec<Case>> {
    let mut cases = vec![
        over_log("walk over the headers", |batch| {
            black_box(batch);
            Ok(())
        })?,
        over_log("walk + CRC", |batch| Ok(batch.check_crc()?))?,
        over_log("rewrite (reheader) + CRC", |batch| {
            black_box(reheader(batch.bytes(), STAMP)?);
            Ok(())
        })?,
    ];
    for (name, codec) in CODECS {
        cases.push(reencoding(name, *codec)?);
    }
    Ok(cases)
}

fn over_log(name: &'static str, act: impl Fn(Batch<'_>) -> Outcome<()> + 'static) -> Outcome<Case> {
    let log = plain_log(0)?;
    let bytes = log.len() * TIMES;
    let work = move || (0..TIMES).try_for_each(|_| walk(&log).try_for_each(|batch| act(batch?)));
    Ok(Case { name, bytes, over: &[CRC], work: Box::new(work) })
}

/// Records of 100 bytes without the first of each batch, so that all others are written anew. What is counted is their
/// bytes before they are compressed.
fn reencoding(name: &'static str, codec: Codec) -> Outcome<Case> {
    let shape = |codec| Shape { value_bytes: 100, per_batch: 1000, codec };
    let plain: usize = batches(shape(Codec::None), SEED)?.iter().map(Bytes::len).sum();
    let batches = batches(shape(codec), SEED)?;
    let work = move || {
        for bytes in &batches {
            let batch = Batch::parse(bytes)?;
            black_box(reencode(&batch, OffsetRange { base: 1, next: i64::MAX }, codec)?);
        }
        Ok(())
    };
    Ok(Case { name, bytes: plain, over: &[MEMCPY], work: Box::new(work) })
}
