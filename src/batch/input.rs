//! Reading numbers and stretches of bytes off the front of a slice.

use super::error::RecordFault;

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    /// Bytes left.
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    /// The next `size` bytes.
    pub(super) fn take(&mut self, size: usize) -> Result<&'a [u8], RecordFault> {
        let (taken, rest) = self.0.split_at_checked(size).ok_or(RecordFault::Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, RecordFault> {
        let (byte, rest) = self.0.split_first().ok_or(RecordFault::Cut)?;
        self.0 = rest;
        Ok(*byte)
    }

    /// Kafka's varint: zigzag, seven bits a byte, lowest first, at most five bytes (class `ByteUtils`).
    pub(super) fn varint(&mut self) -> Result<i32, RecordFault> {
        let number = self.unsigned(5)? as u32;
        Ok((number >> 1) as i32 ^ -((number & 1) as i32))
    }

    /// The same with 64 bits in at most ten bytes.
    pub(super) fn varlong(&mut self) -> Result<i64, RecordFault> {
        let number = self.unsigned(10)?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// Bytes behind their length, which is negative for null.
    pub(super) fn nullable(&mut self) -> Result<Option<&'a [u8]>, RecordFault> {
        let length = self.varint()?;
        if length < 0 {
            return Ok(None);
        }
        self.take(length as usize).map(Some).map_err(|_| RecordFault::Length(length))
    }

    /// Bytes behind their length, which must not be negative.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], RecordFault> {
        let length = self.varint()?;
        let size = usize::try_from(length).map_err(|_| RecordFault::Length(length))?;
        self.take(size).map_err(|_| RecordFault::Length(length))
    }

    /// Bits beyond the number's width in the last byte are dropped, as Kafka drops them.
    fn unsigned(&mut self, most: u32) -> Result<u64, RecordFault> {
        let mut number = 0;
        for index in 0..most {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (index * 7);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(RecordFault::Varint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_zigzag() {
        for (bytes, value) in [(&[0][..], 0), (&[1], -1), (&[2], 1), (&[0xfe, 0xff, 0xff, 0xff, 0x0f], i32::MAX)] {
            assert_eq!(Input(bytes).varint(), Ok(value));
            assert_eq!(Input(bytes).varlong(), Ok(i64::from(value)));
        }
        assert_eq!(Input(&[0xff, 0xff, 0xff, 0xff, 0x0f]).varint(), Ok(i32::MIN));
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(Input(&most).varlong(), Ok(i64::MIN));
    }

    #[test]
    fn varints_end() {
        assert_eq!(Input(&[0x80; 6]).varint(), Err(RecordFault::Varint));
        assert_eq!(Input(&[0x80; 11]).varlong(), Err(RecordFault::Varint));
        assert_eq!(Input(&[0x80; 3]).varint(), Err(RecordFault::Cut));
    }
}
