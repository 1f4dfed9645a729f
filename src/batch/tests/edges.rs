//! Values at the edge of what is legal, and fields that nothing else looks at.

use std::io::Write;

use super::properties::legacy_message;
use super::*;
use crate::model::OffsetRange;

const EVERYTHING: OffsetRange = OffsetRange { base: 0, next: i64::MAX };
/// The largest base offset whose batch still has a next offset whatever its records.
const HIGHEST: i64 = i64::MAX - (1 << 32);

#[test]
fn codecs_are_named_as_in_topic_configs() {
    assert_eq!(Codec::ALL.map(|codec| codec.to_string()), ["none", "gzip", "snappy", "lz4", "zstd"]);
    assert_eq!(Codec::ALL.map(Codec::name), ["none", "gzip", "snappy", "lz4", "zstd"]);
}

#[test]
fn a_set_of_codecs_is_one_bit_for_each() {
    let few = CodecSet::ALL.without(Codec::Zstd).without(Codec::None);
    assert_eq!((CodecSet::ALL.bits(), few.bits()), (0b1_1111, 0b0_1110));
    for set in [CodecSet::ALL, few] {
        assert_eq!(CodecSet::from_bits(set.bits()), set);
        assert_eq!(CodecSet::from_bits(set.bits() | 0b1110_0000), set, "other bits are dropped");
    }
}

#[test]
fn a_batch_that_was_built_is_of_no_producer() {
    let header = BatchHeader::parse(&batch_of(&[plain("a"), plain("b")], Codec::None)).unwrap();
    let time = plain("").time;
    let expected = BatchHeader {
        base_offset: 0,
        leader_epoch: -1,
        magic: 2,
        attributes: Attributes(0),
        last_offset_delta: 1,
        base_timestamp: time,
        max_timestamp: time,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        record_count: 2,
        ..header
    };
    assert_eq!(header, expected);
}

#[test]
fn a_batch_takes_no_more_offsets_than_there_are() {
    let mut builder = Builder::new();
    let one = plain("");
    let mut push = |delta| builder.push_at(delta, &one.borrowed());
    assert_eq!(push(i32::MAX - 1), Ok(()));
    // The length, the attributes, two varints (of one byte and of five) and three lengths, after the first record.
    let size = HEADER_SIZE + 11 + 10;
    assert_eq!(push(i32::MAX), Err(BatchError::Overfull { records: 1, size }));
}

#[test]
fn numbers_that_no_broker_writes_are_refused() {
    let header = BatchHeader::parse(&batch_of(&[plain("a")], Codec::None)).unwrap();
    let refused = |field, value: i64, change: &dyn Fn(&mut BatchHeader)| {
        let mut other = header;
        change(&mut other);
        let error = BatchHeader::parse(&other.encode()).unwrap_err();
        assert_eq!(error, BatchError::Field { base_offset: other.base_offset, field, value });
    };
    refused("base offset", -1, &|header| header.base_offset = -1);
    refused("base offset", HIGHEST + 1, &|header| header.base_offset = HIGHEST + 1);
    refused("base offset", i64::MAX, &|header| header.base_offset = i64::MAX);
    refused("last offset delta", -1, &|header| header.last_offset_delta = -1);
    refused("record count", -1, &|header| header.record_count = -1);
    let highest = BatchHeader { base_offset: HIGHEST, last_offset_delta: i32::MAX, ..header };
    assert_eq!(BatchHeader::parse(&highest.encode()).unwrap().next_offset(), HIGHEST + (1 << 31));
    let short = BatchHeader { batch_length: 48, ..header };
    let error = BatchHeader::parse(&short.encode()).unwrap_err();
    assert_eq!(error, BatchError::Length { base_offset: 0, length: 48, minimum: 49 });
}

#[test]
fn numbers_of_old_messages_are_held_to_the_same() {
    let body = [&[0][..], &[255; 8]].concat();
    for offset in [-1, HIGHEST + 1, i64::MAX] {
        let error = Batch::parse(&legacy_message(offset, 0, &body)).unwrap_err();
        assert_eq!(error, BatchError::Field { base_offset: offset, field: "offset", value: offset });
    }
    for offset in [0, HIGHEST] {
        let bytes = legacy_message(offset, 0, &body);
        let batch = Batch::parse(&bytes).unwrap();
        assert_eq!((batch.last_offset(), batch.leader_epoch()), (offset, -1));
    }
    let error = LegacyHeader::parse(&legacy_message(0, 0, &body)[..17]).unwrap_err();
    assert_eq!(error, BatchError::Cut { needed: 18, found: 17 });
}

#[test]
fn one_batch_is_neither_half_a_batch_nor_two() {
    let bytes = batch_of(&[plain("abc")], Codec::None);
    let size = bytes.len();
    assert_eq!(Batch::parse(&bytes[..size - 1]).unwrap_err(), BatchError::Cut { needed: size, found: size - 1 });
    let error = Batch::parse(&[&bytes[..], &bytes[..]].concat()).unwrap_err();
    assert_eq!(error, BatchError::Trailing { base_offset: 0, extra: size });
}

