//! Batches that hold nothing but offsets: so many equal records in a few kilobytes of zstd, written without a
//! compressor, as anybody's compressor would make them a hundred times larger.
//!
//! Such records differ in the offset delta alone, a varint of which the last byte changes most rarely. So record `i`
//! is record `i - 64`, or `i - 8192`, but for one byte, and that byte is the same for all of the next 64, or 8192. A
//! zstd block says so in twelve bytes (RFC 8878): the literals are that byte over and over, and every sequence is one
//! literal and a match at the distance of the sequence before, which takes no bits at all.

use bytes::Bytes;

use super::attributes::{Attributes, Codec};
use super::header::BatchHeader;
use super::layout::HEADER_SIZE;
use super::reheader::ProducerStamp;

/// Most records in one batch of filler. A broker makes an object of every record while it holds the partition's lock;
/// 16 million of them in one batch are known to have ended a broker with a heap of 768 MB. Never a setting.
pub const FILLER_MAX: i32 = 131_072;

/// A batch of so many records with a key of one byte, so that compacted topics take it, no value and the time 0, so
/// that the first record that follows begins a new segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filler {
    records: i32,
    payload: Bytes,
}

impl Filler {
    /// Of this many records, but at least 1 and at most [`FILLER_MAX`].
    pub fn new(records: i64) -> Self {
        let records = records.clamp(1, i64::from(FILLER_MAX)) as i32;
        let mut frame = Frame::new(records);
        frame.fill(records);
        Self { records, payload: frame.finish().into() }
    }

    /// How many records, and offsets.
    pub fn records(&self) -> i32 {
        self.records
    }

    /// What follows the header.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The header of a producer's batch.
    pub fn header(&self, stamp: ProducerStamp) -> [u8; HEADER_SIZE] {
        let header = BatchHeader {
            base_offset: 0,
            batch_length: 0,
            leader_epoch: -1,
            magic: 2,
            crc: 0,
            attributes: Attributes::of(Codec::Zstd),
            last_offset_delta: self.records - 1,
            base_timestamp: 0,
            max_timestamp: 0,
            producer_id: stamp.producer_id,
            producer_epoch: stamp.producer_epoch,
            base_sequence: stamp.base_sequence,
            record_count: self.records,
        };
        header.encode_for(&self.payload)
    }
}

/// First record whose offset delta takes two bytes, and three.
const TWO: i32 = 64;
const THREE: i32 = 8_192;
/// Position of the offset delta in a record: after length, attributes and timestamp delta.
const DELTA: usize = 3;
/// Bytes of a record besides the offset delta.
const PLAIN: usize = 7;

/// A record's bytes and how many there are.
fn record(index: i32) -> ([u8; PLAIN + 3], usize) {
    let delta = if index < TWO { 1 } else { 2 + usize::from(index >= THREE) };
    let size = PLAIN + delta;
    // Numbers are zigzag: twice their value. The length does not count its own byte.
    let length = ((size - 1) * 2) as u8;
    let [a, b, c] = [index * 2, index >> 6, index >> 13].map(|bits| bits as u8 & 0x7f);
    // Then the key of one byte, the null value and no headers.
    let bytes = match delta {
        1 => [length, 0, 0, a, 2, b'-', 1, 0, 0, 0],
        2 => [length, 0, 0, a | 0x80, b, 2, b'-', 1, 0, 0],
        _ => [length, 0, 0, a | 0x80, b | 0x80, c, 2, b'-', 1, 0],
    };
    (bytes, size)
}

/// Total bytes of the records before `index`.
fn position(index: i32) -> u32 {
    let of = |from: i32, until: i32, size: u32| (index.min(until) - from).max(0) as u32 * size;
    of(0, TWO, 8) + of(TWO, THREE, 9) + of(THREE, i32::MAX, 10)
}

/// A zstd frame as it is written.
struct Frame {
    bytes: Vec<u8>,
    /// Bytes that will be stored as they are.
    raw: Vec<u8>,
}

impl Frame {
    /// Magic number, and a header with a content size of four bytes that is the window as well.
    fn new(records: i32) -> Self {
        let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
        bytes.extend(position(records).to_le_bytes());
        Self { bytes, raw: Vec::new() }
    }

    fn fill(&mut self, records: i32) {
        self.plain(0, records.min(TWO));
        // Where the offset deltas get longer nothing can be copied from before: the first 64 are written out.
        self.plain(TWO, records.min(TWO + 64));
        self.repeat(TWO + 64, records.min(THREE), 64, DELTA + 1);
        self.plain(THREE, records.min(THREE + 64));
        self.repeat(THREE + 64, records.min(2 * THREE), 64, DELTA + 1);
        self.repeat(2 * THREE, records, THREE, DELTA + 2);
    }

    /// Records as they are.
    fn plain(&mut self, from: i32, until: i32) {
        (from..until).for_each(|index| self.put(index, 0, usize::MAX));
    }

