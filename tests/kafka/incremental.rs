//! Every backup after the first takes only what is new, and every snapshot restores.

use std::collections::BTreeMap;
use std::fs;

use protocol_tests::judge::{Isolation, Shown, contents};
use protocol_tests::{Cluster, ClusterSpec};

use super::{Repository, source, target};

#[test]
fn a_second_backup_fetches_only_what_is_new() {
    // A cluster of its own: what others do would be in the next snapshot.
    let cluster = ClusterSpec::new(1).start().unwrap();
    let tools = cluster.tools();
    tools.load(&["bulk:grows-a:3:3000:400:none", "bulk:grows-b:2:2000:300:lz4", "commit:group:grows-a:1:500"]).unwrap();
    let repository = Repository::init();
    let first = repository.back_up(&cluster, &[]);
    let segments = segment_bytes(&repository);
    assert_eq!(first["fetched_bytes"].as_u64(), Some(segments.values().sum()));

    let before = repository.objects();
    let nothing = repository.back_up(&cluster, &[]);
    let added: Vec<String> = repository.objects().difference(&before).cloned().collect();
    // What it builds on, and the head.
    assert_eq!(added.len(), 2, "{added:?}");
    assert!(added[0].starts_with("runs/") && added[1] == "snapshots/0000000002.json", "{added:?}");
    assert_eq!((nothing["fetched_bytes"].as_u64(), nothing["totals"]["new_bytes"].as_u64()), (Some(0), Some(0)));

    let one = tools.read("grows-.*", Isolation::ReadCommitted).unwrap();
    tools.load(&["bulk:grows-a:3:300:400:none", "commit:group:grows-a:1:1050"]).unwrap();
    let third = repository.back_up(&cluster, &[]);
    let three = tools.read("grows-.*", Isolation::ReadCommitted).unwrap();
    let now = segment_bytes(&repository);
    let new: BTreeMap<_, _> = now.iter().filter(|(name, _)| !segments.contains_key(*name)).collect();
    assert!(new.len() == 3 && new.keys().all(|name| name.contains("/grows-a/")), "{new:?}");
    assert_eq!(third["fetched_bytes"].as_u64(), Some(new.values().copied().sum()));
    assert!(segments.iter().all(|(name, size)| now.get(name) == Some(size)), "an old segment changed");
    every_snapshot_restores(&cluster, &repository, [(3, &three, 1_050), (2, &one, 500), (1, &one, 500)]);
}

/// Newest first: what an old snapshot restores does not depend on what was restored before.
fn every_snapshot_restores(cluster: &Cluster, repository: &Repository, snapshots: [(u32, &Shown, i64); 3]) {
    for (snapshot, shown, offset) in snapshots {
        let rename = format!("grows-*=back-{snapshot}-*");
        repository.restore(cluster, &["--snapshot", &snapshot.to_string(), "--rename", &rename, "--groups", "group"]);
        let back = cluster.tools().read(&format!("back-{snapshot}-.*"), Isolation::ReadUncommitted).unwrap();
        assert_eq!(nameless(shown), nameless(&back), "snapshot {snapshot}");
        let at = ("group".to_owned(), format!("back-{snapshot}-a"), 1);
        assert_eq!(cluster.tools().described_offsets().unwrap().get(&at), Some(&offset), "snapshot {snapshot}");
    }
}

#[test]
fn a_tombstone_that_came_and_went_between_two_backups_deletes() {
    let tools = source().tools();
    let topic = "later-deletes";
    let make = "topic:later-deletes:1:cleanup.policy=compact:segment.ms=200:min.cleanable.dirty.ratio=0.01\
                :delete.retention.ms=300:max.compaction.lag.ms=300";
    tools
        .load(&[make, "put:later-deletes:kept:1", "put:later-deletes:gone:secret", "put:later-deletes:other:1"])
        .unwrap();
    let repository = Repository::init();
    let selection = ["--topics", topic, "--exclude-groups", "*"];
    repository.back_up(source(), &selection);
    // Each append after a pause rolls the segment before it; two cleanings take the tombstone too.
    let mut steps = vec!["put:later-deletes:gone:-"];
    for _ in 0..6 {
        steps.extend(["sleep:700", "put:later-deletes:roll:x"]);
    }
    steps.extend(["sleep:700", "put:later-deletes:last:x", "await-absent:later-deletes:gone"]);
    tools.load(&steps).unwrap();
    let report = repository.back_up(source(), &selection);
    let lineages = report["new_lineages"].as_array().unwrap();
    assert!(lineages.len() == 1, "the partition should be read again: {report:#}");
    let shown = tools.read(topic, Isolation::ReadCommitted).unwrap();
    repository.restore(target(), &["--rename", "later-deletes=later-deletes-after", "--replication-factor", "1"]);
    let back = target().tools().read("later-deletes-after", Isolation::ReadUncommitted).unwrap();
    assert!(!keys(&back).contains(&hex("gone")) && keys(&back).contains(&hex("kept")), "{back:?}");
    assert_eq!(nameless(&shown), nameless(&back));
    // The older snapshot still has it.
    let older = ["--snapshot", "1", "--rename", "later-deletes=later-deletes-before", "--replication-factor", "1"];
    repository.restore(target(), &older);
    let before = target().tools().read("later-deletes-before", Isolation::ReadUncommitted).unwrap();
    assert!(keys(&before).contains(&hex("gone")), "{before:?}");
}

fn segment_bytes(repository: &Repository) -> BTreeMap<String, u64> {
    let names = repository.objects().into_iter().filter(|name| name.starts_with("topics/"));
    names.map(|name| (name.clone(), fs::metadata(repository.path().join(&name)).unwrap().len())).collect()
}

/// Partitions and their records in the order of the topics' names, which a rename keeps.
fn nameless(shown: &Shown) -> Vec<(i32, Vec<&str>)> {
    contents(shown).into_iter().map(|((_, partition), records)| (*partition, records)).collect()
}

fn keys(shown: &Shown) -> Vec<String> {
    let contents = shown.values().flatten().map(|record| record.content.split('\t').nth(1).unwrap_or_default());
    contents.map(str::to_owned).collect()
}

fn hex(text: &str) -> String {
    text.bytes().fold("x".to_owned(), |all, byte| all + &format!("{byte:02x}"))
}