#[test]
fn the_smallest_time_is_told_where_the_header_knows_it() {
    let records = [(0, Owned { time: 5, ..plain("a") }), (1, Owned { time: 9, ..plain("b") })];
    let smallest = |bit| Batch::parse(&stored(&records, 0, Attributes(bit), |_| {})).unwrap().min_timestamp();
    assert_eq!(smallest(0), 5);
    assert_eq!(smallest(Attributes::DELETE_HORIZON), 9);
    assert_eq!(smallest(Attributes::LOG_APPEND_TIME), 9);
    assert!(Attributes(Attributes::DELETE_HORIZON).delete_horizon());
}

#[test]
fn a_batch_of_no_records_has_a_stream_or_none() {
    let mut emptied = batch_of(&[plain("a")], Codec::Gzip);
    emptied.truncate(HEADER_SIZE);
    let mut of_nothing = emptied.clone();
    compress::compress(Codec::Gzip, &[], &mut of_nothing).unwrap();
    for bytes in [&mut emptied.clone(), &mut of_nothing] {
        with_header(bytes, |header| header.record_count = 0);
        assert_eq!(contents(bytes), []);
    }
    // One record has one.
    with_header(&mut emptied, |_| {});
    let error = records(&Batch::parse(&emptied).unwrap()).unwrap_err();
    assert!(matches!(error, BatchError::Decompress { codec: Codec::Gzip, .. }), "{error}");
}

#[test]
fn more_headers_than_there_are_bytes_for_are_refused_at_once() {
    // Attributes, both deltas, no key, no value, three headers (zigzag), and room for two of them.
    let record = [0, 0, 0, 1, 1, 6, 0, 0, 0, 0];
    let mut bytes = batch_of(&[plain("")], Codec::None);
    bytes.truncate(HEADER_SIZE);
    bytes.push(record.len() as u8 * 2);
    bytes.extend(record);
    with_header(&mut bytes, |_| {});
    let error = records(&Batch::parse(&bytes).unwrap()).unwrap().iter().next().unwrap().unwrap_err();
    assert_eq!(error, BatchError::Record { base_offset: 0, index: 0, fault: RecordFault::Length(3) });
}

/// A stored gzip batch whose stream no compressor of ours would write.
fn by_another_compressor(records: &[(i32, Owned)], bit: i16, change: impl FnOnce(&mut BatchHeader)) -> Vec<u8> {
    let ours = stored(records, 40, Attributes(bit), |_| {});
    let mut bytes = ours[..HEADER_SIZE].to_vec();
    let mut encoder = flate2::write::GzEncoder::new(&mut bytes, flate2::Compression::none());
    encoder.write_all(&ours[HEADER_SIZE..]).unwrap();
    encoder.finish().unwrap();
    with_header(&mut bytes, |header| {
        header.attributes = Attributes(bit | i16::from(Codec::Gzip.code()));
        change(header);
    });
    bytes
}

fn anew(bytes: &[u8], keep: OffsetRange) -> Vec<u8> {
    reencode(&Batch::parse(bytes).unwrap(), keep, Codec::Gzip).unwrap().unwrap().bytes
}

#[test]
fn a_stream_stays_as_it_is_where_a_header_is_enough() {
    let two = [(0, plain("a")), (1, plain("b"))];
    let tail = by_another_compressor(&two, 0, |header| header.last_offset_delta = 9);
    let after = anew(&tail, EVERYTHING);
    assert_eq!(after[HEADER_SIZE..], tail[HEADER_SIZE..]);
    assert_eq!(contents(&after).len(), 2);

    let times = by_another_compressor(&two, Attributes::LOG_APPEND_TIME, |header| header.max_timestamp += 50);
    let after = anew(&times, EVERYTHING);
    assert_eq!(after[HEADER_SIZE..], times[HEADER_SIZE..]);
    assert!(contents(&after).iter().all(|(_, record)| record.time == plain("").time + 50));
}

#[test]
fn a_stream_is_made_anew_where_no_header_is_enough() {
    let three = [5, 9, 9].map(|time| Owned { time, ..plain("a") });
    let dense = [0, 1, 2].map(|at| (at, three[at as usize].clone()));
    let changed = |bytes: &[u8], keep| {
        let after = anew(bytes, keep);
        assert_ne!(after[HEADER_SIZE..], bytes[HEADER_SIZE..]);
        contents(&after).into_iter().map(|(offset, record)| (offset, record.time)).collect::<Vec<_>>()
    };
    // The broker's time instead of three that differ.
    let broker = by_another_compressor(&dense, Attributes::LOG_APPEND_TIME, |header| header.max_timestamp = 70);
    assert_eq!(changed(&broker, EVERYTHING), [(0, 70), (1, 70), (2, 70)]);
    let plain = by_another_compressor(&dense, 0, |_| {});
    assert_eq!(changed(&plain, OffsetRange { base: 0, next: 42 }), [(0, 5), (1, 9)]);
    assert_eq!(changed(&plain, OffsetRange { base: 41, next: 50 }), [(0, 9), (1, 9)]);
    // The first offset is missing, or one in between.
    let late = [1, 2].map(|at| (at, three[at as usize].clone()));
    assert_eq!(changed(&by_another_compressor(&late, 0, |_| {}), EVERYTHING), [(0, 9), (1, 9)]);
    let apart = [0, 2].map(|at| (at, three[at as usize].clone()));
    assert_eq!(changed(&by_another_compressor(&apart, 0, |_| {}), EVERYTHING), [(0, 5), (1, 9)]);
}
