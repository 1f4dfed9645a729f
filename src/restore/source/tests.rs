//! Stored batches in, batches to be sent out.

use super::*;
use crate::batch::old_messages::{Old, message, wrapper};
use crate::batch::{BatchHeader, records};
use crate::model::TopicName;
use crate::repository::testing::{self, batch, batch_with, marker, transactional};
use crate::store::MemoryStore;

/// Batches as a broker would append them.
#[derive(Default)]
struct Taken {
    bases: Vec<i64>,
    /// Target offset, sequence number and value of each record.
    records: Vec<(i64, i32, Vec<u8>)>,
    pieces: Vec<MapPiece>,
    /// What has no records, and from where to where.
    stretches: Vec<(Kind, i64, i64)>,
}

impl Sink for Taken {
    fn batch(&mut self, prepared: Prepared) -> bool {
        if !matches!(prepared.kind, Kind::Batch) {
            self.stretches.push((prepared.kind, prepared.target_base, prepared.target_next));
            return true;
        }
        let bytes = [&prepared.header[..], &prepared.payload].concat();
        let sent = Batch::parse(&bytes).unwrap();
        sent.check_crc().unwrap();
        let header: BatchHeader = *sent.modern().unwrap();
        assert!(header.is_whole() && header.base_offset == 0);
        assert_eq!(prepared.target_next - prepared.target_base, i64::from(header.record_count));
        for record in &records(&sent).unwrap() {
            let record = record.unwrap();
            let sequence = header.base_sequence + record.offset as i32;
            self.records.push((prepared.target_base + record.offset, sequence, record.value.unwrap().to_vec()));
        }
        self.bases.push(prepared.source_base);
        true
    }

    fn passed(&mut self, _piece: MapPiece) {}

    fn piece(&mut self, piece: MapPiece) -> Result<(), RestoreError> {
        self.pieces.push(piece);
        Ok(())
    }
}

fn source(seals: &[crate::repository::format::Seal], keep: OffsetRange) -> Source {
    Source {
        at: TopicPartition::new(TopicName::new("orders").unwrap(), 0),
        segments: SegmentList { parts: Vec::new(), tail: seals.to_vec() },
        keep,
        producer: ProducerIdentity { producer_id: 1, producer_epoch: 0 },
        target_codecs: CodecSet::ALL,
        batch_max: 1 << 20,
        target_base: 0,
        from: 0,
        preserve: None,
    }
}

#[test]
fn data_without_an_outcome_is_not_restored_and_not_called_aborted() {
    let repository = testing::repository(MemoryStore::new());
    let run = repository.begin_run(testing::CLUSTER).unwrap();
    let begin = || testing::start("orders", 0, &run, None);
    // Producer 7 is aborted, 8 commits, 9 ends in offsets that were never read, 5 is open at the end.
    let before = [transactional(0, 1, 7), transactional(1, 1, 8), transactional(2, 1, 9), marker(3, 7, false)];
    let before = [&before[..], &[marker(4, 8, true)]].concat();
    let after = [batch(20, 1), transactional(21, 2, 5)];
    let seals = [&before[..], &after[..]].map(|batches| testing::segment(&repository, &run, begin(), batches));
    let mut taken = Taken::default();
    let passed = source(&seals, OffsetRange { base: 0, next: 23 }).read(&repository, &mut taken).unwrap().unwrap();
    let admitted = passed.admitted;
    assert_eq!(taken.bases, [1, 20]);
    assert_eq!((admitted.dropped_aborted, admitted.dropped_lost, admitted.dropped_open), (1, 1, 1));
    assert_eq!((admitted.records, admitted.dropped_control), (2, 2));
}

#[test]
fn a_kept_partition_is_mapped_in_one_piece_and_an_empty_one_in_none() {
    let repository = testing::repository(MemoryStore::new());
    let run = repository.begin_run(testing::CLUSTER).unwrap();
    let seal = testing::segment(&repository, &run, testing::start("orders", 0, &run, None), &[batch(5, 3)]);
    let kept = |seals: &[_], keep| kept(&source(seals, keep), 0, false);
    let mut taken = Taken::default();
    kept(&[seal], OffsetRange { base: 5, next: 8 }).read(&repository, &mut taken).unwrap().unwrap();
    assert_eq!(taken.pieces, [MapPiece { source: 5, target: 5, count: 3 }]);
    let mut nothing = Taken::default();
    kept(&[], OffsetRange { base: 8, next: 8 }).read(&repository, &mut nothing).unwrap().unwrap();
    assert!(nothing.pieces.is_empty(), "{:?}", nothing.pieces);
}

