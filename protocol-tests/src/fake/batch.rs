//! Record batches of message format v2: the 61 bytes of their header, and how one is made.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::codec::Codec;
use super::record::Record;

/// Length of a batch's header.
pub const HEADER: usize = 61;
/// Bit of the attributes: the broker's clock gave the time.
pub const LOG_APPEND_TIME: i16 = 1 << 3;
/// Bit of the attributes: part of a transaction.
pub const TRANSACTIONAL: i16 = 1 << 4;
/// Bit of the attributes: a marker.
pub const CONTROL: i16 = 1 << 5;

/// The header of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Offset of the first record, or of one before it that was compacted away.
    pub base_offset: i64,
    /// Bytes of the whole batch.
    pub size: usize,
    /// Epoch of the leader that appended it.
    pub leader_epoch: i32,
    /// CRC-32C of all from the attributes on, as it stands there.
    pub crc: u32,
    /// Codec and flags.
    pub attributes: i16,
    /// Last offset less base offset.
    pub last_delta: i32,
    /// What the records' times are relative to.
    pub base_timestamp: i64,
    /// The latest.
    pub max_timestamp: i64,
    /// -1 for none.
    pub producer_id: i64,
    /// -1 for none.
    pub producer_epoch: i16,
    /// -1 for none.
    pub sequence: i32,
    /// How many records there are.
    pub count: i32,
}

impl Header {
    /// Reads the header of the first batch; `None` if it is cut, lies, or is of an older format.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut at = bytes.get(..HEADER)?;
        let base_offset = at.get_i64();
        let length = at.get_i32();
        let leader_epoch = at.get_i32();
        if at.get_i8() != 2 {
            return None;
        }
        let size =
            usize::try_from(length).ok()?.checked_add(12).filter(|size| (HEADER..=bytes.len()).contains(size))?;
        Some(Self {
            base_offset,
            size,
            leader_epoch,
            crc: at.get_u32(),
            attributes: at.get_i16(),
            last_delta: at.get_i32(),
            base_timestamp: at.get_i64(),
            max_timestamp: at.get_i64(),
            producer_id: at.get_i64(),
            producer_epoch: at.get_i16(),
            sequence: at.get_i32(),
            count: at.get_i32(),
        })
    }

    /// Offset of the last record, or of one after it that was compacted away.
    pub fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_delta)
    }

    /// Sequence of the last record; after the highest comes 0.
    pub fn last_sequence(&self) -> i32 {
        sequence_after(self.sequence, self.last_delta)
    }

    /// Whether a bit of the attributes is set.
    pub fn is(&self, bit: i16) -> bool {
        self.attributes & bit != 0
    }
}

/// The sequence so many records later.
pub fn sequence_after(sequence: i32, records: i32) -> i32 {
    ((i64::from(sequence) + i64::from(records)) % (1 << 31)) as i32
}

/// The CRC that the batch should have.
pub fn crc_of(batch: &[u8]) -> u32 {
    crc32c::crc32c(batch.get(21..).unwrap_or_default())
}

/// The records of a whole batch, with their offsets and times; `None` if they cannot be read.
pub fn records_of(batch: &Bytes) -> Option<Vec<Record>> {
    let header = Header::read(batch)?;
    let mut rest = Codec::of(header.attributes)?.decompress(batch.get(HEADER..header.size)?).ok()?;
    let mut records = Vec::new();
    for _ in 0..header.count {
        let mut record = Record::take(&mut rest)?;
        record.offset += header.base_offset;
        record.timestamp = record.timestamp.wrapping_add(header.base_timestamp);
        if header.is(LOG_APPEND_TIME) {
            record.timestamp = header.max_timestamp;
        }
        records.push(record);
    }
    rest.is_empty().then_some(records)
}

/// A batch to be made. Offsets of its records are distances from the base offset: with holes where they are not 0, 1, 2...
#[derive(Debug, Clone)]
pub struct Batch {
    /// In the order of their offsets.
    pub records: Vec<Record>,
    /// Distance of the last offset, at least that of the last record.
    pub last_delta: i32,
    /// How they are compressed.
    pub codec: Codec,
    /// Bits to be set besides the codec's.
    pub flags: i16,
    /// -1 for none.
    pub producer_id: i64,
    /// -1 for none.
    pub producer_epoch: i16,
    /// -1 for none.
    pub sequence: i32,
}