    /// Records each of which is the one `period` before it but for the byte at `changing`. A sequence reaches from that
    /// byte of one record to that of the next.
    fn repeat(&mut self, from: i32, until: i32, period: i32, changing: usize) {
        if from >= until {
            return;
        }
        self.put(from, 0, changing);
        let last = until - 1;
        let size = record(from).1;
        let mut begin = from;
        let mut distance = Some(period as usize * size);
        while begin < last {
            // One sequence tells the distance, those after it repeat it.
            let end = if distance.is_some() { begin + 1 } else { (begin / period + 1) * period }.min(last);
            let literal = record(begin).0.get(changing).copied().unwrap_or_default();
            self.sequences(literal, (end - begin) as usize, size - 1, distance.take());
            begin = end;
        }
        self.put(last, changing, usize::MAX);
    }

    /// Bytes of one record, from a position until another.
    fn put(&mut self, index: i32, from: usize, until: usize) {
        let (bytes, size) = record(index);
        self.raw.extend(bytes.iter().take(size.min(until)).skip(from));
    }

    /// A block of `count` sequences of one literal and a match each.
    fn sequences(&mut self, literal: u8, count: usize, matched: usize, distance: Option<usize>) {
        self.store(false);
        // Literals: one byte repeated, with a size of twelve or twenty bits.
        let (form, size) = if count < 1 << 12 { (1, 2) } else { (3, 3) };
        let literals = RLE_LITERALS | form << 2 | (count as u32) << 4;
        let mut block: Vec<u8> = literals.to_le_bytes().into_iter().take(size).chain([literal]).collect();
        match count {
            ..128 => block.push(count as u8),
            _ => block.extend([(count >> 8) as u8 + 0x80, count as u8]),
        }
        // All three tables hold one code: literal length 1, the offset's, the match length's (3 is code 0).
        let value = distance.map_or(REPEATED, |distance| distance as u32 + 3);
        let code = value.ilog2();
        block.extend([0b0101_0100, 1, code as u8, (matched - 3) as u8]);
        // The bits of the offset above its power of two, which is at the same time the mark that ends the stream.
        let bits = value.to_le_bytes();
        block.extend(bits.iter().take(code as usize / 8 + 1));
        self.block(COMPRESSED, &block, false);
    }

    /// Writes what is to be stored as a block, in front of one that is about to follow or as the last.
    fn store(&mut self, last: bool) {
        if !self.raw.is_empty() {
            let raw = std::mem::take(&mut self.raw);
            self.block(RAW, &raw, last);
        }
    }

    fn block(&mut self, kind: u32, content: &[u8], last: bool) {
        let header = u32::from(last) | kind << 1 | (content.len() as u32) << 3;
        let [a, b, c, _] = header.to_le_bytes();
        self.bytes.extend([a, b, c]);
        self.bytes.extend(content);
    }

    /// There is always something left to store: the end of the last record.
    fn finish(mut self) -> Vec<u8> {
        self.store(true);
        self.bytes
    }
}

/// Block types of zstd.
const RAW: u32 = 0;
const COMPRESSED: u32 = 2;
/// Literals that are one byte repeated.
const RLE_LITERALS: u32 = 1;
/// The offset value of the distance used last.
const REPEATED: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Batch, Builder, Record, records};

    const STAMP: ProducerStamp = ProducerStamp { producer_id: 5, producer_epoch: 1, base_sequence: 77 };

    /// The same records, uncompressed, by the ordinary builder.
    fn plain(count: i32) -> Vec<u8> {
        let mut builder = Builder::new();
        let one = Record { timestamp: 0, key: Some(b"-"), ..Record::default() };
        (0..count).for_each(|_| builder.push(&one).unwrap());
        builder.finish(Attributes::of(Codec::None)).unwrap().split_off(HEADER_SIZE)
    }

    #[test]
    fn it_is_exactly_so_many_records_at_every_size() {
        let whole = plain(FILLER_MAX);
        let edges = [1, 2, 63, 64, 65, 128, 129, 192, 8_192, 8_256, 16_384, 24_576, 65_536, FILLER_MAX];
        let around = edges.into_iter().flat_map(|edge| [edge - 1, edge, edge + 1]);
        // 20,482 has a block of 4,096 sequences, the first number of literals that does not fit in twelve bits.
        for count in around
            .chain([3_333, 10_000, 20_481, 20_482, 20_483, 100_001])
            .filter(|count| (1..=FILLER_MAX).contains(count))
        {
            let filler = Filler::new(i64::from(count));
            assert_eq!(filler.records(), count);
            let decoded = zstd::decode_all(&filler.payload()[..]).unwrap_or_else(|error| panic!("{count}: {error}"));
            assert!(decoded == whole[..position(count) as usize], "{count}: other records");
        }
    }

    #[test]
    fn readers_of_batches_see_a_good_one() {
        let filler = Filler::new(200_000);
        assert_eq!(filler.records(), FILLER_MAX, "the cap");
        assert!(filler.payload().len() < 5_100, "{} bytes", filler.payload().len());
        let bytes = [&filler.header(STAMP)[..], filler.payload()].concat();
        let batch = Batch::parse(&bytes).unwrap();
        batch.check_crc().unwrap();
        assert_eq!(batch.leader_epoch(), -1);
        assert!(batch.modern().unwrap().is_whole());
        let read = records(&batch).unwrap();
        let mut next = 0;
        for record in &read {
            let record = record.unwrap();
            assert_eq!((record.offset, record.timestamp, record.key, record.value), (next, 0, Some(&b"-"[..]), None));
            next += 1;
        }
        assert_eq!(next, i64::from(FILLER_MAX));
    }
}
