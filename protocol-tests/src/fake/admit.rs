//! What a leader checks before it appends a produced batch (Kafka classes `LogValidator`, `UnifiedLog`).

use bytes::{Bytes, BytesMut};

use super::batch::{CONTROL, HEADER, Header, LOG_APPEND_TIME, TRANSACTIONAL, crc_of, put, seal};
use super::code;
use super::codec::Codec;
use super::log::Log;
use super::producers::{Verdict, judge};
use super::record::Record;
use super::release::Release;

/// Settings and circumstances that decide about a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub release: Release,
    pub leader_epoch: i32,
    /// The broker's clock.
    pub now: i64,
    /// `max.message.bytes`.
    pub max_bytes: i64,
    /// `cleanup.policy` has compact.
    pub compacted: bool,
    /// `message.timestamp.type` is `LogAppendTime`.
    pub append_time: bool,
    /// `message.timestamp.after.max.ms`, or what was before it.
    pub after_max: i64,
    /// The request names a transactional id.
    pub in_transaction: bool,
    /// Version of the request.
    pub version: i16,
}

/// Where a batch came to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    pub base_offset: i64,
    /// -1 unless the broker's clock gave the time.
    pub append_time: i64,
}

/// A code, and the words that stand with it.
pub(crate) type Refusal = (i16, &'static str);

/// Appends the one batch of a request, or says why not.
pub(crate) fn produce(log: &mut Log, bytes: &Bytes, rules: &Rules) -> Result<Placed, Refusal> {
    // A bad record was a corrupt message before 2.4.
    let invalid = if rules.release < Release::V2_4 { code::CORRUPT_MESSAGE } else { code::INVALID_RECORD };
    let header = Header::read(bytes).ok_or((code::CORRUPT_MESSAGE, "the batch is cut, or no batch"))?;
    if header.size != bytes.len() {
        return Err((invalid, "a request may hold one batch for each partition"));
    }
    if header.is(TRANSACTIONAL) && !rules.in_transaction {
        return Err((code::TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "a transaction without its id"));
    }
    if header.base_offset != 0 {
        return Err((invalid, "the base offset is not 0"));
    }
    if header.size as i64 > rules.max_bytes {
        return Err((code::MESSAGE_TOO_LARGE, "larger than max.message.bytes"));
    }
    if header.crc != crc_of(bytes) {
        return Err((code::CORRUPT_MESSAGE, "the CRC is wrong"));
    }
    content(&header, bytes, rules, invalid)?;
    if header.producer_id >= 0 {
        match judge(log.producer(header.producer_id), &header, rules.release) {
            Verdict::Append => {}
            Verdict::Duplicate(same) => {
                return Ok(Placed { base_offset: same.base_offset, append_time: same.append_time });
            }
            Verdict::Refuse(code) => return Err((code, "the producer's sequence or epoch does not follow")),
        }
    }
    let (batch, append_time) = stamped(&header, bytes, rules);
    let base_offset = log.append(batch, rules.leader_epoch, rules.release, append_time);
    let base_offset = base_offset.ok_or((code::UNKNOWN_SERVER_ERROR, "the batch could not be appended"))?;
    Ok(Placed { base_offset, append_time })
}

fn content(header: &Header, bytes: &Bytes, rules: &Rules, invalid: i16) -> Result<(), Refusal> {
    if header.count <= 0 || header.last_delta.checked_add(1) != Some(header.count) {
        return Err((invalid, "the count does not fit the last offset"));
    }
    if header.is(CONTROL) {
        return Err((invalid, "clients may not write control batches"));
    }
    if header.producer_id >= 0 && (header.sequence < 0 || header.producer_epoch < 0) {
        return Err((invalid, "a producer without a sequence"));
    }
    let codec = Codec::of(header.attributes).ok_or((invalid, "no such codec"))?;
    if codec == Codec::Zstd && rules.version < 7 {
        return Err((code::UNSUPPORTED_COMPRESSION_TYPE, "zstd needs a newer request"));
    }
    if header.is(LOG_APPEND_TIME) && rules.append_time {
        return Err((code::INVALID_TIMESTAMP, "a producer may not claim the broker's time"));
    }
    let payload = bytes.get(HEADER..).unwrap_or_default();
    let plain = codec.decompress(payload).map_err(|_| (code::CORRUPT_MESSAGE, "the payload cannot be decompressed"))?;
    inner(header, plain, codec, rules, invalid)
}

fn inner(header: &Header, mut plain: Bytes, codec: Codec, rules: &Rules, invalid: i16) -> Result<(), Refusal> {
    for delta in 0..i64::from(header.count) {
        let record = Record::take(&mut plain).ok_or((invalid, "a record cannot be read"))?;
        // Uncompressed ones are not looked at, and are stored as they are.
        if codec != Codec::None && record.offset != delta {
            return Err((code::UNKNOWN_SERVER_ERROR, "the offsets of records have holes"));
        }
        if rules.compacted && record.key.is_none() {
            return Err((invalid, "compacted topics need keys"));
        }
        let time = record.timestamp.wrapping_add(header.base_timestamp);
        if !rules.append_time && time.saturating_sub(rules.now) > rules.after_max {
            return Err((code::INVALID_TIMESTAMP, "later than the broker allows"));
        }
    }
    if plain.is_empty() { Ok(()) } else { Err((invalid, "bytes after the last record")) }
}

/// The batch with the times that the topic wants.
fn stamped(header: &Header, bytes: &Bytes, rules: &Rules) -> (BytesMut, i64) {
    let mut batch = BytesMut::from(&bytes[..]);
    let claimed = header.attributes & !LOG_APPEND_TIME;
    if rules.append_time {
        put(&mut batch, 21, &(claimed | LOG_APPEND_TIME).to_be_bytes());
        put(&mut batch, 35, &rules.now.to_be_bytes());
        seal(&mut batch);
        return (batch, rules.now);
    }
    if header.is(LOG_APPEND_TIME) {
        put(&mut batch, 21, &claimed.to_be_bytes());
        seal(&mut batch);
    }
    (batch, -1)
}