/// Offsets are to be kept, in a log that ends at `from`.
fn kept(source: &Source, from: i64, looked: bool) -> Source {
    let producers = Producers { data: 1, filler: 2, markers: 3 };
    Source { from, preserve: Some(Preserve { producers, looked, last: None }), ..source.clone() }
}

#[test]
fn any_log_end_is_a_legal_start_where_offsets_are_kept() {
    let repository = testing::repository(MemoryStore::new());
    let run = repository.begin_run(testing::CLUSTER).unwrap();
    let holes = |header: &mut BatchHeader| header.last_offset_delta = 9;
    let batches = [batch(10, 4), marker(14, 8, true), batch_with(15, 3, holes), batch(40, 5)];
    let seals = [testing::segment(&repository, &run, testing::start("orders", 0, &run, None), &batches)];
    let source = source(&seals, OffsetRange { base: 12, next: 45 });
    let pass = |from, looked| {
        let mut taken = Taken::default();
        let passed = kept(&source, from, looked).read(&repository, &mut taken).unwrap().unwrap();
        (taken, passed)
    };
    let (first, passed) = pass(0, false);
    let offsets = [12, 13, 15, 16, 17, 40, 41, 42, 43, 44];
    assert!(first.records.iter().map(|(at, sequence, _)| (*at, *sequence)).eq(offsets.into_iter().zip(0..)));
    assert_eq!((passed.log_end, passed.admitted.records), (45, 10));
    for from in 0..=45 {
        let (rest, again) = pass(from, true);
        let expected: Vec<_> = first.records.iter().filter(|(at, _, _)| *at >= from).cloned().collect();
        assert_eq!(rest.records, expected, "from {from}");
        assert_eq!((again.admitted, again.log_end), (passed.admitted, 45), "from {from}");
    }
    // Only where the log ends may something of a former run still come.
    let hole = |unresolved, base, next| (Kind::Hole { unresolved }, base, next);
    let (begun, gone_on) = (pass(0, true).0.stretches, pass(14, true).0.stretches);
    assert_eq!(begun, [(Kind::Filler, 0, 12), hole(false, 14, 15), hole(false, 18, 40)]);
    assert_eq!(gone_on, [hole(true, 14, 15), hole(false, 18, 40)]);
    assert_eq!(pass(14, false).0.stretches[0], hole(false, 14, 15));
}

#[test]
fn a_batch_of_which_nothing_is_kept_counts_as_left_out() {
    let repository = testing::repository(MemoryStore::new());
    let run = repository.begin_run(testing::CLUSTER).unwrap();
    let holes = |header: &mut BatchHeader| header.last_offset_delta = 9;
    // The log start lies in the hole behind the first batch's records.
    let batches = [batch_with(10, 3, holes), batch_with(20, 3, holes), batch(30, 4)];
    let seals = [testing::segment(&repository, &run, testing::start("orders", 0, &run, None), &batches)];
    let source = source(&seals, OffsetRange { base: 15, next: 34 });
    for source in [source.clone(), kept(&source, 0, false)] {
        let passed = source.read(&repository, &mut Taken::default()).unwrap().unwrap();
        let expected =
            Admitted { records: 7, reheadered: 1, reencoded: 1, dropped_out_of_range: 1, ..Admitted::default() };
        assert_eq!(passed.admitted, expected);
    }
}

#[test]
fn any_log_end_is_a_legal_start() {
    let repository = testing::repository(MemoryStore::new());
    let run = repository.begin_run(testing::CLUSTER).unwrap();
    let begin = || testing::start("orders", 0, &run, None);
    // A log start within the first batch, a marker, a hole within a batch and one between two, an end within the last.
    let holes = |header: &mut BatchHeader| header.last_offset_delta = 9;
    let batches = [batch(10, 4), marker(14, 8, true), batch_with(15, 3, holes), batch(40, 5)];
    let seals = [testing::segment(&repository, &run, begin(), &batches)];
    begins_anywhere(&repository, &source(&seals, OffsetRange { base: 12, next: 43 }), 8);
}

