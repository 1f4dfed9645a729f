//! The messages of a batch: itself, or those that it is a wrapper of.

use std::borrow::Cow;

use super::LegacyHeader;
use super::message::Content;
use crate::batch::checksum;
use crate::batch::compress;
use crate::batch::error::{BatchError, RecordFault};
use crate::batch::layout::{self, LOG_OVERHEAD};
use crate::batch::record::Record;
use crate::batch::view::Batch;

/// The messages of one v0 or v1 batch, decompressed. Their checksums fit and their offsets ascend.
#[derive(Debug)]
pub(in crate::batch) struct MessageSet<'a> {
    outer: LegacyHeader,
    /// Message after message; what follows the last whole one is passed over, as Kafka does.
    plain: Cow<'a, [u8]>,
    /// Added to the offsets in `plain`.
    shift: i64,
    first: i64,
    count: u64,
}

impl<'a> MessageSet<'a> {
    /// Takes a batch apart. The checksum of the batch itself is the caller's to check.
    pub(in crate::batch) fn open(batch: &Batch<'a>) -> Result<Self, BatchError> {
        let base_offset = batch.base_offset();
        let Some(outer) = batch.legacy_header().copied() else {
            return Err(BatchError::Unfit { base_offset, reason: "it is in message format v2" });
        };
        let plain = if outer.is_compressed() {
            let fault = |fault| BatchError::Record { base_offset, index: 0, fault };
            let content = Content::of(&outer, batch.bytes()).map_err(fault)?;
            let value = content.value.ok_or(BatchError::Wrapper { base_offset, reason: "it has no value" })?;
            Cow::Owned(compress::message_set(base_offset, outer.codec_code(), value, compress::LIMIT)?)
        } else {
            Cow::Borrowed(batch.bytes())
        };
        let mut set = Self { outer, plain, shift: 0, first: outer.offset, count: 1 };
        if outer.is_compressed() {
            set.survey()?;
        }
        Ok(set)
    }

    /// Offset of the first message.
    pub(in crate::batch) fn first_offset(&self) -> i64 {
        self.first
    }

    /// How many messages.
    pub(in crate::batch) fn count(&self) -> u64 {
        self.count
    }

    /// Hands over the messages, in their order.
    pub(super) fn each(&self, mut take: impl FnMut(&Record<'_>) -> Result<(), BatchError>) -> Result<(), BatchError> {
        let append_time = self.outer.log_append_time() && self.outer.is_compressed();
        self.walk(|header, bytes| {
            let content = Content::of(header, bytes).map_err(Stop::Fault)?;
            let timestamp = match header.magic {
                1 if append_time => self.outer.timestamp,
                _ => header.timestamp,
            };
            take(&Record {
                offset: header.offset + self.shift,
                timestamp,
                key: content.key,
                value: content.value,
                ..Record::default()
            })
            .map_err(Stop::Error)
        })
    }

    /// Looks at all messages of a wrapper. Their offsets are absolute in a v0 wrapper; in a v1 wrapper they count from
    /// the first, and the wrapper's is that of the last (KIP-31).
    fn survey(&mut self) -> Result<(), BatchError> {
        let (mut first, mut last, mut count) = (0, -1, 0);
        self.walk(|header, bytes| {
            if header.offset <= last {
                return Err(Stop::Fault(RecordFault::Offset(header.offset)));
            }
            if header.is_compressed() {
                return Err(Stop::Fault(RecordFault::Nested));
            }
            if checksum::of_legacy(bytes) != header.crc {
                return Err(Stop::Fault(RecordFault::Checksum));
            }
            if count == 0 {
                first = header.offset;
            }
            last = header.offset;
            count += 1;
            Ok(())
        })?;
        let base_offset = self.outer.offset;
        let wrong = |reason| Err(BatchError::Wrapper { base_offset, reason });
        if count == 0 {
            return wrong("it holds no message");
        }
        if last > base_offset {
            return wrong("its last message lies behind it");
        }
        self.shift = if self.outer.magic == 1 { base_offset - last } else { 0 };
        (self.first, self.count) = (first + self.shift, count);
        Ok(())
    }

    fn walk(&self, mut each: impl FnMut(&LegacyHeader, &[u8]) -> Result<(), Stop>) -> Result<(), BatchError> {
        let (mut rest, mut index) = (&*self.plain, 0);
        while let Some(size) = size_of_first(rest) {
            let step = size.and_then(|size| {
                let Some((bytes, after)) = rest.split_at_checked(size) else { return Ok(false) };
                rest = after;
                let header =
                    LegacyHeader::parse(bytes).map_err(|_| Stop::Fault(RecordFault::Offset(offset_of(bytes))))?;
                each(&header, bytes)?;
                Ok(true)
            });
            match step {
                Ok(true) => index += 1,
                Ok(false) => break,
                Err(Stop::Fault(fault)) => {
                    return Err(BatchError::Record { base_offset: self.outer.offset, index, fault });
                }
                Err(Stop::Error(error)) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Bytes of the first message; `None` where not even its header is there.
fn size_of_first(rest: &[u8]) -> Option<Result<usize, Stop>> {
    let [magic] = layout::get(rest, layout::legacy::MAGIC)?;
    let length = i32::from_be_bytes(layout::get(rest, layout::LENGTH)?);
    let fault = match magic {
        0 | 1 if length >= LegacyHeader::minimum(magic) => return Some(Ok(length as usize + LOG_OVERHEAD)),
        0 | 1 => RecordFault::Length(length),
        _ => RecordFault::Magic(magic),
    };
    Some(Err(Stop::Fault(fault)))
}

fn offset_of(bytes: &[u8]) -> i64 {
    layout::get(bytes, layout::BASE_OFFSET).map_or(-1, i64::from_be_bytes)
}

/// Why a walk ends early.
enum Stop {
    Fault(RecordFault),
    Error(BatchError),
}
