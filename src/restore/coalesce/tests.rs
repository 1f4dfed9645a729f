//! Batches in, fewer and larger ones with the same records out.

use super::*;
use crate::batch::{Batch, Codec, Header, ProducerStamp, Record, build, records, reheader};

/// What the sink was given.
#[derive(Default)]
struct Given(Vec<Prepared>);

impl Sink for Given {
    fn batch(&mut self, batch: Prepared) -> bool {
        self.0.push(batch);
        true
    }

    fn passed(&mut self, _piece: MapPiece) {}

    fn piece(&mut self, _piece: MapPiece) -> Result<(), RestoreError> {
        Ok(())
    }
}

const HEADERS: [Header<'_>; 2] = [(b"trace", Some(b"1")), (b"", None)];

/// A batch whose first record lands at `base`; the records' times go back and forth.
fn prepared(base: i64, count: i64, value: &[u8], codec: Codec) -> Prepared {
    let record = |offset: i64| Record {
        offset,
        timestamp: 1_000_000 * (offset % 3) - 1,
        key: (offset % 2 == 0).then_some(b"key".as_slice()),
        value: (offset % 5 != 0).then_some(value),
        headers: if offset % 4 == 0 { HEADERS.to_vec() } else { Vec::new() },
        ..Record::default()
    };
    let records: Vec<_> = (base..base + count).map(record).collect();
    let bytes = Bytes::from(build(&records, codec).unwrap());
    let stamp = ProducerStamp { producer_id: 7, producer_epoch: 2, base_sequence: base as i32 };
    Prepared {
        kind: Kind::Batch,
        header: reheader(&bytes, stamp).unwrap(),
        payload: bytes.slice(HEADER_SIZE..),
        target_base: base,
        target_next: base + count,
        source_base: base + 100,
        source_bytes: bytes.len() as u64 + 1,
    }
}

fn coalesced(batches: &[Prepared], batch_max: usize) -> Vec<Prepared> {
    let mut given = Given::default();
    let mut coalescing = Coalescing::new(&mut given, batch_max);
    assert!(batches.iter().all(|batch| coalescing.batch(batch.clone())) && coalescing.finish());
    given.0
}

fn extents(batches: &[Prepared]) -> Vec<(i64, i64)> {
    batches.iter().map(|batch| (batch.target_base, batch.target_next)).collect()
}

/// Everything that a consumer or a broker sees of the records, one line each.
fn contents(batches: &[Prepared]) -> Vec<String> {
    let mut lines = Vec::new();
    for prepared in batches {
        let bytes = [&prepared.header[..], &prepared.payload].concat();
        let batch = Batch::parse(&bytes).unwrap();
        batch.check_crc().unwrap();
        let header = *batch.modern().unwrap();
        assert_eq!((header.base_offset, header.producer_id, header.producer_epoch), (0, 7, 2));
        assert!(header.is_whole() && i64::from(header.record_count) == prepared.target_next - prepared.target_base);
        let all: Vec<_> =
            (&records(&batch).unwrap()).into_iter().map(Result::unwrap).map(|one| one.timestamp).collect();
        assert_eq!(Some(&header.max_timestamp), all.iter().max());
        for record in &records(&batch).unwrap() {
            let record = record.unwrap();
            let sequence = i64::from(header.base_sequence) + record.offset;
            let plain = Record { offset: 0, ..record.clone() };
            lines.push(format!("{} {sequence} {plain:?}", prepared.target_base + record.offset));
        }
    }
    lines
}

#[test]
fn small_batches_become_one_and_no_record_changes() {
    for codec in Codec::ALL {
        let batches: Vec<_> = (0..9).map(|base| prepared(base * 2, 2, b"value", codec)).collect();
        let joined = coalesced(&batches, 1 << 20);
        assert_eq!(extents(&joined), [(0, 18)], "{codec}");
        assert_eq!(contents(&joined), contents(&batches), "{codec}");
        assert_eq!(
            (joined[0].source_base, joined[0].source_bytes),
            (100, batches.iter().map(|one| one.source_bytes).sum())
        );
    }
}

#[test]
fn what_does_not_go_together_stays_apart_and_in_order() {
    let (small, large) = (|base| prepared(base, 1, b"v", Codec::None), vec![7; SMALL]);
    let batches = [
        small(0),
        small(1),
        // Another codec.
        prepared(2, 1, b"v", Codec::Lz4),
        prepared(3, 1, b"v", Codec::Lz4),
        // Large.
        prepared(4, 1, &large, Codec::None),
        small(6),
        // A gap before it.
        small(8),
        small(9),
        Prepared { kind: Kind::Filler, ..small(10) },
        small(11),
    ];
    let joined = coalesced(&batches, 1 << 20);
    assert_eq!(extents(&joined), [(0, 2), (2, 4), (4, 5), (6, 7), (8, 10), (10, 11), (11, 12)]);
    assert_eq!(joined[2].payload, batches[4].payload);
    assert_eq!(joined[5].kind, Kind::Filler);
    let random = |at: u32| (at.wrapping_mul(at).wrapping_mul(2_654_435_761) >> 13) as u8;
    let random: Vec<u8> = (0..SMALL_COMPRESSED as u32).map(random).collect();
    let packed: Vec<_> = [1, 2].map(|base| prepared(base, 1, &random, Codec::Lz4)).to_vec();
    assert_eq!(
        extents(&coalesced(&packed, 1 << 20)),
        [(1, 2), (2, 3)],
        "compressing much anew costs more than it gives"
    );
}

#[test]
fn no_batch_gets_larger_than_the_topic_takes() {
    let batches: Vec<_> = (0..40).map(|base| prepared(base, 1, &[7; 1000], Codec::None)).collect();
    let joined = coalesced(&batches, 10_000);
    assert!(joined.len() > 3 && joined.iter().all(|batch| batch.size() <= 10_000), "{:?}", extents(&joined));
    assert_eq!(contents(&joined), contents(&batches));
    assert_eq!(coalesced(&batches[1..5], 1500).len(), 4, "two are too much already");
}

#[test]
fn what_cannot_be_read_is_sent_as_it_came() {
    let good = |base| prepared(base, 1, b"v", Codec::None);
    let mut bad = good(2);
    bad.payload = Bytes::from_static(&[0xff; 8]);
    for batches in [[good(0), good(1), bad.clone()], [bad, good(3), good(4)]] {
        let joined = coalesced(&batches, 1 << 20);
        let of = |bytes: &[u8]| joined.iter().filter(|one| one.payload == bytes).count();
        assert_eq!(of(&[0xff; 8]), 1, "{:?}", extents(&joined));
        assert_eq!(joined.iter().map(|one| one.target_next - one.target_base).sum::<i64>(), 3);
    }
}
