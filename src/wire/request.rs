//! Requests to frames, frames to answers.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::HeaderVersion;

use super::{Cursor, Exchange, WireError};

/// What stands before every request's body.
#[derive(Debug, Clone, Copy)]
pub struct RequestHeader<'a> {
    /// The API's number.
    pub key: i16,
    /// The version chosen.
    pub version: i16,
    /// Comes back with the answer.
    pub correlation: i32,
    /// Name of this client.
    pub client_id: &'a str,
    /// The version has tagged fields (header v2).
    pub flexible: bool,
}

impl RequestHeader<'_> {
    /// Writes the header after four bytes that are left for the frame's length.
    pub fn begin(&self, frame: &mut BytesMut) -> Result<(), WireError> {
        let too_long = || WireError::Encode("the client id is too long".to_owned());
        frame.put_i32(0);
        frame.put_i16(self.key);
        frame.put_i16(self.version);
        frame.put_i32(self.correlation);
        frame.put_i16(i16::try_from(self.client_id.len()).map_err(|_| too_long())?);
        frame.put_slice(self.client_id.as_bytes());
        if self.flexible {
            frame.put_u8(0);
        }
        Ok(())
    }
}

/// Puts the length into the four bytes before a frame that is `more` bytes longer than what stands here.
pub fn finish(frame: &mut BytesMut, more: usize) -> Result<(), WireError> {
    let too_large = || WireError::Encode("the request is larger than 2 GiB".to_owned());
    let size = (frame.len() + more).checked_sub(4).ok_or_else(too_large)?;
    let size = i32::try_from(size).map_err(|_| too_large())?;
    if let Some(prefix) = frame.first_chunk_mut::<4>() {
        *prefix = size.to_be_bytes();
    }
    Ok(())
}

/// A count or a length: `i32`, or one more as a varint.
pub fn put_length(frame: &mut BytesMut, compact: bool, length: usize) -> Result<(), WireError> {
    let too_large = |_| WireError::Encode("a length is beyond 2 GiB".to_owned());
    let length = i32::try_from(length).map_err(too_large)?;
    if !compact {
        frame.put_i32(length);
        return Ok(());
    }
    let mut rest = length as u32 + 1;
    while rest >= 0x80 {
        frame.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    frame.put_u8(rest as u8);
    Ok(())
}

/// A topic's name.
pub fn put_name(frame: &mut BytesMut, compact: bool, name: &str) -> Result<(), WireError> {
    if compact {
        put_length(frame, true, name.len())?;
    } else {
        let too_long = |_| WireError::Encode("a name is longer than 32 KiB".to_owned());
        frame.put_i16(i16::try_from(name.len()).map_err(too_long)?);
    }
    frame.put_slice(name.as_bytes());
    Ok(())
}

/// A whole request, its length included.
pub fn encode<R: Exchange>(request: &R, version: i16, correlation: i32, client_id: &str) -> Result<Bytes, WireError> {
    let flexible = R::header_version(version) >= 2;
    let mut frame = BytesMut::with_capacity(256);
    RequestHeader { key: R::API.key, version, correlation, client_id, flexible }.begin(&mut frame)?;
    request.put(&mut frame, version)?;
    finish(&mut frame, 0)?;
    Ok(frame.freeze())
}

/// The correlation id an answer begins with.
pub fn correlation(frame: &[u8]) -> Result<i32, WireError> {
    Cursor::new(frame).i32()
}

/// An answer's body: what follows the correlation id and, in flexible versions, the header's tagged fields.
pub fn body(frame: &Bytes, flexible: bool) -> Result<Bytes, WireError> {
    let mut cursor = Cursor::new(frame);
    cursor.i32()?;
    if flexible {
        cursor.tags(|_, _| Ok(()))?;
    }
    Ok(frame.slice(cursor.at()..))
}

/// Reads an answer, after its counts and lengths were checked.
pub fn decode<R: Exchange>(frame: &Bytes, version: i16) -> Result<R::Answer, WireError> {
    let mut body = body(frame, R::Answer::header_version(version) >= 1)?;
    R::SHAPE.check(&body, version)?;
    let answer = R::read(&mut body, version)?;
    if !body.is_empty() {
        return Err(WireError::Leftover { count: body.len() });
    }
    Ok(answer)
}
