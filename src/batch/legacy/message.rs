//! What stands behind the header of one message.

use super::LegacyHeader;
use crate::batch::error::RecordFault;
use crate::batch::input::Input;
use crate::batch::layout::legacy;

/// Key and value of a message that lies whole in its bytes. Bytes behind the value are passed over, as Kafka does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Content<'a> {
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
}

impl<'a> Content<'a> {
    /// Of the message with this header, which `bytes` are.
    pub(super) fn of(header: &LegacyHeader, bytes: &'a [u8]) -> Result<Self, RecordFault> {
        let begin = if header.magic == 0 { legacy::KEY_V0 } else { legacy::KEY_V1 };
        let mut input = Input(bytes.get(begin..).ok_or(RecordFault::Cut)?);
        Ok(Self { key: nullable(&mut input)?, value: nullable(&mut input)? })
    }
}

/// Bytes behind their length of four bytes, which is negative for null.
fn nullable<'a>(input: &mut Input<'a>) -> Result<Option<&'a [u8]>, RecordFault> {
    let [a, b, c, d] = input.take(4)? else { return Err(RecordFault::Cut) };
    let length = i32::from_be_bytes([*a, *b, *c, *d]);
    if length < 0 {
        return Ok(None);
    }
    input.take(length as usize).map(Some).map_err(|_| RecordFault::Length(length))
}
