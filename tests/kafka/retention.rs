//! What is older than the target's retention is still there after the broker looked, until it is released; and what
//! the target's brokers cannot take is refused before anything is changed.

use std::thread::sleep;
use std::time::{Duration, Instant};

use protocol_tests::judge::{Isolation, Shown, contents};
use protocol_tests::{Cluster, ClusterSpec, Tools};
use serde_json::Value;

use super::{Repository, source};

/// The brokers look every half second.
const LOOKED: Duration = Duration::from_secs(60);

/// One broker with Kafka's default retention of seven days, small segments and small requests.
fn short_lived() -> Cluster {
    let spec = ClusterSpec::new(1).property("log.retention.ms", "604800000").property("log.segment.bytes", "1048576");
    let spec = spec.property("log.retention.check.interval.ms", "500").property("log.initial.task.delay.ms", "500");
    spec.property("socket.request.max.bytes", "4194304").start().unwrap()
}

#[test]
fn data_older_than_its_retention_stays_until_it_is_released() {
    let from = source().tools();
    from.load(&[
        "bulk:later-old-default:2:300:500:none",
        "bulk:later-old-own:1:200:500:zstd",
        "topic:later-old-wide:1:max.message.bytes=3000000:retention.ms=-1",
        "bulk:later-old-wide:1:3:2500000:none",
    ])
    .unwrap();
    let repository = Repository::init();
    repository.back_up(source(), &["--topics", "later-old-*", "--exclude-groups", "*"]);
    let shown = from.read("later-old-.*", Isolation::ReadCommitted).unwrap();

    let cluster = short_lived();
    let week = ["--replication-factor", "1", "--topic-config", "later-old-own:retention.ms=604800000"];
    let report = repository.restore(&cluster, &week);
    let held: Vec<&str> = report["held"].as_array().unwrap().iter().map(|one| one["topic"].as_str().unwrap()).collect();
    assert_eq!(held, ["later-old-default", "later-old-own"], "{report:#}");

    let to = cluster.tools();
    wait_until_the_broker_looked(&to);
    assert_eq!(contents(&shown), contents(&read(&to)), "held data is gone");
    assert_eq!(shown_as_held(&repository), ["later-old-default", "later-old-own"]);

    let dry = repository.report("restore", &cluster, &["--release", "--dry-run"]);
    assert_eq!((dry["dry_run"].as_bool(), dry["released"].as_array().map(Vec::len)), (Some(true), Some(2)));
    assert_eq!(contents(&shown), contents(&read(&to)), "a dry run released");
    let one = repository.report("restore", &cluster, &["--release", "--topics", "later-old-own"]);
    let own = &one["released"][0];
    assert_eq!((&own["topic"], &own["configs"][0]), (&"later-old-own".into(), &"retention.ms=604800000".into()));
    assert_eq!(shown_as_held(&repository), ["later-old-default"]);
    repository.report("restore", &cluster, &["--release"]);
    assert!(shown_as_held(&repository).is_empty());
    wait_until(&to, |left| left.keys().all(|(topic, _)| topic == "later-old-wide"), "released data goes");
    let nothing = repository.ktape("restore", Some(&cluster), &["--release", "--topics", "later-old-own"]);
    assert_eq!(nothing.status.code(), Some(2), "{nothing:?}");
    refuses_what_no_setting_lifts(&cluster);
}

/// Batches of ten megabytes, and requests of four.
fn refuses_what_no_setting_lifts(cluster: &Cluster) {
    let repository = Repository::init();
    repository.back_up(source(), &["--topics", "large", "--exclude-groups", "*"]);
    for flags in [&["--dry-run"][..], &[]] {
        let output = repository.ktape("restore", Some(cluster), &[&["--replication-factor", "1"], flags].concat());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{text}");
        assert!(text.contains("topic large") && text.contains("socket.request.max.bytes"), "{text}");
    }
    let topics = cluster.tools().admin(protocol_tests::tools::TOPICS, &["--list"]).unwrap().stdout;
    assert!(!topics.lines().any(|name| name == "large"), "{topics}");
}

fn read(tools: &Tools) -> Shown {
    tools.read("later-old-.*", Isolation::ReadUncommitted).unwrap()
}

fn shown_as_held(repository: &Repository) -> Vec<String> {
    let output = repository.ktape("show", None, &["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let held = report["report"]["held"].as_array().unwrap();
    held.iter().map(|one| one["topic"].as_str().unwrap().to_owned()).collect()
}

/// A topic of the same age that nobody restored is emptied.
fn wait_until_the_broker_looked(tools: &Tools) {
    tools.load(&["bulk:later-old-control:1:100:500:none"]).unwrap();
    wait_until(tools, |left| !left.keys().any(|(topic, _)| topic == "later-old-control"), "the broker deletes");
}

fn wait_until(tools: &Tools, done: impl Fn(&Shown) -> bool, what: &str) {
    let deadline = Instant::now() + LOOKED;
    while !done(&read(tools)) {
        assert!(Instant::now() < deadline, "{what}: not after {LOOKED:?}");
        sleep(Duration::from_millis(300));
    }
}
