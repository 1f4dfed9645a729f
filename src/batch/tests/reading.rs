//! Single cases of walking, records and markers.

use super::properties::legacy_message;
use super::*;
use crate::model::OffsetRange;

const EVERYTHING: OffsetRange = OffsetRange { base: 0, next: i64::MAX };

#[test]
fn old_and_new_formats_mix() {
    let v1 = legacy_message(4, 1, &[&[8][..], &77_i64.to_be_bytes(), &[255; 8]].concat());
    let v0 = legacy_message(3, 0, &[&[0][..], &[255; 8]].concat());
    let v2 = stored(&[(0, plain("a"))], 5, Attributes(0), |_| {});
    let bytes = [v0, v1, v2, vec![0; 16]].concat();
    let mut steps = walk(&bytes);
    let batches = steps.by_ref().map(Result::unwrap).collect::<Vec<_>>();
    let seen = batches.iter().map(|batch| (batch.last_offset(), batch.is_legacy(), batch.max_timestamp()));
    assert!(seen.eq([(3, true, -1), (4, true, 77), (5, false, 1_700_000_000_000)]));
    assert!(batches.iter().all(|batch| batch.check_crc().is_ok()));
    assert_eq!(steps.rest(), [0; 16]);
    assert_eq!(records(&batches[1]).unwrap_err(), BatchError::Legacy { base_offset: 4, magic: 1 });
}

#[test]
fn damage_in_an_old_message_is_seen() {
    let mut v1 = legacy_message(4, 1, &[7; 30]);
    v1[30] ^= 0x10;
    let error = walk(&v1).next().unwrap().unwrap().check_crc().unwrap_err();
    assert!(matches!(error, BatchError::Checksum { base_offset: 4, .. }));
}

#[test]
fn hostile_lengths_end_the_walk() {
    for length in [i32::MIN, -1, 0, 48] {
        let mut bytes = batch_of(&[plain("a")], Codec::None);
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        let mut steps = walk(&bytes);
        assert_eq!(steps.next(), Some(Err(BatchError::Length { base_offset: 0, length, minimum: 49 })));
        assert!(steps.next().is_none());
    }
    let mut bytes = batch_of(&[plain("a")], Codec::None);
    bytes[8..12].copy_from_slice(&i32::MAX.to_be_bytes());
    assert!(walk(&bytes).next().is_none());
    assert_eq!(size_of_first(&bytes), Ok(Some(i32::MAX as usize + 12)));
}

#[test]
fn reading_goes_on_where_it_stood() {
    let bytes = stored(&[(0, plain("a")), (3, plain("b")), (4, plain("c"))], 7, Attributes::of(Codec::Zstd), |_| {});
    let all = records(&Batch::parse(&bytes).unwrap()).unwrap().into_owned();
    let (mut place, mut offsets) = (Place::START, Vec::new());
    loop {
        let mut iter = all.iter_from(place);
        let Some(record) = iter.next() else { break };
        offsets.push(record.unwrap().offset);
        place = iter.place(&all);
    }
    assert_eq!(offsets, [7, 10, 11]);
}

#[test]
fn broker_times_apply_to_every_record() {
    let records = [(0, Owned { time: 5, ..plain("a") }), (1, Owned { time: 9, ..plain("b") })];
    let bytes = stored(&records, 0, Attributes(Attributes::LOG_APPEND_TIME), |header| header.max_timestamp = 1234);
    assert!(contents(&bytes).iter().all(|(_, record)| record.time == 1234));
}

#[test]
fn one_time_for_all_needs_no_new_compression() {
    let records = [(0, plain("a")), (1, plain("b"))];
    let attributes = Attributes(Attributes::LOG_APPEND_TIME | i16::from(Codec::Lz4.code()));
    let bytes = stored(&records, 40, attributes, |header| header.max_timestamp += 50);
    let reencoded = reencode(&Batch::parse(&bytes).unwrap(), EVERYTHING, Codec::Lz4).unwrap().unwrap();
    assert_eq!(reencoded.bytes[HEADER_SIZE..], bytes[HEADER_SIZE..]);
    assert!(contents(&reencoded.bytes).iter().all(|(_, record)| record.time == 1_700_000_000_050));
}

#[test]
fn a_missing_tail_needs_no_new_compression() {
    let bytes = stored(&[(0, plain("a")), (1, plain("b"))], 40, Attributes::of(Codec::Gzip), |header| {
        header.last_offset_delta = 9;
    });
    let reencoded = reencode(&Batch::parse(&bytes).unwrap(), EVERYTHING, Codec::Gzip).unwrap().unwrap();
    assert_eq!(reencoded.bytes[HEADER_SIZE..], bytes[HEADER_SIZE..]);
    assert_eq!(reencoded.runs, [Run { base: 40, count: 2 }]);
    assert!(BatchHeader::parse(&reencoded.bytes).unwrap().is_whole());
}

