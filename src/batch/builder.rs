//! Writing batches.

use super::attributes::{Attributes, Codec};
use super::compress;
use super::error::BatchError;
use super::header::BatchHeader;
use super::layout::HEADER_SIZE;
use super::record::Record;
use super::reheader::ProducerStamp;

/// Writes records one after the other into a producer's batch: base offset 0, offsets dense, no producer id.
#[derive(Debug)]
pub struct Builder {
    /// Room for the header, then the records.
    bytes: Vec<u8>,
    records: i32,
    next_delta: i32,
    base_timestamp: i64,
    max_timestamp: i64,
}

/// Writes records into one batch; their offsets do not matter.
pub fn build<'a>(records: impl IntoIterator<Item = &'a Record<'a>>, codec: Codec) -> Result<Vec<u8>, BatchError> {
    let mut builder = Builder::new();
    for record in records {
        builder.push(record)?;
    }
    builder.finish(Attributes::of(codec))
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// A batch without records so far.
    pub fn new() -> Self {
        Self { bytes: vec![0; HEADER_SIZE], records: 0, next_delta: 0, base_timestamp: -1, max_timestamp: -1 }
    }

    /// Adds a record; its offset is the next one whatever `record.offset` says.
    pub fn push(&mut self, record: &Record<'_>) -> Result<(), BatchError> {
        self.push_at(self.next_delta, record)
    }

    /// Adds a record at an offset delta above the last one.
    pub(super) fn push_at(&mut self, offset_delta: i32, record: &Record<'_>) -> Result<(), BatchError> {
        if self.records == 0 {
            self.base_timestamp = record.timestamp;
            self.max_timestamp = record.timestamp;
        }
        let time_delta = record.timestamp.wrapping_sub(self.base_timestamp);
        let size = 1 + long_size(time_delta) + int_size(offset_delta) + body_size(record);
        let overfull = BatchError::Overfull { records: self.records as usize, size: self.bytes.len() + size };
        if self.bytes.len() + size > MOST || offset_delta == i32::MAX {
            return Err(overfull);
        }
        put_int(&mut self.bytes, size as i32);
        self.bytes.push(record.attributes);
        put_long(&mut self.bytes, time_delta);
        put_int(&mut self.bytes, offset_delta);
        put_body(&mut self.bytes, record);
        self.max_timestamp = self.max_timestamp.max(record.timestamp);
        self.next_delta = offset_delta + 1;
        self.records += 1;
        Ok(())
    }

    /// Bytes of the whole batch so far, before compression.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Compresses with the codec of the attributes and puts the header in front, that of a producer that is not
    /// idempotent.
    pub fn finish(self, attributes: Attributes) -> Result<Vec<u8>, BatchError> {
        self.finish_for(attributes, ProducerStamp::NONE)
    }

    /// The same for a producer.
    pub fn finish_for(mut self, attributes: Attributes, stamp: ProducerStamp) -> Result<Vec<u8>, BatchError> {
        let header = self.header(attributes, stamp);
        let code = attributes.codec_code();
        match attributes.codec().ok_or(BatchError::Codec { base_offset: 0, code })? {
            Codec::None => {}
            codec => {
                let mut compressed = vec![0; HEADER_SIZE];
                compress::compress(codec, self.bytes.get(HEADER_SIZE..).unwrap_or_default(), &mut compressed)?;
                self.bytes = compressed;
            }
        }
        if let Some((head, payload)) = self.bytes.split_first_chunk_mut() {
            *head = header.encode_for(payload);
        }
        Ok(self.bytes)
    }

    fn header(&self, attributes: Attributes, stamp: ProducerStamp) -> BatchHeader {
        BatchHeader {
            base_offset: 0,
            batch_length: 0,
            leader_epoch: -1,
            magic: 2,
            crc: 0,
            attributes,
            last_offset_delta: self.next_delta.max(1) - 1,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: stamp.producer_id,
            producer_epoch: stamp.producer_epoch,
            base_sequence: stamp.base_sequence,
            record_count: self.records,
        }
    }
}

/// Bytes a batch may take, with room for the growth of what does not compress.
const MOST: usize = (i32::MAX - (64 << 20)) as usize;

/// Bytes of key, value and headers.
fn body_size(record: &Record<'_>) -> usize {
    let headers = record.headers.iter().map(|(key, value)| bytes_size(Some(key)) + bytes_size(*value)).sum::<usize>();
    bytes_size(record.key) + bytes_size(record.value) + int_size(record.headers.len() as i32) + headers
}

fn put_body(out: &mut Vec<u8>, record: &Record<'_>) {
    put_bytes(out, record.key);
    put_bytes(out, record.value);
    put_int(out, record.headers.len() as i32);
    for (key, value) in &record.headers {
        put_bytes(out, Some(key));
        put_bytes(out, *value);
    }
}

fn bytes_size(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| int_size(bytes.len() as i32) + bytes.len())
}

fn put_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    put_int(out, bytes.map_or(-1, |bytes| bytes.len() as i32));
    out.extend_from_slice(bytes.unwrap_or_default());
}

fn int_size(number: i32) -> usize {
    long_size(i64::from(number))
}

fn long_size(number: i64) -> usize {
    let bits = 64 - zigzag(number).leading_zeros() as usize;
    bits.max(1).div_ceil(7)
}

fn put_int(out: &mut Vec<u8>, number: i32) {
    put_long(out, i64::from(number));
}

fn put_long(out: &mut Vec<u8>, number: i64) {
    let mut rest = zigzag(number);
    while rest > 0x7f {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// The same for a number of 32 bits as for its 64-bit form.
fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}
