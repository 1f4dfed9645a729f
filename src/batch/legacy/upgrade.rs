//! The same records in a v2 batch, as Kafka's brokers convert them (Kafka class `LogValidator`).

use super::LegacyHeader;
use super::set::MessageSet;
use crate::batch::attributes::{Attributes, Codec};
use crate::batch::builder::Builder;
use crate::batch::error::{BatchError, RecordFault};
use crate::batch::header::BatchHeader;
use crate::batch::layout::HEADER_SIZE;
use crate::batch::view::Batch;

/// Stored bytes of messages that are put into one batch, at most: fewer than any broker refuses by default.
pub const JOINED_MAX: usize = 256 << 10;

/// Writes v0 and v1 messages, which follow each other, into one v2 batch of the same offsets, with the codec of the first.
/// Key, value and time stay; v0 has no time, which is -1. The checksums are checked. Offsets without a message are holes,
/// as compaction leaves them.
///
/// A message or wrapper whose time the broker set is a `LogAppendTime` batch; of several the times become the records'
/// own.
pub fn upgrade<'a>(batches: &[Batch<'a>]) -> Result<Vec<u8>, BatchError> {
    let nothing = BatchError::Unfit { base_offset: -1, reason: "there is nothing to convert" };
    let (first, last) = batches.first().zip(batches.last()).ok_or(nothing)?;
    let open = |batch: &Batch<'a>| batch.check_crc().and_then(|()| MessageSet::open(batch));
    let sets = batches.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let base = sets.first().map_or(-1, MessageSet::first_offset);
    let mut writer = Writer { builder: Builder::new(), base, next: base };
    for set in &sets {
        writer.add(set)?;
    }
    let mut attributes = Attributes::of(Codec::from_code(first.codec_code()).unwrap_or(Codec::None));
    if batches.len() == 1 && first.legacy_header().is_some_and(LegacyHeader::log_append_time) {
        attributes.0 |= Attributes::LOG_APPEND_TIME;
    }
    let delta = writer.delta(last.last_offset())?;
    let mut bytes = writer.builder.finish(attributes)?;
    let header = BatchHeader::parse(&bytes)?;
    if let Some((head, payload)) = bytes.split_first_chunk_mut::<HEADER_SIZE>() {
        *head = BatchHeader { base_offset: base, last_offset_delta: delta, ..header }.encode_for(payload);
    }
    Ok(bytes)
}

/// Whether a batch can go into one with others of these stored bytes, the first of which is at `base`: an uncompressed
/// message that follows them. Restoring them one by one would take a request for each.
pub fn joins(batch: &Batch<'_>, base: i64, bytes: usize) -> bool {
    let plain = batch.legacy_header().is_some_and(|header| !header.is_compressed());
    let near = (0..=i64::from(i32::MAX / 2)).contains(&batch.base_offset().saturating_sub(base));
    plain && near && bytes.saturating_add(batch.bytes().len()) <= JOINED_MAX
}

struct Writer {
    builder: Builder,
    base: i64,
    /// Smallest offset that could follow.
    next: i64,
}

impl Writer {
    fn add(&mut self, set: &MessageSet<'_>) -> Result<(), BatchError> {
        set.each(|record| {
            let delta = self.delta(record.offset)?;
            if record.offset < self.next {
                return Err(self.out_of_range(record.offset));
            }
            self.next = record.offset.saturating_add(1);
            self.builder.push_at(delta, record)
        })
    }

    fn delta(&self, offset: i64) -> Result<i32, BatchError> {
        i32::try_from(offset.saturating_sub(self.base)).map_err(|_| self.out_of_range(offset))
    }

    fn out_of_range(&self, offset: i64) -> BatchError {
        BatchError::Record { base_offset: self.base, index: 0, fault: RecordFault::Offset(offset) }
    }
}