#[test]
fn any_log_end_is_a_legal_start_within_old_messages() {
    let repository = testing::repository(MemoryStore::new());
    let run = repository.begin_run(testing::CLUSTER).unwrap();
    let begin = || testing::start("orders", 0, &run, None);
    let old = |offset: i64| Old::of(offset, &offset.to_string());
    let wrapped =
        |magic, codec, range: std::ops::Range<i64>| wrapper(magic, codec, &range.map(old).collect::<Vec<_>>());
    let single = |magic, offset| message(magic, 0, &old(offset));
    // A log start and an end within compressed messages, single ones in a row with a hole, and a new batch.
    let before = [wrapped(0, Codec::Lz4, 10..14), single(0, 14), single(0, 15), single(1, 17), single(1, 18)];
    let after = [single(1, 19), wrapped(1, Codec::Gzip, 20..22), batch(22, 3), wrapped(1, Codec::Snappy, 30..34)];
    let seals = [&before[..], &after[..]].map(|batches| testing::segment(&repository, &run, begin(), batches));
    let facts = |seal: &crate::repository::format::Seal| (seal.base, seal.next, seal.records, seal.legacy_batches);
    assert_eq!(seals.each_ref().map(facts), [(10, 19, 8, 5), (19, 34, 10, 3)]);
    let source = source(&seals, OffsetRange { base: 12, next: 32 });
    let first = begins_anywhere(&repository, &source, 14);
    let values = first.records.iter().map(|(_, _, value)| String::from_utf8_lossy(value).into_owned());
    let expected = [12, 13, 14, 15, 17, 18, 19, 20, 21].map(|offset| offset.to_string());
    assert!(values.take(9).eq(expected));
    assert_eq!(first.bases, [12, 14, 19, 20, 22, 30], "single messages are sent together");
    let passed = source.read(&repository, &mut Taken::default()).unwrap().unwrap();
    assert_eq!((passed.admitted.converted, passed.admitted.reheadered, passed.admitted.reencoded), (8, 3, 3));
}

/// A restore that goes on anywhere sends what is missing of one that was never cut off.
fn begins_anywhere(repository: &Repository, whole: &Source, records: i64) -> Taken {
    let mut first = Taken::default();
    let passed = whole.clone().read(repository, &mut first).unwrap().unwrap();
    let admitted = passed.admitted;
    assert_eq!((passed.log_end, admitted.records), (records, records as u64));
    assert!(first.records.iter().map(|(at, sequence, _)| (*at, *sequence)).eq((0..records).zip(0..)));
    assert_eq!(first.records.len() as i64, records);
    for from in 0..=records + 1 {
        for base in [0, 100] {
            let mut rest = Taken::default();
            let again = Source { target_base: base, from: base + from, ..whole.clone() };
            let passed = again.read(repository, &mut rest).unwrap().unwrap();
            let expected = first.records.iter().skip(from as usize).cloned();
            let expected: Vec<_> = expected.map(|(at, sequence, value)| (at + base, sequence, value)).collect();
            assert_eq!(rest.records, expected, "from {from}");
            assert_eq!((passed.admitted, passed.log_end), (admitted, base + records), "from {from}");
            let map = first.pieces.iter().map(|piece| MapPiece { target: piece.target + base, ..*piece });
            assert_eq!(rest.pieces, map.collect::<Vec<_>>(), "the map is that of the whole, from {from}");
        }
    }
    first
}

#[test]
fn sequence_numbers_wrap_after_the_largest() {
    assert_eq!(sequence(0), 0);
    assert_eq!(sequence(i64::from(i32::MAX)), i32::MAX);
    assert_eq!(sequence(i64::from(i32::MAX) + 1), 0);
    assert_eq!(sequence(i64::from(i32::MAX) + 4), 3);
}

#[test]
fn counts_of_partitions_add_up() {
    let one = Admitted {
        records: 11,
        reheadered: 12,
        reencoded: 13,
        converted: 14,
        dropped_control: 15,
        dropped_empty: 16,
        dropped_aborted: 17,
        dropped_open: 18,
        dropped_open_at_cut: 19,
        dropped_lost: 20,
        dropped_out_of_range: 21,
    };
    let mut sum = one;
    sum.add(&one);
    let numbers = |admitted: &Admitted| -> Vec<u64> {
        serde_json::to_value(admitted).unwrap().as_object().unwrap().values().map(|it| it.as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&sum), numbers(&one).iter().map(|number| 2 * number).collect::<Vec<_>>());
}
