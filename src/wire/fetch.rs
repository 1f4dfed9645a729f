//! Fetch v4 to v17, written and read by hand: the only large and hot message. Records are slices of the frame.

use bytes::{BufMut, Bytes, BytesMut};

use super::request::{RequestHeader, finish, put_length, put_name};
use super::{Cursor, FETCH, WireError};

/// First version with compact lengths and tagged fields.
pub const FLEXIBLE: i16 = 12;
/// First version that names topics by id (KIP-516).
pub const TOPIC_IDS: i16 = 13;

/// One partition to fetch from.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The topic's name, for versions up to v12.
    pub topic: &'a str,
    /// The topic's id, from v13 on.
    pub topic_id: [u8; 16],
    /// The partition.
    pub partition: i32,
    /// The leader's epoch, -1 to leave it unchecked (v9+).
    pub leader_epoch: i32,
    /// Where to begin.
    pub offset: i64,
    /// Leader epoch of the batch before, -1 if unknown: a log that was cut below it and written anew is told apart
    /// (v12+, KIP-320).
    pub last_epoch: i32,
    /// Most bytes of this partition.
    pub max_bytes: i32,
}

/// What stands around the partitions.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The version chosen.
    pub version: i16,
    /// Comes back with the answer.
    pub correlation: i32,
    /// Name of this client.
    pub client_id: &'a str,
    /// How long the broker may wait for `min_bytes`, in milliseconds.
    pub max_wait_ms: i32,
    /// Bytes worth answering for.
    pub min_bytes: i32,
    /// Most bytes of the whole answer.
    pub max_bytes: i32,
    /// Isolation 1: only up to the last stable offset, with the transactions that were aborted. Else 0: everything up
    /// to the high watermark.
    pub read_committed: bool,
}

/// A sessionless request, without a rack. Parts of one topic must stand together.
pub fn encode(envelope: &Envelope<'_>, parts: &[Part<'_>]) -> Result<Bytes, WireError> {
    let version = envelope.version;
    let compact = version >= FLEXIBLE;
    let mut frame = BytesMut::with_capacity(parts.len() * 64 + 128);
    let Envelope { correlation, client_id, .. } = *envelope;
    RequestHeader { key: FETCH.key, version, correlation, client_id, flexible: compact }.begin(&mut frame)?;
    if version < 15 {
        frame.put_i32(-1); // not a replica
    }
    frame.put_i32(envelope.max_wait_ms);
    frame.put_i32(envelope.min_bytes);
    frame.put_i32(envelope.max_bytes);
    frame.put_i8(i8::from(envelope.read_committed));
    if version >= 7 {
        frame.put_i32(0); // no session (KIP-227)
        frame.put_i32(-1);
    }
    let topics: Vec<&[Part<'_>]> = parts.chunk_by(|a, b| a.topic == b.topic).collect();
    put_length(&mut frame, compact, topics.len())?;
    for topic in topics {
        put_topic(&mut frame, version, topic)?;
    }
    if version >= 7 {
        put_length(&mut frame, compact, 0)?; // forgotten topics
    }
    match version {
        12.. => frame.put_slice(&[1, 0]), // rack "", no tags
        11 => frame.put_i16(0),
        _ => {}
    }
    finish(&mut frame, 0)?;
    Ok(frame.freeze())
}

fn put_topic(frame: &mut BytesMut, version: i16, parts: &[Part<'_>]) -> Result<(), WireError> {
    let compact = version >= FLEXIBLE;
    let Some(first) = parts.first() else { return Ok(()) };
    if version >= TOPIC_IDS {
        frame.put_slice(&first.topic_id);
    } else {
        put_name(frame, compact, first.topic)?;
    }
    put_length(frame, compact, parts.len())?;
    for part in parts {
        frame.put_i32(part.partition);
        if version >= 9 {
            frame.put_i32(part.leader_epoch);
        }
        frame.put_i64(part.offset);
        if version >= 12 {
            frame.put_i32(part.last_epoch);
        }
        if version >= 5 {
            frame.put_i64(-1); // log start: a follower's matter
        }
        frame.put_i32(part.max_bytes);
        if compact {
            frame.put_u8(0);
        }
    }
    if compact {
        frame.put_u8(0);
    }
    Ok(())
}

/// How an answer names a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TopicKey {
    /// Up to v12.
    Name(Bytes),
    /// From v13 on.
    Id([u8; 16]),
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Milliseconds the broker wants to be left alone.
    pub throttle_ms: i32,
    /// Error of the request as a whole (v7+).
    pub error_code: i16,
    /// In the broker's order.
    pub partitions: Vec<FetchedPart>,
}

/// What one partition answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPart {
    /// Its topic.
    pub topic: TopicKey,
    /// Its number.
    pub partition: i32,
    /// 0 is no error.
    pub error_code: i16,
    /// -1 with an error.
    pub high_watermark: i64,
    /// -1 if unknown.
    pub last_stable: i64,
    /// -1 if unknown (before v5).
    pub log_start: i64,
    /// Where the log still agrees: epoch and its end offset (v12+, KIP-320).
    pub diverging: Option<(i32, i64)>,
    /// Producer id and first offset of transactions that were aborted and have data in `records`; only under isolation 1.
    pub aborted: Vec<(i64, i64)>,
    /// As they lie in the leader's log; empty where there are none.
    pub records: Bytes,
}

