//! Batches that Kafka wrote, read by us, and batches that we wrote, read by Kafka. `protocol-tests/golden/README.md`
//! says how the samples were made.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ktape::batch::{
    Batch, Codec, HEADER_SIZE, Marker, ProducerStamp, Record, build, marker, records, reencode, reheader, upgrade, walk,
};
use ktape::model::OffsetRange;
use protocol_tests::{Jars, jars, prerequisites};

const EVERYTHING: OffsetRange = OffsetRange { base: 0, next: i64::MAX };
const STAMP: ProducerStamp = ProducerStamp { producer_id: 4711, producer_epoch: 3, base_sequence: 90 };

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-tests/golden")
}

/// Names and bytes of all samples.
fn samples() -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().path());
    let mut samples: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "log"))
        .map(|file| (file.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(&file).unwrap()))
        .collect();
    samples.sort();
    assert!(samples.len() >= 12, "only {} samples", samples.len());
    samples
}

/// What `Golden.java dump` prints.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut steps = walk(bytes);
    for batch in steps.by_ref() {
        let batch = batch.unwrap();
        batch.check_crc().unwrap();
        dump_batch(&batch, &mut text);
    }
    assert_eq!(steps.consumed(), bytes.len());
    text
}

fn dump_batch(batch: &Batch<'_>, text: &mut String) {
    if let Some(old) = batch.legacy_header() {
        writeln!(text, "legacy magic={} last={} max={}", old.magic, batch.last_offset(), old.timestamp).unwrap();
        let upgraded = upgrade(&[*batch]).unwrap();
        let upgraded = Batch::parse(&upgraded).unwrap();
        assert_eq!((upgraded.last_offset(), upgraded.extent()), (batch.last_offset(), batch.extent()));
        dump_records(&upgraded, text);
        return;
    }
    let (header, bits) = (batch.header().unwrap(), batch.header().unwrap().attributes);
    write!(text, "batch base={} last={} ", header.base_offset, header.last_offset()).unwrap();
    write!(text, "count={} codec={} ", header.record_count, bits.codec().unwrap().code()).unwrap();
    write!(text, "append={} txn={} ", bits.log_append_time(), bits.transactional()).unwrap();
    write!(text, "control={} horizon={} ", bits.control(), bits.delete_horizon()).unwrap();
    write!(text, "pid={} epoch={} ", header.producer_id, header.producer_epoch).unwrap();
    write!(text, "seq={} leader={} ", header.base_sequence, header.leader_epoch).unwrap();
    writeln!(text, "max={}", header.max_timestamp).unwrap();
    dump_records(batch, text);
}

fn dump_records(batch: &Batch<'_>, text: &mut String) {
    for record in &records(batch).unwrap() {
        let record = record.unwrap();
        writeln!(text, "record {} {}", record.offset, content(&record)).unwrap();
    }
}

/// All but the offset.
fn content(record: &Record<'_>) -> String {
    let mut text = format!("{} {} {}", record.timestamp, show(record.key), show(record.value));
    for (key, value) in &record.headers {
        write!(text, " {}={}", show(Some(key)), show(*value)).unwrap();
    }
    text
}

fn show(bytes: Option<&[u8]>) -> String {
    match bytes {
        None => "null".to_owned(),
        Some(bytes) if bytes.len() > 64 => format!("[{} bytes {:08x}]", bytes.len(), crc32fast::hash(bytes)),
        Some(bytes) => format!("[{}]", hexadecimal(bytes)),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// Contents of all data records, without offsets and without what stands in batch headers.
fn contents(dump: &str) -> Vec<&str> {
    let records = dump.lines().filter_map(|line| line.strip_prefix("record "));
    records.map(|record| record.split_once(' ').unwrap().1).collect()
}

#[test]
fn samples_read_as_kafka_reads_them() {
    for (name, bytes) in samples() {
        let expected = fs::read_to_string(golden().join(&name).with_extension("txt")).unwrap();
        assert_eq!(dump(&bytes), expected, "{name}");
    }
}

#[test]
fn markers_of_a_broker_are_understood() {
    let bytes = fs::read(golden().join("transactions.log")).unwrap();
    let markers = walk(&bytes).map(|batch| marker(&batch.unwrap()).unwrap());
    assert!(markers.eq([None, None, None, Some(Marker::Commit), Some(Marker::Abort)]));
}

#[test]
fn kafka_reads_what_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = String::new();
    let mut files = Vec::new();
    for (name, bytes) in samples() {
        for (index, batch) in walk(&bytes).map(Result::unwrap).enumerate() {
            let upgraded = if batch.is_legacy() { upgrade(&[batch]).unwrap() } else { batch.bytes().to_vec() };
            let batch = Batch::parse(&upgraded).unwrap();
            let data = batch.header().is_some_and(|header| !header.attributes.control() && header.record_count > 0);
            for codec in Codec::ALL.into_iter().filter(|_| data) {
                let file = folder.path().join(format!("{name}-{index}-{codec}"));
                let written = written_anew(&batch, codec);
                expected.push_str(&dump(&written));
                fs::write(&file, written).unwrap();
                files.push(file);
            }
        }
    }
    for codec in Codec::ALL {
        let file = folder.path().join(format!("large-{codec}"));
        let written = large(codec);
        expected.push_str(&dump(&written));
        fs::write(&file, written).unwrap();
        files.push(file);
    }
    assert!(files.len() > 40);
    assert_eq!(dump_by_kafka(&files), expected);
}

/// Ten megabytes that hardly compress, between two small records.
fn large(codec: Codec) -> Vec<u8> {
    let value: Vec<u8> = (0..10_u32 << 20).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let values = [&b"before"[..], &value, b"after"];
    let records = values.map(|value| Record { value: Some(value), timestamp: 1_700_000_000_000, ..Record::default() });
    build(&records, codec).unwrap()
}

/// The batch as a restore would send it, checked to hold what the source holds.
fn written_anew(batch: &Batch<'_>, codec: Codec) -> Vec<u8> {
    let reencoded = reencode(batch, EVERYTHING, codec).unwrap().unwrap().bytes;
    let header = reheader(&reencoded, STAMP).unwrap();
    let written = [&header, &reencoded[HEADER_SIZE..]].concat();
    let (mut before, after) = (String::new(), dump(&written));
    dump_batch(batch, &mut before);
    assert_eq!(contents(&after), contents(&before));
    written
}

fn dump_by_kafka(files: &[PathBuf]) -> String {
    let jars = Jars::get(jars::DEFAULT_VERSION).unwrap();
    let mut java = Command::new(prerequisites::java());
    java.arg("-cp").arg(jars.class_path()).arg(golden().join("Golden.java")).arg("dump").args(files);
    let output = java.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
