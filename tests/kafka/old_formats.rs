//! Messages in the formats of before 0.11, as a broker of 0.11 writes them to disk: backed up as they are, restored as
//! they were read.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use protocol_tests::judge::{Isolation, Shown};
use protocol_tests::{Cluster, ClusterSpec};
use serde_json::Value;

use super::round_trip::assert_same_records;
use super::{Repository, target};

const CODECS: [&str; 4] = ["none", "gzip", "snappy", "lz4"];
/// What only a broker that old lacks, and the selection.
const SOURCE_FLAGS: [&str; 7] =
    ["--topics", "old-*", "--groups", "old-*", "--accept-partial-view", "--accept", "settings"];
const COMPACTED: &str = "old-compacted";
/// The log cleaner looks twice a second, on an idle machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// One broker whose topics are in format v1 unless they say something else, filled.
fn source() -> Cluster {
    let cluster =
        ClusterSpec::new(1).version("0.11.0.3").property("log.message.format.version", "0.10.2").start().unwrap();
    let mut steps = Vec::new();
    for codec in CODECS {
        for (word, setting) in [("v0", ":message.format.version=0.9.0"), ("v1", "")] {
            let topic = format!("old-{word}-{codec}");
            steps.push(format!("topic:{topic}:2{setting}"));
            steps.extend(["100", "37"].map(|records| format!("fill:{topic}:2:{records}:200:{codec}")));
            steps.push(format!("put:{topic}:key:-"));
        }
    }
    // A topic's life: every format in one partition.
    steps.push("topic:old-mixed:1:message.format.version=0.9.0".into());
    for (version, codec) in [("0.10.0", "gzip"), ("0.11.0", "none")] {
        steps.push(format!("fill:old-mixed:1:40:100:{codec}"));
        steps.push(format!("alter:old-mixed:message.format.version={version}"));
    }
    steps.push("fill:old-mixed:1:40:100:lz4".into());
    for codec in ["none", "snappy"] {
        let topic = format!("old-append-{codec}");
        steps.push(format!("topic:{topic}:1:message.timestamp.type=LogAppendTime"));
        steps.push(format!("fill:{topic}:1:50:100:{codec}"));
    }
    let compacted = "cleanup.policy=compact:segment.bytes=24000:min.cleanable.dirty.ratio=0.01";
    steps.push(format!("topic:{COMPACTED}:1:{compacted}"));
    let fills = [(90, "gzip"), (60, "none"), (40, "lz4"), (20, "none"), (5, "gzip"), (100, "none")];
    for (records, codec) in fills {
        steps.push(format!("fill:{COMPACTED}:1:{records}:150:{codec}"));
    }
    steps.push("commit:old-group:old-v0-gzip:0:17:within a wrapper".into());
    steps.push("commit:old-group:old-v1-none:1:3:".into());
    steps.push("commit:old-group:old-v1-lz4:0:70:at the end".into());
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    cluster.tools().plain_load(&steps).unwrap();
    await_cleaning(&cluster);
    // Kafka 4 takes no such small segments.
    cluster.tools().plain_load(&[&format!("alter:{COMPACTED}:cleanup.policy=compact")]).unwrap();
    cluster
}