impl Batch {
    /// Records one after the other, of no producer.
    pub fn of(records: Vec<Record>) -> Self {
        let mut records = records;
        for (delta, record) in records.iter_mut().enumerate() {
            record.offset = delta as i64;
        }
        let last_delta = records.len().saturating_sub(1) as i32;
        Self { records, last_delta, codec: Codec::None, flags: 0, producer_id: -1, producer_epoch: -1, sequence: -1 }
    }

    /// The marker that ends a transaction.
    pub fn marker(producer_id: i64, producer_epoch: i16, commit: bool, coordinator_epoch: i32, now: i64) -> Self {
        let mut value = BytesMut::new();
        value.put_i16(0);
        value.put_i32(coordinator_epoch);
        let key = Bytes::copy_from_slice(&[0, 0, 0, u8::from(commit)]);
        let record = Record::new(key, value.freeze(), now);
        Self { flags: CONTROL | TRANSACTIONAL, producer_id, producer_epoch, ..Self::of(vec![record]) }
    }

    /// With another codec.
    #[must_use]
    pub fn codec(self, codec: Codec) -> Self {
        Self { codec, ..self }
    }

    /// As part of the open transaction of a producer.
    #[must_use]
    pub fn transactional(self, producer_id: i64, producer_epoch: i16, sequence: i32) -> Self {
        Self { flags: self.flags | TRANSACTIONAL, producer_id, producer_epoch, sequence, ..self }
    }

    /// The bytes, with base offset 0 and leader epoch -1.
    ///
    /// # Errors
    /// The compressor says so.
    pub fn encode(&self) -> io::Result<BytesMut> {
        let base_timestamp = self.records.first().map_or(-1, |record| record.timestamp);
        let max_timestamp = self.records.iter().map(|record| record.timestamp).max().unwrap_or(-1);
        let mut plain = BytesMut::new();
        for record in &self.records {
            record.put(&mut plain, record.offset, base_timestamp);
        }
        let packed = self.codec.compress(&plain)?;
        let mut out = BytesMut::with_capacity(HEADER + packed.len());
        out.put_i64(0);
        out.put_i32((HEADER - 12 + packed.len()) as i32);
        out.put_i32(-1);
        out.put_i8(2);
        out.put_u32(0);
        out.put_i16(self.codec.bits() | self.flags);
        out.put_i32(self.last_delta);
        out.put_i64(base_timestamp);
        out.put_i64(max_timestamp);
        out.put_i64(self.producer_id);
        out.put_i16(self.producer_epoch);
        out.put_i32(self.sequence);
        out.put_i32(self.records.len() as i32);
        out.put_slice(&packed);
        seal(&mut out);
        Ok(out)
    }
}

/// Puts the right CRC into a batch.
pub fn seal(batch: &mut [u8]) {
    let crc = crc_of(batch);
    put(batch, 17, &crc.to_be_bytes());
}

/// Overwrites some bytes.
pub fn put(batch: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(slice) = batch.get_mut(at..at + bytes.len()) {
        slice.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_the_crc_and_the_records_it_was_made_of() {
        let records = vec![Record::new("a", "1", 10), Record::new("b", "2", 7)];
        for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            let bytes =
                Batch::of(records.clone()).codec(codec).transactional(4, 1, i32::MAX).encode().unwrap().freeze();
            let header = Header::read(&bytes).unwrap();
            assert_eq!((header.crc, header.size, header.count), (crc_of(&bytes), bytes.len(), 2));
            assert_eq!((header.max_timestamp, header.last_sequence(), header.is(TRANSACTIONAL)), (10, 0, true));
            let read = records_of(&bytes).unwrap();
            assert_eq!(
                read.iter().map(|record| (record.offset, record.timestamp)).collect::<Vec<_>>(),
                [(0, 10), (1, 7)]
            );
            assert!(Header::read(&bytes[..bytes.len() - 1]).is_none());
        }
    }
}