#[test]
fn a_delete_horizon_does_not_move_times() {
    let records = [(0, Owned { time: 5000, ..plain("a") }), (2, Owned { time: 4000, ..plain("b") })];
    let attributes = Attributes(Attributes::DELETE_HORIZON);
    let bytes = stored(&records, 0, attributes, |_| {});
    let reencoded = reencode(&Batch::parse(&bytes).unwrap(), EVERYTHING, Codec::None).unwrap().unwrap();
    let times = contents(&reencoded.bytes).into_iter().map(|(_, record)| record.time);
    assert!(times.eq([5000, 4000]));
    assert!(!BatchHeader::parse(&reencoded.bytes).unwrap().attributes.delete_horizon());
}

#[test]
fn offsets_that_lie_are_found() {
    let fault = |deltas: [i32; 3], last: i32| {
        let records = deltas.map(|delta| (delta, plain("a")));
        let bytes = stored(&records, 10, Attributes(0), |header| header.last_offset_delta = last);
        reencode(&Batch::parse(&bytes).unwrap(), EVERYTHING, Codec::None).unwrap_err()
    };
    let at = |index, delta| BatchError::Record { base_offset: 10, index, fault: RecordFault::OffsetDelta(delta) };
    assert_eq!(fault([0, 0, 1], 9), at(1, 0));
    assert_eq!(fault([3, 2, 4], 9), at(1, 2));
    assert_eq!(fault([0, 1, 7], 5), at(2, 7));
}

#[test]
fn a_count_that_lies_is_found() {
    let lie = |count| {
        let bytes =
            stored(&[(0, plain("a")), (1, plain("b"))], 10, Attributes(0), |header| header.record_count = count);
        reencode(&Batch::parse(&bytes).unwrap(), EVERYTHING, Codec::None).unwrap_err()
    };
    assert!(matches!(lie(1), BatchError::Record { index: 1, fault: RecordFault::AfterLast(_), .. }));
    assert!(matches!(lie(3), BatchError::Record { index: 2, fault: RecordFault::Cut, .. }));
    assert!(matches!(lie(i32::MAX), BatchError::Record { index: 2, .. }));
}

#[test]
fn damage_is_not_given_a_good_checksum() {
    let mut bytes = batch_of(&[plain("abc")], Codec::None);
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    let checksum = |error: BatchError| matches!(error, BatchError::Checksum { .. });
    assert!(checksum(reheader(&bytes, ProducerStamp::NONE).unwrap_err()));
    assert!(checksum(reencode(&Batch::parse(&bytes).unwrap(), EVERYTHING, Codec::Gzip).unwrap_err()));
}

#[test]
fn markers() {
    let control = |kind: u8| {
        let record = Owned { key: Some(vec![0, 0, 0, kind]), value: Some(vec![0; 6]), ..plain("") };
        stored(&[(0, record)], 8, Attributes(Attributes::CONTROL | Attributes::TRANSACTIONAL), |_| {})
    };
    let read = |bytes: &[u8]| marker(&Batch::parse(bytes).unwrap());
    assert_eq!(read(&control(0)), Ok(Some(Marker::Abort)));
    assert_eq!(read(&control(1)), Ok(Some(Marker::Commit)));
    assert_eq!(read(&control(5)), Ok(Some(Marker::Other)));
    assert_eq!(read(&batch_of(&[plain("data")], Codec::None)), Ok(None));
    let mut emptied = control(0);
    emptied.truncate(HEADER_SIZE);
    with_header(&mut emptied, |header| header.record_count = 0);
    assert_eq!(read(&emptied), Ok(None));
}

#[test]
fn offsets_must_ascend_wherever_reading_goes_on() {
    let bytes = stored(&[(0, plain("a")), (1, plain("b")), (1, plain("c"))], 7, Attributes(0), |_| {});
    let all = records(&Batch::parse(&bytes).unwrap()).unwrap();
    let mut iter = all.iter();
    assert_eq!(iter.by_ref().take(2).map(|record| record.unwrap().offset).collect::<Vec<_>>(), [7, 8]);
    let fault = RecordFault::OffsetDelta(1);
    assert_eq!(
        all.iter_from(iter.place(&all)).next(),
        Some(Err(BatchError::Record { base_offset: 7, index: 2, fault }))
    );
}

#[test]
fn large_records_share_a_batch() {
    let large = plain(&"x".repeat(100_000));
    let bytes = batch_of(&[large.clone(), large.clone(), large.clone()], Codec::None);
    assert_eq!(contents(&bytes), [(0, large.clone()), (1, large.clone()), (2, large)]);
}
