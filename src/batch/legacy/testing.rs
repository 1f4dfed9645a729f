//! Messages of format v0 and v1 for tests, written here by the rules of Kafka's `LegacyRecord`.

use crate::batch::Codec;
use crate::batch::compress;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Old {
    pub(crate) offset: i64,
    pub(crate) time: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
}

impl Old {
    /// A message with a value alone.
    pub(crate) fn of(offset: i64, value: &str) -> Self {
        Self { offset, time: 1_400_000_000_000 + offset, key: None, value: Some(value.as_bytes().to_vec()) }
    }
}

/// A message without compression, with these attributes.
pub(crate) fn message(magic: u8, attributes: u8, old: &Old) -> Vec<u8> {
    let mut checked = vec![magic, attributes];
    if magic == 1 {
        checked.extend(old.time.to_be_bytes());
    }
    for part in [&old.key, &old.value] {
        checked.extend(part.as_ref().map_or(-1, |bytes| bytes.len() as i32).to_be_bytes());
        checked.extend(part.iter().flatten());
    }
    let mut bytes = old.offset.to_be_bytes().to_vec();
    bytes.extend((checked.len() as i32 + 4).to_be_bytes());
    bytes.extend(crc32fast::hash(&checked).to_be_bytes());
    bytes.extend(checked);
    bytes
}

/// A wrapper around messages of the same format: with absolute offsets in v0, with those since the first in v1.
pub(crate) fn wrapper(magic: u8, codec: Codec, messages: &[Old]) -> Vec<u8> {
    let (first, last) = (messages[0].offset, messages.last().unwrap().offset);
    let time = messages.iter().map(|one| one.time).max().unwrap();
    let shift = if magic == 1 { first } else { 0 };
    let inner = messages.iter().map(|one| message(magic, 0, &Old { offset: one.offset - shift, ..one.clone() }));
    wrapper_of(magic, codec.code(), codec, last, time, &inner.collect::<Vec<_>>().concat())
}

/// A wrapper around any bytes.
pub(crate) fn wrapper_of(magic: u8, attributes: u8, codec: Codec, offset: i64, time: i64, inner: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    compress::compress(codec, inner, &mut value).unwrap();
    if codec == Codec::Lz4 && magic == 0 {
        // As old producers wrote the header's checksum: wrong.
        value[6] ^= 0xff;
    }
    message(magic, attributes, &Old { offset, time, key: None, value: Some(value) })
}
