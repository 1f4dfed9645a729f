//! What can be wrong with bytes that came from a broker, or with a request that cannot be spelled.

use crate::model::{Classify, ErrorClass};

/// A fault in a frame, found before anything was built from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The frame ends inside a field.
    #[error("the answer ends at byte {at}, {needed} more bytes were announced")]
    Short {
        /// Position in the frame after its length.
        at: usize,
        /// Bytes that are missing.
        needed: u64,
    },
    /// A length or count that no answer of this size can have.
    #[error("byte {at} announces {value} elements or bytes where at most {most} are left")]
    Count {
        /// Position in the frame.
        at: usize,
        /// What the field says.
        value: i64,
        /// What could still be there.
        most: u64,
    },
    /// A varint of more than five bytes, text that is not UTF-8 and the like.
    #[error("byte {at} is not a valid {what}")]
    Malformed {
        /// Position in the frame.
        at: usize,
        /// What was expected.
        what: &'static str,
    },
    /// Bytes after the last field.
    #[error("{count} bytes are left after the last field of the answer")]
    Leftover {
        /// How many.
        count: usize,
    },
    /// kafka-protocol refused what the check had let through.
    #[error("the answer cannot be read: {0}")]
    Decode(String),
    /// A request that cannot be written in the version chosen.
    #[error("the request cannot be written: {0}")]
    Encode(String),
    /// No version both sides speak.
    #[error("the broker speaks {api} in {theirs}, this program in v{least}-v{most}")]
    NoCommonVersion {
        /// Name of the API.
        api: &'static str,
        /// What the broker offers, spelled out.
        theirs: String,
        /// The lowest version this program speaks (or needs, where it needs more).
        least: i16,
        /// The highest one.
        most: i16,
    },
}

impl Classify for WireError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NoCommonVersion { .. } | Self::Encode(_) => ErrorClass::Reject,
            _ => ErrorClass::Corrupt,
        }
    }
}
