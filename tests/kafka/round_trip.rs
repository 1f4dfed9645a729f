//! What comes back is what was there: every shape, judged by Kafka's own console consumer and group tool.

use std::collections::{BTreeMap, BTreeSet};

use protocol_tests::judge::{Isolation, Position, Shown, contents};
use protocol_tests::{Cluster, Tools, tools};

use super::{ACTIVE, LATER, Repository, source, target};

/// All that was loaded at first, and nothing of Kafka's own.
pub(crate) const LOADED: &str = "(?!__|later-).*";
/// Positions that a restore may move: what they point at is outside of what is restored.
const OUTSIDE: &[&str] = &["past-the-end", "in-open", "below-log-start"];

#[test]
fn every_shape_comes_back() {
    let (from, to) = (source().tools(), target().tools());
    let repository = Repository::init();
    let later = format!("{LATER}*");
    let rest = ["--exclude-topics", later.as_str(), "--exclude-groups", later.as_str()];
    repository.back_up(source(), &rest);
    let shown = from.read(LOADED, Isolation::ReadCommitted).unwrap();
    assert_source_is_rich(&shown, &from);
    let checked = repository.ktape("verify", None, &[]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let report = repository.restore(target(), &[&rest[..], &["--replication-factor", "1"]].concat());
    assert_eq!(report["incomplete"].as_array().map(Vec::len), Some(0), "{report:#}");

    for isolation in [Isolation::ReadCommitted, Isolation::ReadUncommitted] {
        let mut back = to.read(LOADED, isolation).unwrap();
        // Other tests restore there as well, under other names.
        back.retain(|(topic, _), _| shown.keys().any(|(name, _)| name == topic));
        assert_same_records(&shown, &back, isolation);
    }
    assert_groups_go_on(&from, &to, &report);
    assert_topics_are_as_they_were(&from, &to);
    assert_compares_clean(&repository, source(), &shown, &rest);
    assert_compares_clean(&repository, target(), &shown, &rest);
}

#[test]
fn topics_come_back_beside_their_originals_on_several_brokers() {
    let tools = source().tools();
    let repository = Repository::init();
    let selection = ["--topics", "codec-*", "partitions", "transactions", "--exclude-groups", "*"];
    repository.back_up(source(), &selection);
    repository.restore(source(), &["--rename", "*=later-beside-*"]);
    let pattern = "(codec-.*|partitions|transactions)";
    let shown = tools.read(pattern, Isolation::ReadCommitted).unwrap();
    let back = tools.read(&format!("later-beside-{pattern}"), Isolation::ReadUncommitted).unwrap();
    let renamed: Shown =
        shown.into_iter().map(|((topic, at), it)| ((format!("later-beside-{topic}"), at), it)).collect();
    assert_same_records(&renamed, &back, Isolation::ReadUncommitted);
    assert!(back.len() > 60, "only {} partitions", back.len());
    let described = tools.admin(tools::TOPICS, &["--describe", "--topic", "later-beside-partitions"]).unwrap().stdout;
    assert!(described.contains("ReplicationFactor: 3"), "{described}");
}

/// ktape's own comparison agrees with the judges, whatever the cluster is to the snapshot.
fn assert_compares_clean(repository: &Repository, cluster: &Cluster, shown: &Shown, selection: &[&str]) {
    let report = repository.report("verify", cluster, &[&["--against-cluster"], selection].concat());
    assert_eq!(report["differences"].as_array().map(Vec::len), Some(0), "{report:#}");
    let records: usize = shown.values().map(Vec::len).sum();
    let compacted = report["since"].as_array().unwrap().iter().filter_map(|one| one["compacted_records"].as_u64());
    assert_eq!(report["records"].as_u64().unwrap() + compacted.sum::<u64>(), records as u64, "{report:#}");
    assert!(report["batches_by_bytes"].as_u64() > Some(100) && report["records_one_by_one"].as_u64() > Some(100));
    assert!(report["groups"].as_u64() > Some(20) && report["offsets"].as_u64() > Some(1_000), "{report:#}");
}

/// The judge would also be content with two empty clusters.
fn assert_source_is_rich(shown: &Shown, from: &Tools) {
    let count = |topic: &str, partition| shown.get(&(topic.to_owned(), partition)).map_or(0, Vec::len);
    assert_eq!(count("codec-zstd", 0), 2_000);
    assert_eq!(count("raw", 0), 9);
    assert_eq!(count("transactions", 0), 40);
    assert_eq!(count("transactions", 2), 0);
    assert_eq!(count("transactions", 3), 1);
    assert_eq!(count("trimmed", 2), 63);
    assert_eq!(count("large", 0), 12_004);
    let last = shown[&("compacted".to_owned(), 0)].last().unwrap().offset;
    assert!((count("compacted", 0) as i64) < last, "no holes");
    let all = from.read("transactions", Isolation::ReadUncommitted).unwrap();
    assert_eq!(all[&("transactions".to_owned(), 2)].len(), 20);
}

pub(crate) fn assert_same_records(shown: &Shown, back: &Shown, isolation: Isolation) {
    let (shown, back) = (contents(shown), contents(back));
    for (partition, records) in &shown {
        let found = back.get(partition).map_or(&[][..], Vec::as_slice);
        let first = records.iter().zip(found).position(|(one, other)| one != other);
        assert_eq!(first, None, "{partition:?}, {isolation:?}: {first:?} of {} differs", records.len());
        assert_eq!(records.len(), found.len(), "{partition:?}, {isolation:?}");
    }
    assert_eq!(shown.len(), back.len(), "{isolation:?}");
}

pub(crate) fn assert_groups_go_on(from: &Tools, to: &Tools, report: &serde_json::Value) {
    let keep = |positions: BTreeMap<(String, String, i32), Position>| -> BTreeMap<_, _> {
        positions.into_iter().filter(|((group, ..), _)| !group.starts_with(LATER)).collect()
    };
    let (before, mut after) = (keep(from.positions().unwrap()), keep(to.positions().unwrap()));
    // Other tests restore groups there as well, for topics under other names.
    let topics: BTreeSet<&String> = before.keys().map(|(_, topic, _)| topic).collect();
    after.retain(|(_, topic, _), _| topics.contains(topic));
    assert!(before.len() > 1_000 && before.keys().any(|(group, ..)| group == ACTIVE), "{before:?}");
    for (at, position) in &before {
        let found = after.get(at).unwrap_or_else(|| panic!("{at:?} is not there"));
        assert_eq!(position.next, found.next, "{at:?}: {} and {}", position.offset, found.offset);
        assert_eq!(position.metadata, found.metadata, "{at:?}");
    }
    assert_eq!(before.len(), after.len());
    let described = to.described_offsets().unwrap();
    for (at, position) in &after {
        assert_eq!(described.get(at), Some(&position.offset), "{at:?}");
    }
    let adjusted = report["adjusted"].as_array().unwrap();
    for group in OUTSIDE {
        assert!(adjusted.iter().any(|one| one["group"] == **group), "{group} was moved and is not named: {adjusted:?}");
    }
}

/// Names, partitions and settings, but for replicas.
pub(crate) fn assert_topics_are_as_they_were(from: &Tools, to: &Tools) {
    let describe = |tools: &Tools| -> Vec<String> {
        let text = tools.admin(tools::TOPICS, &["--describe", "--exclude-internal"]).unwrap().stdout;
        let mut lines: Vec<String> = text.lines().filter(|line| line.starts_with("Topic: ")).map(settings).collect();
        lines.retain(|line| !line.contains(&format!("Topic: {LATER}")));
        lines.sort();
        lines
    };
    let (before, mut after) = (describe(from), describe(to));
    // Other tests restore there as well, under other names.
    let name = |line: &str| line.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let names: BTreeSet<String> = before.iter().map(|line| name(line)).collect();
    after.retain(|line| names.contains(&name(line)));
    assert_eq!(before, after);
}

/// `Topic: a  TopicId: b  PartitionCount: c  ReplicationFactor: d  Configs: e,f` without id and replicas.
fn settings(line: &str) -> String {
    let fields =
        line.split('\t').filter(|field| !field.starts_with("TopicId") && !field.starts_with("ReplicationFactor"));
    fields
        .map(|field| match field.strip_prefix("Configs: ") {
            Some(configs) => {
                let mut configs: Vec<&str> = configs.split(',').collect();
                configs.sort_unstable();
                format!("Configs: {}", configs.join(","))
            }
            None => field.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(" ")
}