/// Reads the body of an answer.
pub fn read(body: &Bytes, version: i16) -> Result<Fetched, WireError> {
    let mut reader = Reader { body, cursor: Cursor::new(body), version, compact: version >= FLEXIBLE };
    let fetched = reader.answer()?;
    match reader.cursor.left() {
        0 => Ok(fetched),
        count => Err(WireError::Leftover { count }),
    }
}

struct Reader<'a> {
    body: &'a Bytes,
    cursor: Cursor<'a>,
    version: i16,
    compact: bool,
}

impl Reader<'_> {
    fn answer(&mut self) -> Result<Fetched, WireError> {
        let throttle_ms = self.cursor.i32()?;
        let mut error_code = 0;
        if self.version >= 7 {
            error_code = self.cursor.i16()?;
            self.cursor.i32()?; // session id, always 0 for us
        }
        let mut partitions = Vec::new();
        for _ in 0..self.count(LEAST_TOPIC)? {
            self.topic(&mut partitions)?;
        }
        self.skip_tags()?;
        Ok(Fetched { throttle_ms, error_code, partitions })
    }

    fn topic(&mut self, partitions: &mut Vec<FetchedPart>) -> Result<(), WireError> {
        let topic = if self.version >= TOPIC_IDS {
            TopicKey::Id(self.cursor.uuid()?)
        } else {
            let length = self.cursor.text_length(self.compact)?.unwrap_or(0);
            TopicKey::Name(self.slice(length)?)
        };
        let count = self.count(LEAST_PARTITION)?;
        partitions.reserve(count);
        for _ in 0..count {
            let part = self.partition(topic.clone())?;
            partitions.push(part);
        }
        self.skip_tags()
    }

    fn partition(&mut self, topic: TopicKey) -> Result<FetchedPart, WireError> {
        let partition = self.cursor.i32()?;
        let error_code = self.cursor.i16()?;
        let high_watermark = self.cursor.i64()?;
        let last_stable = self.cursor.i64()?;
        let log_start = if self.version >= 5 { self.cursor.i64()? } else { -1 };
        let aborted = self.aborted()?;
        if self.version >= 11 {
            self.cursor.i32()?; // preferred read replica: only sent to clients that name their rack
        }
        let length = self.cursor.count(self.compact, 1)?.unwrap_or(0);
        let records = self.slice(length)?;
        let diverging = self.partition_tags()?;
        Ok(FetchedPart {
            topic,
            partition,
            error_code,
            high_watermark,
            last_stable,
            log_start,
            diverging,
            aborted,
            records,
        })
    }

    /// The aborted transactions, null under isolation 0.
    fn aborted(&mut self) -> Result<Vec<(i64, i64)>, WireError> {
        let count = self.count(16)?;
        let mut aborted = Vec::with_capacity(count);
        for _ in 0..count {
            aborted.push((self.cursor.i64()?, self.cursor.i64()?));
            self.skip_tags()?;
        }
        Ok(aborted)
    }

    /// Tag 0 is the diverging epoch; the current leader and a snapshot id are not needed.
    fn partition_tags(&mut self) -> Result<Option<(i32, i64)>, WireError> {
        let mut diverging = None;
        if self.compact {
            self.cursor.tags(|tag, field| {
                if tag == 0 {
                    diverging = Some((field.i32()?, field.i64()?));
                }
                Ok(())
            })?;
        }
        Ok(diverging.filter(|(_, end_offset)| *end_offset >= 0))
    }

    fn count(&mut self, least: usize) -> Result<usize, WireError> {
        Ok(self.cursor.count(self.compact, least)?.unwrap_or(0))
    }

    fn slice(&mut self, length: usize) -> Result<Bytes, WireError> {
        let start = self.cursor.at();
        self.cursor.take(length)?;
        Ok(self.body.slice(start..start + length))
    }

    fn skip_tags(&mut self) -> Result<(), WireError> {
        if self.compact { self.cursor.tags(|_, _| Ok(())) } else { Ok(()) }
    }
}

/// Fewest bytes of a topic in any version: an empty compact name, an empty list, no tags.
const LEAST_TOPIC: usize = 3;
/// Fewest bytes of a partition in any version: v4 without log start, with null lists.
const LEAST_PARTITION: usize = 4 + 2 + 8 + 8 + 2;
