//! Records of message format v2, written and read by a hand other than ktape's.

use bytes::{BufMut, Bytes, BytesMut};

/// A header: its key may be empty and may stand several times; its value may be null.
pub type Header = (Bytes, Option<Bytes>);

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Its offset; within a batch that is not appended yet, the distance from the batch's base offset.
    pub offset: i64,
    /// Milliseconds since 1970, -1 for none.
    pub timestamp: i64,
    /// `None` is null.
    pub key: Option<Bytes>,
    /// `None` is null, a tombstone.
    pub value: Option<Bytes>,
    /// In order.
    pub headers: Vec<Header>,
}

impl Record {
    /// A record with a key, a value and a time.
    pub fn new(key: impl Into<Bytes>, value: impl Into<Bytes>, timestamp: i64) -> Self {
        Self { offset: 0, timestamp, key: Some(key.into()), value: Some(value.into()), headers: Vec::new() }
    }

    pub(crate) fn put(&self, out: &mut BytesMut, delta: i64, base_timestamp: i64) {
        let mut body = BytesMut::new();
        body.put_u8(0);
        put_varint(&mut body, self.timestamp.wrapping_sub(base_timestamp));
        put_varint(&mut body, delta);
        put_bytes(&mut body, self.key.as_ref());
        put_bytes(&mut body, self.value.as_ref());
        put_varint(&mut body, self.headers.len() as i64);
        for (key, value) in &self.headers {
            put_bytes(&mut body, Some(key));
            put_bytes(&mut body, value.as_ref());
        }
        put_varint(out, body.len() as i64);
        out.put_slice(&body);
    }

    /// Reads the next of the plain records of a batch; offsets and times are still distances.
    pub(crate) fn take(rest: &mut Bytes) -> Option<Self> {
        let length = usize::try_from(take_varint(rest)?).ok().filter(|length| *length <= rest.len())?;
        let mut body = rest.split_to(length);
        take(&mut body, 1)?;
        let timestamp = take_varint(&mut body)?;
        let offset = take_varint(&mut body)?;
        let key = take_bytes(&mut body).ok()?;
        let value = take_bytes(&mut body).ok()?;
        let count = take_varint(&mut body)?;
        let mut headers = Vec::new();
        for _ in 0..count {
            let name = take_bytes(&mut body).ok()??;
            headers.push((name, take_bytes(&mut body).ok()?));
        }
        body.is_empty().then_some(Self { offset, timestamp, key, value, headers })
    }
}

fn put_bytes(out: &mut BytesMut, bytes: Option<&Bytes>) {
    match bytes {
        None => put_varint(out, -1),
        Some(bytes) => {
            put_varint(out, bytes.len() as i64);
            out.put_slice(bytes);
        }
    }
}

fn put_varint(out: &mut BytesMut, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    while left >= 0x80 {
        out.put_u8(left as u8 | 0x80);
        left >>= 7;
    }
    out.put_u8(left as u8);
}

fn take(rest: &mut Bytes, count: usize) -> Option<Bytes> {
    (count <= rest.len()).then(|| rest.split_to(count))
}

/// `Err` where they are cut, `Ok(None)` where they are null.
fn take_bytes(rest: &mut Bytes) -> Result<Option<Bytes>, ()> {
    match take_varint(rest).ok_or(())? {
        -1 => Ok(None),
        length => take(rest, usize::try_from(length).map_err(drop)?).ok_or(()).map(Some),
    }
}

fn take_varint(rest: &mut Bytes) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = *rest.first()?;
        *rest = rest.slice(1..);
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let headers = vec![(Bytes::from("h"), None), (Bytes::new(), Some(Bytes::from("x"))), (Bytes::from("h"), None)];
        let record = Record { headers, value: None, ..Record::new("key", "", 1_700_000_000_000) };
        let mut out = BytesMut::new();
        record.put(&mut out, 5, 1_700_000_000_700);
        let mut rest = out.freeze();
        let read = Record::take(&mut rest).unwrap();
        assert_eq!((read.offset, read.timestamp), (5, -700));
        assert_eq!((read.key, read.value, read.headers), (record.key, record.value, record.headers));
        assert!(rest.is_empty());
        assert!(Record::take(&mut Bytes::from_static(&[20, 0])).is_none());
    }
}
