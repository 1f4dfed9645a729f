//! The comparison itself, over batches in memory.

use std::collections::VecDeque;

use bytes::Bytes;

use super::content::What;
use super::merge::{Merge, Odd, Rules, Tally};
use super::offsets::Offsets;
use super::side::{Batches, Halt, Side};
use crate::batch::{BatchError, BatchHeader, Codec, HEADER_SIZE, Record, build};
use crate::model::{MapPiece, OffsetRange, Positions};

const ALL: OffsetRange = OffsetRange { base: 0, next: i64::MAX };

struct Given(VecDeque<Bytes>, i64);

impl Batches for Given {
    fn next(&mut self) -> Result<Option<Bytes>, Halt> {
        Ok(self.0.pop_front())
    }

    fn broken(&self, fault: &BatchError) -> Halt {
        Halt::Unreadable { offset: -1, detail: fault.to_string() }
    }

    fn log_start(&self) -> i64 {
        self.1
    }
}

fn given(batches: &[Bytes]) -> Given {
    Given(batches.iter().cloned().collect(), i64::MIN)
}

fn record<'a>(key: &'a str, value: Option<&'a [u8]>) -> Record<'a> {
    Record { timestamp: 1_000, key: Some(key.as_bytes()), value, ..Record::default() }
}

/// A batch as a broker stores it.
fn batch(base: i64, codec: Codec, records: &[Record<'_>]) -> Bytes {
    let bytes = build(records, codec).unwrap();
    let mut header = BatchHeader::parse(&bytes).unwrap();
    header.base_offset = base;
    let mut stored = header.encode_for(&bytes[HEADER_SIZE..]).to_vec();
    stored.extend_from_slice(&bytes[HEADER_SIZE..]);
    stored.into()
}

fn compared(stored: &[Bytes], found: Given, range: OffsetRange, offsets: Offsets, rules: Rules) -> Tally {
    let (tally, _, halt) = Merge::new(Side::new(given(stored), ALL), Side::new(found, range), offsets, rules).run();
    assert!(halt.is_none(), "{halt:?}");
    tally
}

fn at_same_offsets(stored: &[Bytes], found: &[Bytes]) -> Tally {
    compared(stored, given(found), ALL, Offsets::Same, Rules::default())
}

fn first(tally: &Tally) -> (Option<i64>, Option<i64>, What, u64) {
    let Odd { source, target, what, .. } = tally.first.clone().unwrap();
    (source, target, what, tally.differences)
}

fn named(numbers: std::ops::Range<usize>) -> Vec<(String, Vec<u8>)> {
    numbers.map(|number| (format!("k{number}"), vec![number as u8; number % 7])).collect()
}

fn borrowed(records: &[(String, Vec<u8>)]) -> Vec<Record<'_>> {
    records.iter().map(|(key, value)| record(key, Some(value))).collect()
}

#[test]
fn batch_boundaries_and_codecs_may_differ() {
    let records = named(0..30);
    let records = borrowed(&records);
    let cut = |sizes: &[usize], codec: Codec| {
        let mut base = 0;
        let batches = sizes.iter().map(|size| {
            let one = batch(base as i64, codec, &records[base..base + size]);
            base += size;
            one
        });
        batches.collect::<Vec<_>>()
    };
    let cuts = [&[30][..], &[10, 20], &[1; 30], &[7, 3, 15, 5]];
    for (one, other) in [(0, 1), (1, 2), (2, 3), (3, 0), (1, 3)] {
        for codec in Codec::ALL {
            let tally = at_same_offsets(&cut(cuts[one], codec), &cut(cuts[other], Codec::None));
            assert_eq!((tally.equal, tally.differences), (30, 0), "{one} {other} {codec}");
        }
    }
    let same = cut(&[10, 20], Codec::Zstd);
    let tally = at_same_offsets(&same, &same);
    assert_eq!((tally.equal, tally.by_bytes, tally.one_by_one), (30, 2, 0), "equal bytes are not decoded");
}

#[test]
fn every_part_of_a_record_counts() {
    let plain = || Record {
        timestamp: 5,
        key: Some(b"key"),
        value: Some(b"value"),
        headers: vec![(b"a", Some(b"1")), (b"a", None), (b"b", Some(b""))],
        ..Record::default()
    };
    let cases = [
        (Record { key: Some(b"kex"), ..plain() }, What::Key, "the key differs from byte 2 on"),
        (Record { key: None, ..plain() }, What::Key, "the key is null"),
        (Record { value: Some(b""), ..plain() }, What::Value, "it has 0 bytes, it should have 5"),
        (Record { value: None, ..plain() }, What::Value, "the value is null"),
        (Record { timestamp: 6, ..plain() }, What::Timestamp, "the timestamp is 6, it should be 5"),
        (
            Record { headers: vec![(b"a", None), (b"a", Some(b"1")), (b"b", Some(b""))], ..plain() },
            What::Header,
            "the value of header 1 is null",
        ),
        (
            Record { headers: vec![(b"a", Some(b"1")), (b"a", None), (b"b", None)], ..plain() },
            What::Header,
            "the value of header 3 is null",
        ),
        (Record { headers: vec![(b"a", Some(b"1")), (b"a", None)], ..plain() }, What::Header, "it has 2 headers"),
    ];
    for (changed, what, words) in cases {
        let stored = batch(7, Codec::None, &[plain(), plain(), plain()]);
        let found = batch(7, Codec::Lz4, &[plain(), changed.clone(), changed]);
        let tally = at_same_offsets(&[stored], &[found]);
        assert_eq!(first(&tally), (Some(8), Some(8), what, 2));
        let detail = tally.first.unwrap().detail;
        assert!(detail.contains(words), "{detail}");
    }
    let null = Record { value: None, ..plain() };
    let tally = at_same_offsets(&[batch(0, Codec::None, &[null])], &[batch(0, Codec::None, &[plain()])]);
    assert!(tally.first.unwrap().detail.contains("it should be null"));
}

