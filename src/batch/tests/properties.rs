//! What must hold for any bytes and any records.

use super::*;
use crate::model::OffsetRange;

const EVERYTHING: OffsetRange = OffsetRange { base: 0, next: i64::MAX };
const STAMP: ProducerStamp = ProducerStamp { producer_id: 4711, producer_epoch: 3, base_sequence: 90 };

/// Bytes that look like batches more often than chance would have it.
fn bytes_of_batches() -> impl Strategy<Value = Vec<u8>> {
    let damaged = (owned_records(), any_codec(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>());
    let batch = damaged.prop_map(|(records, codec, at, byte, damage)| {
        let mut bytes = batch_of(&records, codec);
        if damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    });
    let legacy = (0..2_u8, vec(any::<u8>(), 8..60)).prop_map(|(magic, body)| legacy_message(9, magic, &body));
    let noise = vec(any::<u8>(), 0..70);
    vec(prop_oneof![3 => batch, 1 => legacy, 1 => noise], 0..5).prop_map(|parts| parts.concat())
}

/// A v0 or v1 message with a valid checksum; `body` is all from the attributes on.
pub(super) fn legacy_message(offset: i64, magic: u8, body: &[u8]) -> Vec<u8> {
    let checked = [&[magic], body].concat();
    let mut bytes = offset.to_be_bytes().to_vec();
    bytes.extend((checked.len() as i32 + 4).to_be_bytes());
    bytes.extend(crc32fast::hash(&checked).to_be_bytes());
    bytes.extend(checked);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn walking_any_bytes_is_safe_and_loses_none(bytes in bytes_of_batches(), cut in any::<prop::sample::Index>()) {
        let bytes = &bytes[..cut.index(bytes.len() + 1)];
        let mut steps = walk(bytes);
        let mut whole = Vec::new();
        for batch in steps.by_ref().map_while(Result::ok) {
            prop_assert_eq!(walk(batch.bytes()).map(|again| again.unwrap().bytes()).collect::<Vec<_>>(), [batch.bytes()]);
            prop_assert!(batch.next_offset() > batch.base_offset());
            // Whatever it holds, reading it ends.
            let _ = (batch.check_crc(), marker(&batch), reheader(batch.bytes(), STAMP));
            let _ = reencode(&batch, EVERYTHING, Codec::None);
            whole.extend_from_slice(batch.bytes());
        }
        prop_assert_eq!(whole.len(), steps.consumed());
        whole.extend_from_slice(steps.rest());
        prop_assert_eq!(whole.as_slice(), bytes);
        prop_assert!(steps.next().is_none());
    }

    #[test]
    fn headers_are_written_as_they_were_read(mut bytes in vec(any::<u8>(), HEADER_SIZE)) {
        bytes[16] = 2;
        for sign in [0, 8, 23, 57] {
            bytes[sign] &= 0x3f;
        }
        if let Ok(header) = BatchHeader::parse(&bytes) {
            prop_assert_eq!(header.encode().to_vec(), bytes);
        }
    }

    #[test]
    fn any_flipped_bit_under_the_checksum_is_seen(
        records in owned_records(), codec in any_codec(), at in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let mut bytes = batch_of(&records, codec);
        let at = 17 + at.index(bytes.len() - 17);
        bytes[at] ^= 1 << bit;
        // Fields that cannot be, as a negative count, are seen even before.
        prop_assert!(Batch::parse(&bytes).and_then(|batch| batch.check_crc()).is_err());
    }

    #[test]
    fn flips_in_base_offset_and_leader_epoch_are_not_seen(records in owned_records(), at in 12..16_usize) {
        // So a segment needs a digest of its own.
        let mut bytes = batch_of(&records, Codec::None);
        bytes[at] ^= 1;
        bytes[7] ^= 1;
        prop_assert!(Batch::parse(&bytes).unwrap().check_crc().is_ok());
    }

    #[test]
    fn records_come_back_as_they_were_written(records in owned_records(), codec in any_codec()) {
        let bytes = batch_of(&records, codec);
        let header = BatchHeader::parse(&bytes).unwrap();
        prop_assert_eq!(header.max_timestamp, records.iter().map(|record| record.time).max().unwrap());
        prop_assert!(header.is_whole());
        let back = contents(&bytes);
        prop_assert!(back.iter().map(|(offset, _)| *offset).eq(0..records.len() as i64));
        prop_assert!(back.into_iter().map(|(_, record)| record).eq(records));
    }

    #[test]
    fn a_new_header_changes_what_it_says_and_nothing_else(
        records in owned_records(), codec in any_codec(), base in 0..i64::MAX / 2, odd in any::<bool>(),
    ) {
        let dense = records.into_iter().enumerate().map(|(index, record)| (index as i32, record)).collect::<Vec<_>>();
        let unknown = if odd { 0x4080 } else { 0 };
        let bits = Attributes::TRANSACTIONAL | Attributes::DELETE_HORIZON | unknown | i16::from(codec.code());
        let before = stored(&dense, base, Attributes(bits), |header| header.producer_id = 12);
        let header = reheader(&before, STAMP).unwrap();
        let after = [&header, &before[HEADER_SIZE..]].concat();

        let old = BatchHeader::parse(&before).unwrap();
        let new = BatchHeader::parse(&after).unwrap();
        let expected = BatchHeader {
            base_offset: 0,
            leader_epoch: -1,
            crc: new.crc,
            attributes: Attributes(unknown | i16::from(codec.code())),
            producer_id: STAMP.producer_id,
            producer_epoch: STAMP.producer_epoch,
            base_sequence: STAMP.base_sequence,
            ..old
        };
        prop_assert_eq!(new, expected);
        prop_assert_eq!(contents(&after), contents(&before).into_iter().map(|(offset, r)| (offset - base, r)).collect::<Vec<_>>());
        prop_assert_eq!(reheader(&after, STAMP).unwrap(), header);
    }

    #[test]
    fn written_anew_the_records_are_the_same_and_dense(
        records in owned_records(), from in any_codec(), to in any_codec(), gaps in vec(0..4_u8, 1..12),
        base in 0..1_000_000_i64, tail in 0..3_i32, low in 0..20_i64, width in 0..40_i64, append_time in any::<bool>(),
    ) {
        let bit = if append_time { Attributes::LOG_APPEND_TIME } else { 0 };
        let attributes = Attributes(bit | Attributes::TRANSACTIONAL | i16::from(from.code()));
        let before = stored(&with_holes(records, &gaps), base, attributes, |header| header.last_offset_delta += tail);
        let keep = OffsetRange { base: base + low - 5, next: base + low - 5 + width };
        let mut kept = contents(&before);
        kept.retain(|(offset, _)| (keep.base..keep.next).contains(offset));

        let batch = Batch::parse(&before).unwrap();
        let Some(reencoded) = reencode(&batch, keep, to).unwrap() else {
            prop_assert!(kept.is_empty());
            return Ok(());
        };
        let after = contents(&reencoded.bytes);
        prop_assert!(after.iter().map(|(offset, _)| *offset).eq(0..kept.len() as i64));
        let header = BatchHeader::parse(&reencoded.bytes).unwrap();
        prop_assert_eq!(header.attributes, Attributes::of(to));
        prop_assert!(header.is_whole() && reheader(&reencoded.bytes, STAMP).is_ok());
        let offsets = reencoded.runs.iter().flat_map(|run| run.base..run.base + i64::from(run.count));
        prop_assert!(offsets.eq(kept.iter().map(|(offset, _)| *offset)));
        prop_assert!(reencoded.runs.windows(2).all(|pair| pair[0].base + i64::from(pair[0].count) < pair[1].base));
        let dense = reencode_runs(&batch, keep, to).unwrap();
        prop_assert!(dense.iter().flat_map(|one| one.runs.clone()).eq(reencoded.runs));
        let mut in_place = Vec::new();
        for one in &dense {
            let header = BatchHeader::parse(&one.bytes).unwrap();
            prop_assert!(header.is_whole() && header.record_count == one.runs[0].count);
            in_place.extend(contents(&one.bytes).into_iter().map(|(offset, it)| (one.runs[0].base + offset, it)));
        }
        prop_assert_eq!(&in_place, &kept);
        prop_assert!(after.into_iter().map(|(_, record)| record).eq(kept.into_iter().map(|(_, record)| record)));
    }
}
