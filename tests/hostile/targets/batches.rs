//! Record batches, as they come from a leader or lie in a segment. The first byte says whether lengths and checksums are
//! made right first: else nothing behind the checksum would ever be reached.

use ktape::batch::{
    AdmissionContext, Batch, BatchHeader, Codec, CodecSet, HEADER_SIZE, Joiner, ProducerStamp, Record, admit,
    kept_runs, marker, records_up_to, reencode, reencode_runs, reheader, size_of_first, upgrade, walk,
};
use ktape::model::OffsetRange;

const EVERYTHING: OffsetRange = OffsetRange { base: 0, next: i64::MAX };
const STAMP: ProducerStamp = ProducerStamp { producer_id: 4711, producer_epoch: 3, base_sequence: 90 };
/// Decompressed bytes of a batch that are looked at.
const LARGEST: usize = 1 << 20;

pub(super) fn run(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let bytes = if how & 1 == 1 { made_right(rest) } else { rest.to_vec() };
    let mut steps = walk(&bytes);
    let mut whole = 0;
    for batch in steps.by_ref().map_while(Result::ok) {
        whole += batch.bytes().len();
        assert!(batch.next_offset() > batch.base_offset() || batch.is_legacy());
        one(&batch, Codec::ALL[usize::from(how >> 1) % Codec::ALL.len()]);
    }
    assert_eq!(whole, steps.consumed());
    assert_eq!(whole + steps.rest().len(), bytes.len());
}

fn one(batch: &Batch<'_>, codec: Codec) {
    let sound = batch.check_crc().is_ok();
    let _ = (marker(batch), batch.min_timestamp(), batch.max_timestamp());
    let Some(header) = batch.header() else { return old(batch) };
    let context = AdmissionContext { aborted: false, keep: EVERYTHING, target_codecs: CodecSet::ALL };
    let _ = admit(header, &context);
    if let Ok(header) = reheader(batch.bytes(), STAMP) {
        assert!(Batch::parse(&[&header, batch.payload()].concat()).unwrap().check_crc().is_ok());
        joined(batch, &header);
    }
    let Ok(records) = records_up_to(batch, LARGEST) else { return };
    assert!(records.size() <= LARGEST || header.attributes.codec() == Some(Codec::None));
    let mut before = header.base_offset - 1;
    let mut kept = Vec::new();
    for record in &records {
        let Ok(record) = record else { return };
        assert!(before < record.offset && record.offset <= batch.last_offset(), "offsets ascend within the batch");
        before = record.offset;
        kept.push(record);
    }
    if sound {
        written_anew(batch, &kept, codec);
    }
}

/// Joined with itself, it has its records twice.
fn joined(batch: &Batch<'_>, header: &[u8; HEADER_SIZE]) {
    let Ok(mut joiner) = Joiner::new(header, batch.payload(), LARGEST) else { return };
    if !matches!(joiner.push(header, batch.payload()), Ok(true)) {
        return;
    }
    let bytes = joiner.finish().unwrap();
    let twice = Batch::parse(&bytes).unwrap();
    twice.check_crc().unwrap();
    let (once, twice) = (records_up_to(batch, LARGEST).unwrap(), records_up_to(&twice, LARGEST).unwrap());
    let content = |record: Record<'_>| format!("{:?}", Record { offset: 0, ..record });
    let once: Vec<String> = once.iter().map(|record| content(record.unwrap())).collect();
    let twice: Vec<String> = twice.iter().map(|record| content(record.unwrap())).collect();
    assert_eq!(twice, [&once[..], &once].concat());
}

/// A message in format v0 or v1 becomes a batch that ends where it ended.
fn old(batch: &Batch<'_>) {
    // There is no limit to set, and zstd makes megabytes of a few bytes.
    if batch.codec_code() == Codec::Zstd.code() && batch.bytes().len() > 400 {
        return;
    }
    let Ok(bytes) = upgrade(&[*batch]) else { return };
    let new = Batch::parse(&bytes).unwrap();
    new.check_crc().unwrap();
    assert_eq!(new.last_offset(), batch.last_offset());
    assert!(new.base_offset() >= 0 && new.record_count() > 0);
    let Ok(records) = records_up_to(&new, LARGEST) else { return };
    for record in &records {
        let record = record.unwrap();
        assert!(new.base_offset() <= record.offset && record.offset <= batch.last_offset());
    }
}

/// What is written of a batch that can be read holds the same records.
fn written_anew(batch: &Batch<'_>, kept: &[Record<'_>], codec: Codec) {
    let runs = kept_runs(batch, EVERYTHING).unwrap();
    assert_eq!(runs.iter().map(|run| i64::from(run.count)).sum::<i64>(), kept.len() as i64);
    let pieces = reencode_runs(batch, EVERYTHING, codec).unwrap();
    assert_eq!(pieces.len(), runs.len());
    let Some(dense) = reencode(batch, EVERYTHING, codec).unwrap() else {
        assert!(kept.is_empty());
        return;
    };
    assert_eq!(dense.runs, runs);
    let again = Batch::parse(&dense.bytes).unwrap();
    again.check_crc().unwrap();
    let records = records_up_to(&again, LARGEST * 2).unwrap();
    let mut number = 0;
    for (found, record) in records.iter().map(Result::unwrap).zip(kept) {
        assert_eq!(found.offset, number);
        assert_eq!((found.key, found.value, &found.headers), (record.key, record.value, &record.headers));
        assert_eq!(found.timestamp, record.timestamp);
        number += 1;
    }
    assert_eq!(number, kept.len() as i64);
}

/// Every batch with the length that it has, as far as it has one, and with the checksum of its bytes.
fn made_right(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(magic) = bytes.get(at + 16).copied() {
        let left = bytes.len() - at;
        let size = size_of_first(&bytes[at..]).ok().flatten().filter(|size| *size <= left).unwrap_or(left);
        bytes[at + 8..at + 12].copy_from_slice(&(size as i32 - 12).to_be_bytes());
        let one = &mut bytes[at..at + size];
        if magic > 1 {
            one[16] = 2;
            if let Ok(header) = BatchHeader::parse(one) {
                let right = header.encode_for(&one[HEADER_SIZE..]);
                one[..HEADER_SIZE].copy_from_slice(&right);
            }
        } else {
            let crc = crc32fast::hash(&one[16..]).to_be_bytes();
            one[12..16].copy_from_slice(&crc);
        }
        at += size;
    }
    bytes
}
