//! The attribute bits of a v2 batch.

use std::fmt;

/// How the records of a batch are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// Not at all.
    None,
    /// One gzip stream.
    Gzip,
    /// Snappy in xerial framing; raw from some clients.
    Snappy,
    /// LZ4 frame format.
    Lz4,
    /// One zstd stream (KIP-110, Kafka 2.1).
    Zstd,
}

impl Codec {
    /// All of them, ascending by number.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec with Kafka's number, `None` for one that is not known.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Kafka's number, as in the three lowest attribute bits.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// As in the topic config `compression.type`, except that there no compression is `uncompressed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of codecs: what a target accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodecSet(u8);

impl CodecSet {
    /// Every codec there is.
    pub const ALL: Self = Self(0b1_1111);

    /// The same set without one codec.
    #[must_use]
    pub fn without(self, codec: Codec) -> Self {
        Self(self.0 & !(1 << codec.code()))
    }

    /// One bit for each codec, 1 << its number.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The codecs of these bits; others are dropped.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Whether the codec is in the set.
    pub fn contains(self, codec: Codec) -> bool {
        self.0 & 1 << codec.code() != 0
    }
}

/// The 16 attribute bits. Bits that Kafka does not use are kept as they came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

impl Attributes {
    const CODEC: i16 = 0x07;
    /// Every record's time is the batch's max timestamp, set by the broker (KIP-32).
    pub const LOG_APPEND_TIME: i16 = 0x08;
    /// Part of a transaction (KIP-98).
    pub const TRANSACTIONAL: i16 = 0x10;
    /// Holds a marker, not data (KIP-98).
    pub const CONTROL: i16 = 0x20;
    /// The base timestamp is the time from which compaction may drop tombstones (KIP-534).
    pub const DELETE_HORIZON: i16 = 0x40;

    /// No bits but the codec's.
    pub fn of(codec: Codec) -> Self {
        Self(i16::from(codec.code()))
    }

    /// The three codec bits as a number.
    pub fn codec_code(self) -> u8 {
        (self.0 & Self::CODEC) as u8
    }

    /// The codec; `None` for a number that no Kafka version defines.
    pub fn codec(self) -> Option<Codec> {
        Codec::from_code(self.codec_code())
    }

    /// Whether the broker set the records' times.
    pub fn log_append_time(self) -> bool {
        self.has(Self::LOG_APPEND_TIME)
    }

    /// Whether the batch belongs to a transaction.
    pub fn transactional(self) -> bool {
        self.has(Self::TRANSACTIONAL)
    }

    /// Whether the batch holds a marker.
    pub fn control(self) -> bool {
        self.has(Self::CONTROL)
    }

    /// Whether the base timestamp is a delete horizon.
    pub fn delete_horizon(self) -> bool {
        self.has(Self::DELETE_HORIZON)
    }

    /// The same with the given bits cleared.
    #[must_use]
    pub fn without(self, bits: i16) -> Self {
        Self(self.0 & !bits)
    }

    /// The same with another codec.
    #[must_use]
    pub fn with_codec(self, codec: Codec) -> Self {
        Self(self.0 & !Self::CODEC | i16::from(codec.code()))
    }

    fn has(self, bit: i16) -> bool {
        self.0 & bit != 0
    }
}
