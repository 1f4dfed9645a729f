//! A backup changes nothing on the source.

use protocol_tests::{Cluster, ClusterSpec, tools};

use super::Repository;

#[test]
fn a_backup_changes_nothing_even_where_topics_are_created_by_asking() {
    let cluster = ClusterSpec::new(1).property("auto.create.topics.enable", "true").start().unwrap();
    let topics = ["topic:plain:3", "topic:settings:2:retention.ms=77777777777:compression.type=lz4"];
    cluster.tools().load(&[&topics[..], &["bulk:plain:3:3000:200:gzip"]].concat()).unwrap();
    let repository = Repository::init();
    let fresh = state(&cluster);
    assert!(!fresh.contains("__consumer_offsets"), "{fresh}");
    // A topic that is not there must not come to be by being asked for.
    repository.back_up(&cluster, &["--topics", "plain", "settings"]);
    repository.back_up(&cluster, &["--dry-run"]);
    repository.back_up(&cluster, &[]);
    repository.report("check", &cluster, &["--for", "backup", "preserve-offsets"]);
    assert_eq!(fresh, state(&cluster));

    cluster.tools().load(&["groups"]).unwrap();
    let (with_groups, offsets) = (state(&cluster), cluster.tools().described_offsets().unwrap());
    assert!(with_groups.contains("__consumer_offsets") && offsets.len() > 10, "{with_groups}");
    repository.back_up(&cluster, &[]);
    repository.report("check", &cluster, &["--for", "backup", "preserve-offsets"]);
    assert_eq!(with_groups, state(&cluster));
    assert_eq!(offsets, cluster.tools().described_offsets().unwrap());
}

/// Topic list, topic ids, settings and groups, as Kafka's own tools tell.
fn state(cluster: &Cluster) -> String {
    let tools = cluster.tools();
    // Topics have no order when they are described.
    let mut lines: Vec<String> = Vec::new();
    for (class, flags) in [
        (tools::TOPICS, &["--describe"][..]),
        (tools::CONFIGS, &["--describe", "--entity-type", "topics"]),
        (tools::GROUPS, &["--list"]),
    ] {
        let output = tools.admin(class, flags).unwrap().stdout;
        lines.extend(output.lines().map(|line| format!("{class} {line}")));
    }
    lines.sort();
    lines.join("\n")
}
