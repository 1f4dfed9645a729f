//! Messages of format v0 and v1, and the v2 batches that they become.

use super::old_messages::{Old, message, wrapper, wrapper_of};
use super::*;
use crate::model::OffsetRange;

const EVERYTHING: OffsetRange = OffsetRange { base: 0, next: i64::MAX };
const OLD_CODECS: [Codec; 4] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4];

fn whole(bytes: &[u8]) -> Batch<'_> {
    Batch::parse(bytes).unwrap()
}

/// What the converted batch holds.
fn converted(bytes: &[u8]) -> Vec<(i64, Owned)> {
    contents(&upgrade(&[whole(bytes)]).unwrap())
}

fn fault(bytes: &[u8]) -> BatchError {
    upgrade(&[whole(bytes)]).unwrap_err()
}

fn expected(magic: u8, messages: &[Old]) -> Vec<(i64, Owned)> {
    let of = |one: &Old| {
        let time = if magic == 0 { -1 } else { one.time };
        (one.offset, Owned { time, key: one.key.clone(), value: one.value.clone(), headers: Vec::new() })
    };
    messages.iter().map(of).collect()
}

fn three() -> Vec<Old> {
    let tombstone = Old { key: Some(b"k".to_vec()), value: None, ..Old::of(7, "") };
    vec![Old::of(5, "a"), Old { time: -1, key: Some(Vec::new()), ..Old::of(6, "") }, tombstone]
}

#[test]
fn wrappers_of_every_codec_keep_offsets_times_and_contents() {
    for magic in [0, 1] {
        for codec in &OLD_CODECS[1..] {
            let bytes = wrapper(magic, *codec, &three());
            assert_eq!(converted(&bytes), expected(magic, &three()), "v{magic} {codec}");
            assert_eq!(whole(&bytes).extent(), (5, 3));
            let header = *whole(&upgrade(&[whole(&bytes)]).unwrap()).modern().unwrap();
            assert_eq!(header.attributes, Attributes::of(*codec));
            assert!(header.is_whole() && header.next_offset() == 8 && header.leader_epoch == -1);
        }
    }
}

#[test]
fn holes_within_a_wrapper_stay_holes() {
    let kept: Vec<Old> = [10, 13, 14].map(|offset| Old::of(offset, "x")).to_vec();
    for magic in [0, 1] {
        let bytes = wrapper(magic, Codec::Gzip, &kept);
        assert_eq!(converted(&bytes), expected(magic, &kept));
        let upgraded = upgrade(&[whole(&bytes)]).unwrap();
        let runs = kept_runs(&whole(&upgraded), EVERYTHING).unwrap();
        assert_eq!(runs, [Run { base: 10, count: 1 }, Run { base: 13, count: 2 }]);
    }
    // Compaction took the last messages: the wrapper still says where they were.
    let inner: Vec<u8> = [10, 13].iter().flat_map(|offset| message(0, 0, &Old::of(*offset, "x"))).collect();
    let upgraded = upgrade(&[whole(&wrapper_of(0, 1, Codec::Gzip, 19, -1, &inner))]).unwrap();
    assert_eq!((whole(&upgraded).base_offset(), whole(&upgraded).next_offset()), (10, 20));
}

#[test]
fn the_broker_s_time_applies_to_all_messages_of_a_v1_wrapper() {
    let inner: Vec<u8> =
        three().iter().flat_map(|one| message(1, 0, &Old { offset: one.offset - 5, ..one.clone() })).collect();
    let bytes = wrapper_of(1, 8 | Codec::Snappy.code(), Codec::Snappy, 7, 99, &inner);
    assert!(converted(&bytes).iter().all(|(_, record)| record.time == 99));
    let upgraded = upgrade(&[whole(&bytes)]).unwrap();
    assert!(whole(&upgraded).modern().unwrap().attributes.log_append_time());
    let produced = reencode(&whole(&upgraded), EVERYTHING, Codec::Snappy).unwrap().unwrap().bytes;
    assert!(contents(&produced).iter().all(|(_, record)| record.time == 99));
    assert!(!whole(&produced).modern().unwrap().attributes.log_append_time());
    // The bit means nothing in v0.
    let bytes = message(0, 8, &Old::of(3, "a"));
    assert!(!whole(&upgrade(&[whole(&bytes)]).unwrap()).modern().unwrap().attributes.log_append_time());
}

