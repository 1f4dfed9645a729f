//! A segment in the repository is byte for byte what the leader has in its log.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use protocol_tests::{Cluster, tools};

use super::{LATER, Repository, source};

/// Partitions whose log begins before the log start offset: a batch holds both, and files keep what lies before it.
const TRIMMED: &[&str] = &["trimmed"];
/// Partitions with an open transaction: the backup ends at the last stable offset.
const OPEN: &[(&str, i32)] = &[("transactions", 3)];

#[test]
fn segments_are_the_bytes_of_the_leaders_log() {
    let cluster = source();
    let repository = Repository::init();
    // Small segments, so that most partitions have several.
    repository.back_up(cluster, &["--segment-bytes", "1MiB", "--exclude-topics", &format!("{LATER}*")]);
    let mut files = Vec::new();
    let mut bytes = 0;
    for ((topic, partition), leader) in leaders(cluster) {
        let segments = repository.segments(&topic, partition);
        let kept: Vec<u8> = segments.iter().flat_map(|file| fs::read(file).unwrap()).collect();
        let log = log_of(cluster, leader, &topic, partition);
        let same = if TRIMMED.contains(&topic.as_str()) {
            log.ends_with(&kept)
        } else if OPEN.contains(&(topic.as_str(), partition)) {
            !kept.is_empty() && log.starts_with(&kept)
        } else {
            log == kept
        };
        assert!(same, "{topic}-{partition}: {} bytes kept of {} in the log of broker {leader}", kept.len(), log.len());
        bytes += kept.len();
        files.extend(segments);
    }
    assert!(bytes > 40 << 20, "only {bytes} bytes were compared");
    assert!(files.len() > 110, "only {} segments were compared", files.len());
    kafka_reads_each_segment_where_it_lies(cluster, &files);
}

fn kafka_reads_each_segment_where_it_lies(cluster: &Cluster, files: &[PathBuf]) {
    let dump = cluster.tools().dump_log(files).unwrap();
    let read = dump.lines().filter(|line| line.starts_with("Log starting offset: ")).count();
    assert_eq!(read, files.len());
    let batches: Vec<&str> = dump.lines().filter(|line| line.starts_with("baseOffset: ")).collect();
    assert!(batches.len() > files.len());
    let invalid: Vec<&&str> = batches.iter().filter(|line| !line.contains("isvalid: true")).collect();
    assert!(invalid.is_empty(), "{invalid:?}");
    let records = dump.lines().filter(|line| line.starts_with("| offset: ")).count();
    assert!(records > 54_000, "only {records} records");
    let shapes =
        ["deleteHorizonMs: OptionalLong[", "count: 0 ", "isControl: true", "LogAppendTime: ", "isTransactional: true"];
    for shape in shapes {
        assert!(batches.iter().any(|line| line.contains(shape)), "no batch with {shape}");
    }
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        assert!(dump.contains(&format!("compresscodec: {codec} ")), "no batch with {codec}");
    }
    // Between segments of one partition nothing is missing, and no batch spans two files.
    assert!(!dump.contains("invalid bytes") && !dump.contains("Could not"), "{}", tail(&dump));
}

/// The leader of every partition that is in the backup, as `kafka-topics.sh --describe` tells.
fn leaders(cluster: &Cluster) -> BTreeMap<(String, i32), usize> {
    let described = cluster.tools().admin(tools::TOPICS, &["--describe", "--exclude-internal"]).unwrap().stdout;
    let mut leaders = BTreeMap::new();
    for line in described.lines().filter(|line| line.starts_with('\t')) {
        let field = |name: &str| {
            let after = line.split(&format!("\t{name}: ")).nth(1).unwrap_or_default();
            after.split('\t').next().unwrap_or_default().to_owned()
        };
        let topic = field("Topic");
        if !topic.starts_with(LATER) {
            leaders.insert((topic, field("Partition").parse().unwrap()), field("Leader").parse().unwrap());
        }
    }
    assert!(leaders.len() > 120, "{described}");
    leaders
}

fn log_of(cluster: &Cluster, broker: usize, topic: &str, partition: i32) -> Vec<u8> {
    let folder = cluster.replica_folder(broker, topic, partition);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    files.iter().flat_map(|path| fs::read(path).unwrap()).collect()
}

fn tail(text: &str) -> &str {
    &text[text.len().saturating_sub(2_000)..]
}