#[test]
fn missing_and_extra_records_are_named_by_offset() {
    let one = |offset: i64| batch(offset, Codec::None, &[record("k", Some(b"v"))]);
    let all: Vec<Bytes> = (0..9).map(one).collect();
    for gone in [0, 4, 8] {
        let rest: Vec<Bytes> = (0..9).filter(|offset| *offset != gone).map(one).collect();
        let offset = Some(gone);
        assert_eq!(first(&at_same_offsets(&all, &rest)), (offset, offset, What::Missing, 1));
        assert_eq!(first(&at_same_offsets(&rest, &all)), (None, offset, What::Extra, 1));
    }
    let range = OffsetRange { base: 2, next: 5 };
    let tally = compared(&all[2..5], given(&all), range, Offsets::Same, Rules::default());
    assert_eq!((tally.equal, tally.differences), (3, 0), "what lies outside of the range is not looked at");
}

#[test]
fn a_map_says_where_records_went() {
    let stored = [
        batch(5, Codec::None, &[record("a", Some(b"1")), record("b", Some(b"2"))]),
        batch(12, Codec::None, &[record("c", Some(b"3"))]),
        batch(20, Codec::None, &[record("d", Some(b"4"))]),
    ];
    let found = batch(100, Codec::None, &[record("a", Some(b"1")), record("b", Some(b"2")), record("c", Some(b"3"))]);
    let map = |pieces: &[[i64; 3]]| {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|[source, target, count]| Ok(MapPiece { source: *source, target: *target, count: *count }))
            .collect();
        Offsets::map(Box::new(pieces.into_iter()), Positions::new([5, 12, 13, 99]))
    };
    let pieces = [[5, 100, 2], [12, 102, 1]];
    let tally = compared(&stored[..2], given(std::slice::from_ref(&found)), ALL, map(&pieces), Rules::default());
    assert_eq!((tally.equal, tally.differences), (3, 0));
    // The map is one off, and the last record was never restored.
    let wrong = [[5, 101, 2], [12, 103, 1]];
    let tally = compared(&stored, given(std::slice::from_ref(&found)), ALL, map(&wrong), Rules::default());
    assert_eq!(first(&tally), (None, Some(100), What::Extra, 5));
    let tally = compared(&stored, given(&[found]), ALL, map(&pieces), Rules::default());
    assert_eq!(first(&tally), (Some(20), None, What::Missing, 1));
    let mut pieces = map(&pieces);
    assert_eq!(pieces.target(6, 1).unwrap(), Some(101));
    let answered: Vec<_> = pieces.finish(103).unwrap().into_iter().collect();
    assert_eq!(answered, [(5, 100), (12, 102), (13, 103), (99, 103)]);
}

#[test]
fn compaction_may_take_what_a_later_record_replaces() {
    let stored = [
        batch(0, Codec::None, &[record("a", Some(b"1")), record("b", Some(b"1")), record("gone", Some(b"1"))]),
        batch(3, Codec::None, &[record("gone", None), record("c", Some(b"1")), record("d", Some(b"1"))]),
    ];
    let found = [
        batch(5, Codec::None, &[record("d", Some(b"1"))]),
        batch(6, Codec::None, &[record("a", Some(b"2"))]),
        batch(9, Codec::Gzip, &[record("b", None)]),
        batch(12, Codec::None, &[record("other", None)]),
    ];
    let range = OffsetRange { base: 0, next: 6 };
    let rules = Rules { compacted: true, ..Rules::default() };
    let tally = compared(&stored, given(&found), range, Offsets::Same, rules);
    assert_eq!((tally.equal, tally.compacted), (1, 4));
    assert_eq!(first(&tally), (Some(4), Some(4), What::Missing, 1), "nothing later has the key of c");
    let unknown = Rules { tombstones_may_be_gone: true, ..rules };
    let tally = compared(&stored, given(&found), range, Offsets::Same, unknown);
    assert_eq!(tally.differences, 0);
    assert!(tally.not_compared.unwrap().contains("source offset 4"));
    let tally = compared(&stored, given(&found), range, Offsets::Same, Rules::default());
    assert_eq!(first(&tally), (Some(0), Some(0), What::Missing, 5), "without compaction all are missing");
}

#[test]
fn what_lies_below_the_log_start_expired_only_where_it_may() {
    let one = |offset: i64| batch(offset, Codec::None, &[record("k", Some(b"v"))]);
    let (all, left): (Vec<_>, Vec<_>) = ((0..9).map(one).collect(), (4..9).map(one).collect());
    let found = || Given(left.iter().cloned().collect(), 4);
    let may = Rules { may_expire: true, ..Rules::default() };
    let tally = compared(&all, found(), ALL, Offsets::Same, may);
    assert_eq!((tally.expired, tally.equal, tally.differences), (4, 5, 0));
    let tally = compared(&all, found(), ALL, Offsets::Same, Rules::default());
    assert_eq!(first(&tally), (Some(0), Some(0), What::Missing, 4));
    assert!(tally.first.unwrap().detail.contains("below the log start"));
}

#[test]
fn what_cannot_be_read_is_a_difference() {
    let good = batch(0, Codec::Zstd, &[record("k", Some(b"v"))]);
    let mut bad = good.to_vec();
    bad[HEADER_SIZE + 3] ^= 0x55;
    let tally = at_same_offsets(&[good], &[bad.into()]);
    assert_eq!(first(&tally), (None, Some(-1), What::Unreadable, 1));
    assert!(tally.not_compared.is_some());
}