#[test]
fn a_v1_message_in_a_v0_wrapper_has_an_absolute_offset_and_its_own_time() {
    let bytes = wrapper_of(0, 1, Codec::Gzip, 5, -1, &message(1, 0, &Old { time: 77, ..Old::of(5, "a") }));
    assert_eq!(converted(&bytes), expected(1, &[Old { time: 77, ..Old::of(5, "a") }]));
}

#[test]
fn single_messages_are_joined() {
    let all = [message(0, 0, &Old::of(3, "a")), message(1, 0, &Old::of(4, "b")), message(1, 8, &Old::of(9, "c"))];
    let bytes = all.concat();
    let batches: Vec<Batch<'_>> = walk(&bytes).map(Result::unwrap).collect();
    assert!(joins(&batches[1], 3, all[0].len()) && joins(&batches[2], 3, 0));
    assert!(!joins(&batches[1], 3, JOINED_MAX) && !joins(&batches[0], 4, 0), "too much, and backwards");
    assert!(!joins(&whole(&wrapper(1, Codec::Gzip, &three())), 3, 0));
    assert!(!joins(&whole(&batch_of(&[plain("a")], Codec::None)), 0, 0));
    let joined = upgrade(&batches).unwrap();
    let times = contents(&joined).into_iter().map(|(offset, record)| (offset, record.time));
    assert!(times.eq([(3, -1), (4, 1_400_000_000_004), (9, 1_400_000_000_009)]));
    let backwards = upgrade(&[batches[2], batches[1]]).unwrap_err();
    assert_eq!(backwards, BatchError::Record { base_offset: 9, index: 0, fault: RecordFault::Offset(4) });
    assert!(upgrade(&[]).is_err());
}

#[test]
fn what_an_old_broker_could_not_have_written_is_refused() {
    let inner = |magic, offset| message(magic, 0, &Old::of(offset, "x"));
    let wrapped = |offset, bytes: &[u8]| fault(&wrapper_of(0, 1, Codec::Gzip, offset, -1, bytes));
    let record = |index, fault| BatchError::Record { base_offset: 9, index, fault };
    let twice = [inner(0, 4), inner(0, 4)].concat();
    assert_eq!(wrapped(9, &twice), record(1, RecordFault::Offset(4)));
    assert_eq!(wrapped(9, &inner(0, -4)), record(0, RecordFault::Offset(-4)));
    assert!(matches!(wrapped(9, &inner(0, 10)), BatchError::Wrapper { base_offset: 9, .. }));
    assert!(matches!(wrapped(9, &[]), BatchError::Wrapper { base_offset: 9, .. }));
    assert_eq!(wrapped(9, &inner(2, 4)), record(0, RecordFault::Magic(2)));
    assert_eq!(wrapped(9, &wrapper(0, Codec::Gzip, &three())), record(0, RecordFault::Nested));
    let mut damaged = inner(0, 4);
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(wrapped(9, &damaged), record(0, RecordFault::Checksum));
    let mut short = inner(0, 4);
    short[8..12].copy_from_slice(&13_i32.to_be_bytes());
    assert_eq!(wrapped(9, &short), record(0, RecordFault::Length(13)));
    // No value at all, a codec the formats do not know, and bytes that are no stream.
    let empty = Old { value: None, ..Old::of(9, "") };
    assert!(matches!(fault(&message(1, 1, &empty)), BatchError::Wrapper { .. }));
    assert!(matches!(fault(&message(1, 4, &Old::of(9, "x"))), BatchError::Codec { code: 4, .. }));
    assert!(matches!(fault(&message(1, 2, &Old::of(9, "xxxxxxxx"))), BatchError::Decompress { .. }));
    assert_eq!(whole(&message(1, 2, &Old::of(9, "xxxxxxxx"))).extent(), (9, 1));
    // The lengths of key and value do not fit the message.
    let mut lengths = message(0, 0, &Old { key: Some(b"key".to_vec()), ..Old::of(9, "x") });
    lengths[18..22].copy_from_slice(&100_i32.to_be_bytes());
    let crc = crc32fast::hash(&lengths[16..]);
    lengths[12..16].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(fault(&lengths), record(0, RecordFault::Length(100)));
    assert!(matches!(fault(&batch_of(&[plain("a")], Codec::None)), BatchError::Unfit { .. }));
}

