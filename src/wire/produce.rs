//! Produce requests v3 to v13, written by hand: batches go to the socket as they are, next to the bytes around them.

use bytes::{BufMut, Bytes, BytesMut};

use super::request::{RequestHeader, finish, put_length, put_name};
use super::{PRODUCE, WireError};

/// First version with compact lengths and tagged fields.
pub const FLEXIBLE: i16 = 9;
/// First version that names topics by id (KIP-516).
pub const TOPIC_IDS: i16 = 13;

/// One batch for one partition.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The topic's name, for versions up to v12.
    pub topic: &'a str,
    /// The topic's id, for v13.
    pub topic_id: [u8; 16],
    /// The partition.
    pub partition: i32,
    /// The batch's header.
    pub header: &'a [u8; 61],
    /// The rest of the batch.
    pub payload: &'a Bytes,
}

/// What stands around the batches.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The version chosen.
    pub version: i16,
    /// Comes back with the answer.
    pub correlation: i32,
    /// Name of this client.
    pub client_id: &'a str,
    /// How long the broker may wait for its followers, in milliseconds.
    pub timeout_ms: i32,
}

/// The request in pieces that are to be written one after the other; payloads are shared, not copied. Parts of one
/// topic must stand together.
pub fn encode(envelope: &Envelope<'_>, parts: &[Part<'_>]) -> Result<Vec<Bytes>, WireError> {
    let compact = envelope.version >= FLEXIBLE;
    let mut writer = Writer { compact, pieces: Vec::with_capacity(parts.len() * 2 + 1), buffer: BytesMut::new() };
    writer.buffer.reserve(parts.len() * 128 + 128);
    let header = RequestHeader {
        key: PRODUCE.key,
        version: envelope.version,
        correlation: envelope.correlation,
        client_id: envelope.client_id,
        flexible: compact,
    };
    header.begin(&mut writer.buffer)?;
    if compact {
        writer.buffer.put_u8(0); // no transactional id
    } else {
        writer.buffer.put_i16(-1);
    }
    writer.buffer.put_i16(-1); // acks from all replicas in sync
    writer.buffer.put_i32(envelope.timeout_ms);
    let topics: Vec<&[Part<'_>]> = parts.chunk_by(|a, b| a.topic == b.topic).collect();
    put_length(&mut writer.buffer, compact, topics.len())?;
    for topic in topics {
        writer.topic(topic, envelope.version)?;
    }
    writer.tags();
    writer.finish()
}

struct Writer {
    compact: bool,
    pieces: Vec<Bytes>,
    buffer: BytesMut,
}

impl Writer {
    fn topic(&mut self, parts: &[Part<'_>], version: i16) -> Result<(), WireError> {
        let Some(first) = parts.first() else { return Ok(()) };
        if version >= TOPIC_IDS {
            self.buffer.put_slice(&first.topic_id);
        } else {
            put_name(&mut self.buffer, self.compact, first.topic)?;
        }
        put_length(&mut self.buffer, self.compact, parts.len())?;
        for part in parts {
            self.buffer.put_i32(part.partition);
            put_length(&mut self.buffer, self.compact, part.header.len() + part.payload.len())?;
            self.buffer.put_slice(part.header);
            self.pieces.push(self.buffer.split().freeze());
            self.pieces.push(part.payload.clone());
            self.tags();
        }
        self.tags();
        Ok(())
    }

    fn tags(&mut self) {
        if self.compact {
            self.buffer.put_u8(0);
        }
    }

    fn finish(mut self) -> Result<Vec<Bytes>, WireError> {
        self.pieces.push(self.buffer.freeze());
        let mut whole = self.pieces.into_iter();
        let mut first = BytesMut::from(whole.next().unwrap_or_default());
        let rest: Vec<Bytes> = whole.collect();
        finish(&mut first, rest.iter().map(Bytes::len).sum())?;
        let mut pieces = vec![first.freeze()];
        pieces.extend(rest.into_iter().filter(|piece| !piece.is_empty()));
        Ok(pieces)
    }
}
