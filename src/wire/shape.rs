//! A walk over an answer that compares every count and length with the bytes left, before kafka-protocol reads it:
//! that crate reserves memory for as many elements as the wire announces, and a count of two thousand million ends
//! the process.

use std::cell::Cell;

use super::{Cursor, WireError};

/// Elements of lists, other than numbers, and unknown tags in one answer. kafka-protocol makes some 200 bytes of an
/// element that may take two on the wire; a cluster with a million partitions has a few millions of them.
const ELEMENTS_MAX: usize = 8 << 20;

/// What a field is made of.
#[derive(Debug)]
pub enum Kind {
    /// So many bytes.
    Fixed(usize),
    /// Text, perhaps null.
    Text,
    /// Bytes, perhaps null.
    Blob,
    /// A list, perhaps null.
    List(&'static Self),
    /// Fields one after the other.
    Record(&'static [Field]),
}

/// One field with the versions that have it.
#[derive(Debug)]
pub struct Field {
    kind: Kind,
    since: i16,
    until: i16,
    tag: Option<u32>,
}

/// An answer's layout in all its versions.
#[derive(Debug)]
pub struct Shape {
    /// First version with compact lengths and tagged fields.
    pub flexible: i16,
    /// The answer's fields, in order.
    pub fields: &'static [Field],
}

/// A field of every version.
pub const fn always(kind: Kind) -> Field {
    Field { kind, since: 0, until: i16::MAX, tag: None }
}

/// A field since a version.
pub const fn since(since: i16, kind: Kind) -> Field {
    Field { kind, since, until: i16::MAX, tag: None }
}

/// A field of some versions, both ends included.
pub const fn between(since: i16, until: i16, kind: Kind) -> Field {
    Field { kind, since, until, tag: None }
}

/// A tagged field since a flexible version.
pub const fn tagged(tag: u32, since: i16, kind: Kind) -> Field {
    Field { kind, since, until: i16::MAX, tag: Some(tag) }
}

/// One byte.
pub const I8: Kind = Kind::Fixed(1);
/// Two bytes.
pub const I16: Kind = Kind::Fixed(2);
/// Four bytes.
pub const I32: Kind = Kind::Fixed(4);
/// Eight bytes.
pub const I64: Kind = Kind::Fixed(8);
/// Sixteen bytes.
pub const UUID: Kind = Kind::Fixed(16);
/// A list of node ids or partitions.
pub const NUMBERS: Kind = Kind::List(&I32);

impl Shape {
    /// Walks over the whole body; nothing may be left.
    pub fn check(&self, body: &[u8], version: i16) -> Result<(), WireError> {
        let walk = Walk::new(self, version);
        let mut cursor = Cursor::new(body);
        walk.record(&mut cursor, self.fields)?;
        match cursor.left() {
            0 => Ok(()),
            count => Err(WireError::Leftover { count }),
        }
    }
}

struct Walk {
    version: i16,
    compact: bool,
    /// How many more there may be.
    elements: Cell<usize>,
}

impl Walk {
    fn new(shape: &Shape, version: i16) -> Self {
        Self { version, compact: version >= shape.flexible, elements: Cell::new(ELEMENTS_MAX) }
    }

    /// Counts elements that take memory of their own.
    fn spend(&self, at: usize, count: usize) -> Result<(), WireError> {
        let most = self.elements.get();
        let left = most.checked_sub(count);
        self.elements.set(left.ok_or(WireError::Count { at, value: count as i64, most: most as u64 })?);
        Ok(())
    }

    fn has(&self, field: &Field) -> bool {
        (field.since..=field.until).contains(&self.version)
    }

    fn record(&self, cursor: &mut Cursor<'_>, fields: &[Field]) -> Result<(), WireError> {
        for field in fields.iter().filter(|field| field.tag.is_none() && self.has(field)) {
            self.value(cursor, &field.kind)?;
        }
        if !self.compact {
            return Ok(());
        }
        cursor.tags(|tag, bytes| match fields.iter().find(|field| field.tag == Some(tag)) {
            None => self.spend(bytes.at(), 1),
            Some(field) => {
                self.value(bytes, &field.kind)?;
                match bytes.left() {
                    0 => Ok(()),
                    count => Err(WireError::Leftover { count }),
                }
            }
        })
    }

    fn value(&self, cursor: &mut Cursor<'_>, kind: &Kind) -> Result<(), WireError> {
        match kind {
            Kind::Fixed(size) => cursor.take(*size).map(|_| ()),
            Kind::Text => {
                let length = cursor.text_length(self.compact)?;
                cursor.take(length.unwrap_or(0)).map(|_| ())
            }
            Kind::Blob => {
                let length = cursor.count(self.compact, 1)?;
                cursor.take(length.unwrap_or(0)).map(|_| ())
            }
            Kind::List(element) => {
                let at = cursor.at();
                let count = cursor.count(self.compact, self.least(element))?;
                if !matches!(element, Kind::Fixed(_)) {
                    self.spend(at, count.unwrap_or(0))?;
                }
                (0..count.unwrap_or(0)).try_for_each(|_| self.value(cursor, element))
            }
            Kind::Record(fields) => self.record(cursor, fields),
        }
    }

    /// The fewest bytes a value takes.
    fn least(&self, kind: &Kind) -> usize {
        match kind {
            Kind::Fixed(size) => *size,
            Kind::Text => 2 - usize::from(self.compact),
            Kind::Blob | Kind::List(_) if self.compact => 1,
            Kind::Blob | Kind::List(_) => 4,
            Kind::Record(fields) => {
                let plain = fields.iter().filter(|field| field.tag.is_none() && self.has(field));
                plain.map(|field| self.least(&field.kind)).sum::<usize>() + usize::from(self.compact)
            }
        }
    }
}

/// An answer of this shape: every list has so many elements, every tag of the version is there.
#[cfg(test)]
pub(super) fn sample(shape: &Shape, version: i16, elements: usize) -> Vec<u8> {
    let mut bytes = bytes::BytesMut::new();
    let walk = Walk::new(shape, version);
    walk.put_record(&mut bytes, shape.fields, elements);
    bytes.to_vec()
}

#[cfg(test)]
impl Walk {
    fn put_record(&self, bytes: &mut bytes::BytesMut, fields: &[Field], elements: usize) {
        use bytes::BufMut;

        let mut tags = Vec::new();
        for field in fields.iter().filter(|field| self.has(field)) {
            let mut value = bytes::BytesMut::new();
            self.put(&mut value, &field.kind, elements);
            match field.tag {
                None => bytes.put_slice(&value),
                Some(tag) => tags.extend([&[tag as u8, value.len() as u8][..], &value].concat()),
            }
        }
        if self.compact {
            let count = fields.iter().filter(|field| field.tag.is_some() && self.has(field)).count();
            bytes.put_u8(count as u8 + 1);
            bytes.put_slice(&tags);
            bytes.put_slice(&[120, 2, 1, 2]); // a tag nobody knows
        }
    }

    fn put(&self, bytes: &mut bytes::BytesMut, kind: &Kind, elements: usize) {
        use bytes::BufMut;

        use super::request::put_length;
        match kind {
            Kind::Fixed(size) => bytes.put_bytes(0, *size),
            Kind::Text if self.compact => bytes.put_slice(&[3, b'a', b'b']),
            Kind::Text => bytes.put_slice(&[0, 2, b'a', b'b']),
            Kind::Blob => {
                put_length(bytes, self.compact, 2).unwrap();
                bytes.put_i16(-1);
            }
            Kind::List(element) => {
                put_length(bytes, self.compact, elements).unwrap();
                (0..elements).for_each(|_| self.put(bytes, element, elements));
            }
            Kind::Record(fields) => self.put_record(bytes, fields, elements),
        }
    }
}