#[test]
fn a_cut_tail_within_a_wrapper_is_passed_over_as_kafka_does() {
    let mut inner = [message(0, 0, &Old::of(4, "x")), message(0, 0, &Old::of(5, "y"))].concat();
    inner.truncate(inner.len() - 1);
    assert_eq!(converted(&wrapper_of(0, 1, Codec::Gzip, 5, -1, &inner)), expected(0, &[Old::of(4, "x")]));
}

fn old_messages() -> impl Strategy<Value = Vec<Old>> {
    let blob = || proptest::option::of(vec(any::<u8>(), 0..40));
    let one = (prop_oneof![Just(-1), 0..2_000_000_000_000_i64], blob(), blob(), 0..3_i64);
    (0..1_000_000_i64, vec(one, 1..12)).prop_map(|(base, all)| {
        let mut next = base;
        let spread = all.into_iter().map(|(time, key, value, gap)| {
            let offset = next + gap;
            next = offset + 1;
            Old { offset, time, key, value }
        });
        spread.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn old_messages_become_v2_with_all_they_had(
        messages in old_messages(), magic in 0..2_u8, codec in proptest::sample::select(OLD_CODECS.to_vec()),
    ) {
        let bytes = if codec == Codec::None {
            messages.iter().flat_map(|one| message(magic, 0, one)).collect()
        } else {
            wrapper(magic, codec, &messages)
        };
        let batches: Vec<Batch<'_>> = walk(&bytes).map(Result::unwrap).collect();
        let upgraded = upgrade(&batches).unwrap();
        prop_assert_eq!(contents(&upgraded), expected(magic, &messages));
        let header = BatchHeader::parse(&upgraded).unwrap();
        prop_assert_eq!(header.base_offset, messages[0].offset);
        prop_assert_eq!(header.next_offset(), messages.last().unwrap().offset + 1);
        prop_assert_eq!(batches.iter().map(|batch| batch.extent().1).sum::<u64>(), messages.len() as u64);
        prop_assert_eq!(upgrade(&batches).unwrap(), upgraded, "the same every time");
    }

    #[test]
    fn damage_in_old_messages_is_an_error_or_does_no_harm(
        messages in old_messages(), magic in 0..2_u8, codec in proptest::sample::select(OLD_CODECS.to_vec()),
        at in any::<prop::sample::Index>(), byte in any::<u8>(), inside in any::<bool>(),
    ) {
        let mut inner: Vec<u8> = messages.iter().flat_map(|one| message(magic, 0, one)).collect();
        if inside {
            let at = at.index(inner.len());
            inner[at] = byte;
        }
        let mut bytes = wrapper_of(magic, codec.code(), codec, messages.last().unwrap().offset, 5, &inner);
        if !inside {
            // Whatever the wrapper says, with a checksum that fits.
            let at = 17 + at.index(bytes.len() - 17);
            bytes[at] = byte;
            let crc = crc32fast::hash(&bytes[16..]);
            bytes[12..16].copy_from_slice(&crc.to_be_bytes());
        }
        let batch = whole(&bytes);
        let (first, count) = batch.extent();
        prop_assert!(first <= batch.base_offset() && count > 0);
        if let Ok(upgraded) = upgrade(&[batch]) {
            let again = whole(&upgraded);
            prop_assert!(again.check_crc().is_ok() && again.last_offset() == batch.last_offset());
            prop_assert_eq!((again.base_offset(), contents(&upgraded).len() as u64), (first, count));
        }
    }
}