/// Waits until all but the active segment of the compacted topic was cleaned.
fn await_cleaning(cluster: &Cluster) {
    let checkpoint = cluster.log_folder(1).join("cleaner-offset-checkpoint");
    let began = Instant::now();
    loop {
        let files = fs::read_dir(cluster.replica_folder(1, COMPACTED, 0)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let active = names.filter_map(|name| name.strip_suffix(".log")?.parse::<i64>().ok()).max().unwrap();
        let cleaned = fs::read_to_string(&checkpoint).unwrap_or_default();
        let line = cleaned.lines().find_map(|line| line.strip_prefix(&format!("{COMPACTED} 0 ")));
        if active > 0 && line.and_then(|offset| offset.parse().ok()) == Some(active) {
            return;
        }
        assert!(began.elapsed() < DEADLINE, "the log cleaner is not done: {cleaned} of {active}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn shown(cluster: &Cluster, include: &str) -> Shown {
    cluster.tools().read_by_own(include, Isolation::ReadCommitted).unwrap()
}

/// The same under the names of the source.
fn named_as_before(shown: Shown, prefix: &str) -> Shown {
    shown.into_iter().map(|((topic, at), records)| ((topic.replacen(prefix, "", 1), at), records)).collect()
}

/// Offsets by partition.
fn offsets(shown: &Shown) -> BTreeMap<&(String, i32), Vec<i64>> {
    shown.iter().map(|(at, records)| (at, records.iter().map(|record| record.offset).collect())).collect()
}

fn number(report: &Value, pointer: &str) -> u64 {
    report.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer}: {report:#}"))
}

#[test]
fn old_messages_come_back_as_they_were_read() {
    let source = source();
    let before = shown(&source, "old-.*");
    let records: usize = before.values().map(Vec::len).sum();
    assert_eq!(records - before[&(COMPACTED.to_owned(), 0)].len(), 8 * 138 + 120 + 100);
    let compacted = before[&(COMPACTED.to_owned(), 0)].iter().map(|record| record.offset).collect::<Vec<_>>();
    assert!(compacted.windows(2).any(|pair| pair[1] > pair[0] + 1), "{compacted:?}");

    let repository = Repository::init();
    repository.back_up(&source, &SOURCE_FLAGS);
    let verified = repository.run("verify", &["--json"]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
    let compared = repository.ktape("verify", Some(&source), &["--against-cluster", "--json"]);
    assert_eq!(compared.status.code(), Some(0), "{}", String::from_utf8_lossy(&compared.stdout));

    let report = repository.restore(target(), &[]);
    assert_eq!(number(&report, "/admitted/records"), records as u64);
    assert!(number(&report, "/admitted/converted") > 200, "{report:#}");
    let found = shown(target(), "old-.*");
    assert_same_records(&before, &found, Isolation::ReadCommitted);
    let state = report["state"].as_str().unwrap();
    let compared = repository.ktape("verify", Some(target()), &["--against-cluster", "--restore", state]);
    assert_eq!(compared.status.code(), Some(0), "{}", String::from_utf8_lossy(&compared.stdout));
    let positions = target().tools().positions().unwrap();
    for (topic, at, offset) in [("old-v0-gzip", 0, 17), ("old-v1-none", 1, 3), ("old-v1-lz4", 0, 70)] {
        let next = before[&(topic.to_owned(), at)].iter().find(|record| record.offset >= offset);
        let position = &positions[&("old-group".to_owned(), topic.to_owned(), at)];
        assert_eq!((position.offset, &position.next), (offset, &next.map(|record| record.content.clone())), "{topic}");
    }

    let kept = ["--preserve-offsets", "--rename", "*=kept-*", "--exclude-groups", "*"];
    let report = repository.restore(target(), &kept);
    assert_eq!(report["translated"].as_array().map(Vec::len), Some(0), "{report:#}");
    let found = named_as_before(shown(target(), "kept-old-.*"), "kept-");
    assert_same_records(&before, &found, Isolation::ReadCommitted);
    assert_eq!(offsets(&before), offsets(&found));

    // A broker whose default is an old format takes no idempotent producer, unless the topic says otherwise.
    let report = repository.restore(&source, &["--rename", "*=back-*", "--exclude-groups", "*"]);
    assert_eq!(number(&report, "/admitted/records"), records as u64);
    let found = named_as_before(shown(&source, "back-old-.*"), "back-");
    assert_same_records(&before, &found, Isolation::ReadCommitted);

    let exported = repository.run("export", &["--topic", "old-mixed"]);
    let lines = String::from_utf8(exported.stdout).unwrap();
    let mixed: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(mixed.iter().map(|line| line["offset"].as_i64().unwrap()).eq(0..120));
    assert!(mixed[..40].iter().all(|line| line["timestamp"] == -1) && mixed[40]["timestamp"] != -1);
}
