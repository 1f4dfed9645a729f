//! Reading a frame field by field. Every length is compared with the bytes left before it is used.

use super::WireError;

/// A position in the bytes of one answer.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Begins at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Bytes not read yet.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let Some(taken) = taken else {
            return Err(WireError::Short { at: self.at, needed: (count - self.left()) as u64 });
        };
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A signed 16-bit number.
    pub fn i16(&mut self) -> Result<i16, WireError> {
        self.array().map(i16::from_be_bytes)
    }

    /// A signed 32-bit number.
    pub fn i32(&mut self) -> Result<i32, WireError> {
        self.array().map(i32::from_be_bytes)
    }

    /// A signed 64-bit number.
    pub fn i64(&mut self) -> Result<i64, WireError> {
        self.array().map(i64::from_be_bytes)
    }

    /// 16 bytes.
    pub fn uuid(&mut self) -> Result<[u8; 16], WireError> {
        self.array()
    }

    /// An unsigned varint of at most 32 bits in at most five bytes.
    pub fn uvarint(&mut self) -> Result<u32, WireError> {
        let start = self.at;
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array::<1>()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| malformed(start));
            }
        }
        Err(malformed(start))
    }

    /// The length of a text (`i16`, or compact); `None` is null.
    pub fn text_length(&mut self, compact: bool) -> Result<Option<usize>, WireError> {
        if compact {
            return self.compact_length();
        }
        let at = self.at;
        let length = self.i16()?;
        self.bounded(at, i64::from(length), 1)
    }

    /// The length of bytes or the count of a list (`i32`, or compact), whose elements take at least `least` bytes
    /// each; `None` is null.
    pub fn count(&mut self, compact: bool, least: usize) -> Result<Option<usize>, WireError> {
        let at = self.at;
        let count = if compact { i64::from(self.uvarint()?) - 1 } else { i64::from(self.i32()?) };
        self.bounded(at, count, least)
    }

    fn compact_length(&mut self) -> Result<Option<usize>, WireError> {
        let at = self.at;
        let length = i64::from(self.uvarint()?) - 1;
        self.bounded(at, length, 1)
    }

    fn bounded(&self, at: usize, value: i64, least: usize) -> Result<Option<usize>, WireError> {
        if value == -1 {
            return Ok(None);
        }
        let most = (self.left() / least.max(1)) as u64;
        match u64::try_from(value) {
            Ok(count) if count <= most => Ok(Some(count as usize)),
            _ => Err(WireError::Count { at, value, most }),
        }
    }

    /// Steps over a section of tagged fields, handing each to `field` with a cursor of its own.
    pub fn tags(&mut self, mut field: impl FnMut(u32, &mut Self) -> Result<(), WireError>) -> Result<(), WireError> {
        for _ in 0..self.uvarint()? {
            let tag = self.uvarint()?;
            let size = self.uvarint()? as usize;
            let end = self.at.saturating_add(size);
            let Some(bytes) = self.bytes.get(..end) else {
                return Err(WireError::Short { at: self.at, needed: (size - self.left()) as u64 });
            };
            field(tag, &mut Self { bytes, at: self.at })?;
            self.at = end;
        }
        Ok(())
    }
}

fn malformed(at: usize) -> WireError {
    WireError::Malformed { at, what: "varint of 32 bits" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_end_after_five_bytes_and_thirty_two_bits() {
        assert_eq!(Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).uvarint(), Ok(u32::MAX));
        assert!(Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]).uvarint().is_err());
        assert!(Cursor::new(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]).uvarint().is_err());
        assert!(Cursor::new(&[0x80]).uvarint().is_err());
    }

    #[test]
    fn lengths_beyond_the_bytes_left_are_refused() {
        assert_eq!(Cursor::new(&[0xff, 0xff]).text_length(false), Ok(None));
        assert!(Cursor::new(&[0xff, 0xfe]).text_length(false).is_err());
        assert!(Cursor::new(&[0, 2, b'a']).text_length(false).is_err());
        assert!(Cursor::new(&[0, 0, 0, 2, 0, 0, 0]).count(false, 2).is_err());
        assert_eq!(Cursor::new(&[0, 0, 0, 2, 0, 0, 0, 0]).count(false, 2), Ok(Some(2)));
        assert_eq!(Cursor::new(&[0]).count(true, 1), Ok(None));
    }

    #[test]
    fn a_tag_cannot_reach_beyond_its_size() {
        let bytes = [1, 0, 2, 7, 7, 9];
        let mut cursor = Cursor::new(&bytes);
        cursor
            .tags(|tag, field| {
                assert_eq!((tag, field.left()), (0, 2));
                field.i16().map(|_| ())
            })
            .unwrap();
        assert_eq!(cursor.left(), 1);
        assert!(Cursor::new(&[1, 0, 9, 7]).tags(|_, _| Ok(())).is_err());
    }
}
