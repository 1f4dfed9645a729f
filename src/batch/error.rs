//! What can be wrong with the bytes of a batch.

use super::attributes::Codec;
use crate::model::{Classify, ErrorClass};

/// A batch that cannot be read. `base_offset` is what its first eight bytes say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes end inside a batch where a whole one was asked for.
    #[error("a record batch needs {needed} bytes, {found} are there")]
    Cut {
        /// Bytes needed at least.
        needed: usize,
        /// Bytes there.
        found: usize,
    },
    /// There are bytes after the end of a single batch.
    #[error("batch at offset {base_offset}: {extra} bytes follow where it should be the last")]
    Trailing {
        /// Of the batch.
        base_offset: i64,
        /// Bytes too many.
        extra: usize,
    },
    /// The length field is too small for the format.
    #[error("batch at offset {base_offset}: length {length} is below {minimum}, the least of its format")]
    Length {
        /// Of the batch.
        base_offset: i64,
        /// Length field.
        length: i32,
        /// Smallest legal value.
        minimum: i32,
    },
    /// Neither 0, 1 nor 2.
    #[error("batch at offset {base_offset}: magic byte {magic} is not known")]
    Magic {
        /// Of the batch.
        base_offset: i64,
        /// The byte found.
        magic: u8,
    },
    /// A header field holds what it never can.
    #[error("batch at offset {base_offset}: {field} is {value}")]
    Field {
        /// Of the batch.
        base_offset: i64,
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// The checksum does not fit the bytes.
    #[error("batch at offset {base_offset}: checksum is {stored:08x} but its bytes give {computed:08x}")]
    Checksum {
        /// Of the batch.
        base_offset: i64,
        /// As in the header.
        stored: u32,
        /// Over the bytes.
        computed: u32,
    },
    /// A message set in format v0 or v1, where v2 is needed.
    #[error("messages at offset {base_offset} are in message format v{magic}; only v2 can be decoded")]
    Legacy {
        /// Offset of the (wrapper) message.
        base_offset: i64,
        /// 0 or 1.
        magic: u8,
    },
    /// A v0 or v1 message that should hold others and does not hold them as it should.
    #[error("compressed messages at offset {base_offset}: {reason}")]
    Wrapper {
        /// Offset of the wrapper.
        base_offset: i64,
        /// What is wrong.
        reason: &'static str,
    },
    /// Codec bits that no Kafka version defines.
    #[error("batch at offset {base_offset}: codec {code} is not known")]
    Codec {
        /// Of the batch.
        base_offset: i64,
        /// The three codec bits.
        code: u8,
    },
    /// The records do not decompress.
    #[error("batch at offset {base_offset}: {codec} data does not decompress: {reason}")]
    Decompress {
        /// Of the batch.
        base_offset: i64,
        /// Codec of the batch.
        codec: Codec,
        /// What the decompressor says.
        reason: String,
    },
    /// The records decompress to more than is taken into memory at once.
    #[error("batch at offset {base_offset}: {codec} data decompresses to more than {limit} bytes")]
    TooLarge {
        /// Of the batch.
        base_offset: i64,
        /// Codec of the batch.
        codec: Codec,
        /// Most bytes allowed.
        limit: usize,
    },
    /// The records do not compress.
    #[error("records do not compress with {codec}: {reason}")]
    Compress {
        /// Codec asked for.
        codec: Codec,
        /// What the compressor says.
        reason: String,
    },
    /// More records, or larger ones, than one batch can hold.
    #[error("{size} bytes in {records} records do not fit into one batch")]
    Overfull {
        /// Records to be held.
        records: usize,
        /// Bytes to be held.
        size: usize,
    },
    /// A batch that cannot go to a producer with a new header only.
    #[error("batch at offset {base_offset} cannot keep its records as they are: {reason}")]
    Unfit {
        /// Of the batch.
        base_offset: i64,
        /// What is in the way.
        reason: &'static str,
    },
    /// A record cannot be read.
    #[error("batch at offset {base_offset}, record {index}: {fault}")]
    Record {
        /// Of the batch.
        base_offset: i64,
        /// Number of the record in the batch, from 0.
        index: i32,
        /// What is wrong.
        fault: RecordFault,
    },
}

/// What can be wrong with one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// The bytes end inside it.
    #[error("cut off")]
    Cut,
    /// A variable-length number of too many bytes.
    #[error("a variable-length number is too long")]
    Varint,
    /// A length or count that is negative where it must not be, or larger than the record.
    #[error("length {0} does not fit")]
    Length(i32),
    /// Its fields end before its length does.
    #[error("{0} bytes too many")]
    Trailing(usize),
    /// Offsets must ascend and stay below the batch's last offset.
    #[error("offset delta {0} is out of order or out of range")]
    OffsetDelta(i32),
    /// The batch holds more than its header counts.
    #[error("{0} bytes follow the last record")]
    AfterLast(usize),
    /// A message of format v0 or v1 whose offset is out of order, or beyond that of its wrapper.
    #[error("offset {0} is out of order or out of range")]
    Offset(i64),
    /// A message within a wrapper that is neither v0 nor v1.
    #[error("magic byte {0} in a wrapper of older messages")]
    Magic(u8),
    /// The checksum of a message within a wrapper does not fit it.
    #[error("checksum does not fit")]
    Checksum,
    /// A wrapper within a wrapper.
    #[error("compressed within a compressed message")]
    Nested,
    /// A control record whose key is not a version and a type.
    #[error("control record key of {0} bytes")]
    ControlKey(usize),
}

impl Classify for BatchError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Legacy { .. } | Self::Compress { .. } | Self::Overfull { .. } | Self::Unfit { .. } => {
                ErrorClass::Fatal
            }
            _ => ErrorClass::Corrupt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_from_what_cannot_be_done() {
        let unfit = BatchError::Unfit { base_offset: 0, reason: "" };
        let fatal =
            [BatchError::Legacy { base_offset: 0, magic: 1 }, BatchError::Overfull { records: 1, size: 1 }, unfit];
        assert!(fatal.iter().all(|error| error.class() == ErrorClass::Fatal));
        let corrupt = [BatchError::Cut { needed: 1, found: 0 }, BatchError::Trailing { base_offset: 0, extra: 1 }];
        assert!(corrupt.iter().all(|error| error.class() == ErrorClass::Corrupt));
    }
}
