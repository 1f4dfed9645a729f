//! The records of a v2 batch.

use std::borrow::Cow;

use super::attributes::Attributes;
use super::compress;
use super::error::{BatchError, RecordFault};
use super::header::BatchHeader;
use super::input::Input;
use super::view::Batch;

/// A record header: a key that need not be UTF-8 and may come twice, and a value that may be null.
pub type Header<'a> = (&'a [u8], Option<&'a [u8]>);

/// One record, borrowed from the (decompressed) records of its batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its offset in the partition.
    pub offset: i64,
    /// Milliseconds, -1 if it has none; the batch's max timestamp where the broker set the times.
    pub timestamp: i64,
    /// Record attributes: no Kafka version uses them.
    pub attributes: u8,
    /// The key, `None` for null.
    pub key: Option<&'a [u8]>,
    /// The value, `None` for null: a tombstone on a compacted topic.
    pub value: Option<&'a [u8]>,
    /// The headers in their order.
    pub headers: Vec<Header<'a>>,
}

/// The records of one batch, decompressed.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    header: BatchHeader,
    payload: Cow<'a, [u8]>,
}

/// Reads the records of a v2 batch, up to [`DECOMPRESSED_MAX`](super::DECOMPRESSED_MAX) bytes of them.
pub fn records<'a>(batch: &Batch<'a>) -> Result<Records<'a>, BatchError> {
    records_up_to(batch, compress::LIMIT)
}

/// Reads the records of a v2 batch if they take at most `limit` bytes when decompressed.
pub fn records_up_to<'a>(batch: &Batch<'a>, limit: usize) -> Result<Records<'a>, BatchError> {
    records_behind(batch.modern()?, batch.payload(), limit)
}

/// The same for a header and what follows it.
pub(super) fn records_behind<'a>(
    header: &BatchHeader,
    payload: &'a [u8],
    limit: usize,
) -> Result<Records<'a>, BatchError> {
    Ok(Records { header: *header, payload: compress::payload(header, payload, limit)? })
}

/// Where a reader of records stands between two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    position: usize,
    index: i32,
    last_delta: i32,
}

impl Place {
    /// Before the first record.
    pub const START: Self = Self { position: 0, index: 0, last_delta: -1 };

    /// Records before it.
    pub fn passed(self) -> i32 {
        self.index
    }
}

impl Records<'_> {
    /// The same, owning what it borrowed.
    pub fn into_owned(self) -> Records<'static> {
        Records { header: self.header, payload: Cow::Owned(self.payload.into_owned()) }
    }

    /// Goes on where another iterator over the same records stood.
    pub fn iter_from(&self, place: Place) -> RecordIter<'_> {
        let rest = Input(self.payload.get(place.position..).unwrap_or_default());
        RecordIter { rest, index: place.index, last_delta: place.last_delta, ..self.iter() }
    }

    /// Goes over the records in their order. Every one is checked to lie within its length and its batch; bytes
    /// after the last are an error too, given at the end.
    pub fn iter(&self) -> RecordIter<'_> {
        RecordIter { header: self.header, rest: Input(&self.payload), index: 0, last_delta: -1, ended: false }
    }

    /// The same with the times that the producer set, even where the broker's are the valid ones.
    pub(super) fn iter_with_own_times(&self) -> RecordIter<'_> {
        let mut iter = self.iter();
        iter.header.attributes = self.header.attributes.without(Attributes::LOG_APPEND_TIME);
        iter
    }

    /// Bytes of all records, decompressed.
    pub fn size(&self) -> usize {
        self.payload.len()
    }
}

impl<'a> IntoIterator for &'a Records<'_> {
    type Item = Result<Record<'a>, BatchError>;
    type IntoIter = RecordIter<'a>;

    fn into_iter(self) -> RecordIter<'a> {
        self.iter()
    }
}

/// Iterator over the records of one batch; it ends after the first error.
#[derive(Debug, Clone)]
pub struct RecordIter<'a> {
    header: BatchHeader,
    rest: Input<'a>,
    index: i32,
    last_delta: i32,
    ended: bool,
}

impl<'a> RecordIter<'a> {
    /// Where it stands in these records, which must be the ones it goes over.
    pub fn place(&self, records: &Records<'_>) -> Place {
        let position = records.size().saturating_sub(self.rest.left());
        Place { position, index: self.index, last_delta: self.last_delta }
    }

    fn advance(&mut self) -> Result<Option<Record<'a>>, RecordFault> {
        if self.index == self.header.record_count {
            return match self.rest.left() {
                0 => Ok(None),
                more => Err(RecordFault::AfterLast(more)),
            };
        }
        let mut input = Input(self.rest.bytes()?);
        let record = self.read(&mut input)?;
        match input.left() {
            0 => Ok(Some(record)),
            more => Err(RecordFault::Trailing(more)),
        }
    }

    fn read(&mut self, input: &mut Input<'a>) -> Result<Record<'a>, RecordFault> {
        let attributes = input.byte()?;
        let timestamp_delta = input.varlong()?;
        let offset_delta = input.varint()?;
        if offset_delta <= self.last_delta || offset_delta > self.header.last_offset_delta {
            return Err(RecordFault::OffsetDelta(offset_delta));
        }
        self.last_delta = offset_delta;
        // Kafka lets the sum wrap around as well.
        let own_time = self.header.base_timestamp.wrapping_add(timestamp_delta);
        let append_time = self.header.attributes.log_append_time();
        Ok(Record {
            offset: self.header.base_offset + i64::from(offset_delta),
            timestamp: if append_time { self.header.max_timestamp } else { own_time },
            attributes,
            key: input.nullable()?,
            value: input.nullable()?,
            headers: read_headers(input)?,
        })
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<Record<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let index = self.index;
        let base_offset = self.header.base_offset;
        let item = self.advance().map_err(|fault| BatchError::Record { base_offset, index, fault }).transpose();
        self.index += 1;
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

fn read_headers<'a>(input: &mut Input<'a>) -> Result<Vec<Header<'a>>, RecordFault> {
    let count = input.varint()?;
    let headers = usize::try_from(count).map_err(|_| RecordFault::Length(count))?;
    // The smallest header is two bytes: both lengths.
    if headers > input.left() / 2 {
        return Err(RecordFault::Length(count));
    }
    (0..headers).map(|_| Ok((input.bytes()?, input.nullable()?))).collect()
}
