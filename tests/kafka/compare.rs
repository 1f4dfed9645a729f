//! A cluster is compared with a snapshot: what is changed in a log, byte by byte, is found and named.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ktape::batch::{BatchHeader, Marker, marker, walk};
use protocol_tests::{Cluster, ClusterSpec};
use serde_json::{Value, json};

use super::Repository;

/// The broker is source and target: what is restored lies beside the originals.
#[test]
fn a_changed_log_is_found_and_the_offset_named() {
    let cluster = ClusterSpec::new(1).start().unwrap();
    // The topic takes no larger batches, so a restore joins none.
    let single: Vec<String> = (0..5).map(|number| format!("put:one-by-one:key-{number}:value-{number}")).collect();
    let mut steps = vec!["transactions", "bulk:bytes:2:400:300:none", "topic:one-by-one:1:max.message.bytes=100"];
    steps.extend(single.iter().map(String::as_str));
    steps.extend(["commit:shop:bytes:1:100:noon", "commit:shop:one-by-one:0:3"]);
    cluster.tools().load(&steps).unwrap();
    let repository = Repository::init();
    repository.back_up(&cluster, &[]);
    let done = repository.restore(&cluster, &["--rename", "*=copy-*", "--groups", "shop"]);
    let restore = done["state"].as_str().unwrap();
    let to_copies = ["--against-cluster", "--restore", restore];
    let copies = verified(&repository, &cluster, &to_copies, 0);
    assert_eq!(copies["against"]["kind"], "target", "{copies:#}");
    assert_eq!((&copies["groups"], &copies["offsets"]), (&json!(1), &json!(2)), "{copies:#}");
    let originals = verified(&repository, &cluster, &["--against-cluster"], 0);
    assert_eq!(originals["against"]["kind"], "source", "{originals:#}");
    assert_eq!(originals["records"], copies["records"]);

    // A committed offset goes back by one, and records go: DeleteRecords, as retention does it.
    cluster.tools().load(&["commit:shop:copy-bytes:1:99:noon"]).unwrap();
    let report = verified(&repository, &cluster, &[&to_copies[..], &["--topics", "bytes"]].concat(), 7);
    let found = only(&report);
    assert_eq!((&found["group"], &found["what"]), (&json!("shop"), &json!("position")), "{found:#}");
    assert_eq!((&found["source_offset"], &found["target_offset"]), (&json!(100), &json!(100)), "{found:#}");
    cluster.tools().load(&["commit:shop:copy-bytes:1:250:noon"]).unwrap();
    let report = verified(&repository, &cluster, &[&to_copies[..], &["--topics", "bytes"]].concat(), 0);
    assert!(report["since"][0]["detail"].as_str().unwrap().contains("moved on"), "{report:#}");

    cluster.stop(1).unwrap();
    let value = flip_a_byte(&cluster, "copy-bytes", 1);
    hide_a_record(&cluster, "copy-one-by-one", 2);
    let shown = show_a_marker(&cluster, "transactions", 1);
    cluster.restart(1).unwrap();

    let report = verified(&repository, &cluster, &[&to_copies[..], &["--exclude-groups", "*"]].concat(), 7);
    let expected = [
        ["bytes", "copy-bytes", "1", &value, &value, "value", "0"],
        ["one-by-one", "copy-one-by-one", "0", "2", "2", "missing", "0"],
    ];
    assert_eq!(named(&report), expected, "{report:#}");
    assert_eq!(report["differences_total"], 2);
    let report = verified(&repository, &cluster, &["--against-cluster", "--exclude-groups", "*"], 7);
    assert_eq!(named(&report), [["transactions", "transactions", "1", "none", &shown, "extra", "0"]], "{report:#}");
    let told = repository.ktape("verify", Some(&cluster), &["--against-cluster", "--exclude-groups", "*"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains(&format!("transactions-1, source offset none, target offset {shown}: extra")), "{told}");
}

#[test]
fn a_cluster_that_has_nothing_to_do_with_the_snapshot_is_refused() {
    let repository = Repository::init();
    repository.back_up(super::source(), &["--topics", "raw", "--exclude-groups", "*"]);
    let refused = repository.ktape("verify", Some(super::target()), &["--against-cluster"]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(5), "{text}");
    assert!(text.contains("is not the one that snapshot 1 was taken from"), "{text}");
}

fn verified(repository: &Repository, cluster: &Cluster, flags: &[&str], code: i32) -> Value {
    let output = repository.ktape("verify", Some(cluster), &[flags, &["--json"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let mut document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["verb"], "verify-against-cluster");
    document["report"].take()
}

fn only(report: &Value) -> &Value {
    let all = report["differences"].as_array().unwrap();
    assert_eq!(all.len(), 1, "{report:#}");
    &all[0]
}

/// Topic, target, partition, both offsets, what, further.
fn named(report: &Value) -> Vec<[String; 7]> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        value => value.to_string(),
    };
    let fields = ["topic", "target", "partition", "source_offset", "target_offset", "what", "further"];
    let all = report["differences"].as_array().unwrap();
    all.iter().map(|one| fields.map(|field| text(&one[field]))).collect()
}

/// Changes one byte of the value of a record in the middle of a partition, as bad memory of a broker would: the
/// checksum fits. Gives the record's offset.
fn flip_a_byte(cluster: &Cluster, topic: &str, partition: i32) -> String {
    change(cluster, topic, partition, |header, bytes| {
        // The last byte of an uncompressed batch is its last record's count of headers; the value ends before it.
        let last = bytes.len() - 2;
        bytes[last] ^= 0x20;
        Some(header.last_offset())
    })
}

/// Makes a batch of one record one that no consumer is shown.
fn hide_a_record(cluster: &Cluster, topic: &str, offset: i64) {
    change(cluster, topic, 0, |header, bytes| {
        if header.base_offset != offset || header.record_count != 1 {
            return None;
        }
        bytes[22] |= 0x20;
        Some(offset)
    });
}

/// Makes the last marker a record that consumers are shown.
fn show_a_marker(cluster: &Cluster, topic: &str, partition: i32) -> String {
    change(cluster, topic, partition, |header, bytes| {
        let commits = walk(bytes).next().unwrap().is_ok_and(|batch| marker(&batch) == Ok(Some(Marker::Commit)));
        bytes[22] &= if commits { !0x30 } else { 0xff };
        commits.then_some(header.base_offset)
    })
}

/// Changes the last batch of a log of which `how` changes anything, and puts the checksum right.
fn change(
    cluster: &Cluster,
    topic: &str,
    partition: i32,
    how: impl Fn(&BatchHeader, &mut [u8]) -> Option<i64>,
) -> String {
    let folder = cluster.replica_folder(1, topic, partition);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    let changed = files.iter().rev().find_map(|path| change_file(path, &how));
    changed.unwrap_or_else(|| panic!("nothing to change in {}", folder.display())).to_string()
}

fn change_file(path: &Path, how: impl Fn(&BatchHeader, &mut [u8]) -> Option<i64>) -> Option<i64> {
    let mut log = fs::read(path).unwrap();
    let mut batches: Vec<(Range<usize>, BatchHeader)> = Vec::new();
    let mut at = 0;
    for batch in walk(&log) {
        let batch = batch.unwrap();
        let end = at + batch.bytes().len();
        batches.push((at..end, *batch.header().unwrap()));
        at = end;
    }
    for (range, header) in batches.into_iter().rev() {
        let bytes = &mut log[range];
        if let Some(offset) = how(&header, bytes) {
            let crc = crc32c::crc32c(&bytes[21..]);
            bytes[17..21].copy_from_slice(&crc.to_be_bytes());
            fs::write(path, &log).unwrap();
            return Some(offset);
        }
    }
    None
}
