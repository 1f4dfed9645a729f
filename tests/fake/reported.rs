//! What a restore says of what it did, could not do, and leaves to whoever asked for it.

use std::time::Duration;

use protocol_tests::fake::{Batch, FakeSpec, Record, key};
use serde_json::Value;

use super::Repository;
use super::restored::{backed_up, empty, orders, records};

/// Clusters of one seed have one id.
const ITSELF: &str = "the target is the cluster that was backed up";

fn lines(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect()
}

#[test]
fn transactions_without_an_end_and_what_to_do_next_are_told() {
    let source = empty();
    for topic in ["app-changelog", "connect-offsets", "_schemas", "plain"] {
        source.create_topic(topic, 1, &[]);
        source.append(topic, 0, &Batch::of(records(5)));
    }
    for topic in ["app-changelog", "connect-offsets"] {
        source.with(|state| state.partition_mut(topic, 0).unwrap().log.trim(2));
    }
    let (open, committed) = (source.new_producer(), source.new_producer());
    source.produce_in_transaction("plain", 0, committed, records(3));
    source.end_transaction("plain", 0, committed, true);
    source.produce_in_transaction("plain", 0, open, records(3));
    source.append("plain", 0, &Batch::of(records(1)));
    source.commit("reader", "plain", 0, 4, "");
    let repository = Repository::init();
    repository.report(0, "backup", &source, &["--fence", "high-watermark"]);
    let (target, plain) = (empty(), ["--topics", "plain"]);
    let report = repository.report(3, "restore", &target, &[]);
    let notes = lines(&report["notes"]).join("\n");
    let next =
        ["Kafka Streams changelogs", "Kafka Connect's topics", "a schema registry's topic", "the target forgets"];
    for word in next.into_iter().chain([ITSELF]) {
        assert!(notes.contains(word), "{word}: {notes}");
    }
    let lost = lines(&report["incomplete"]).join("\n");
    assert!(lost.contains("topic plain: 1 batches of transactions that were still open"), "{lost}");
    let topics = report["topics"].as_array().unwrap();
    let records = |name: &str| topics.iter().find(|one| one["target"] == name).unwrap()["admitted"]["records"].as_i64();
    assert_eq!((topics.len(), records("plain"), records("app-changelog")), (4, Some(9), Some(3)));
    // Where nothing moves, and for no groups, there is nothing to do next.
    let target = empty();
    let few = repository.report(3, "restore", &target, &[&plain[..], &["--exclude-groups", "*"]].concat());
    let notes = lines(&few["notes"]).join("\n");
    for word in ["Streams", "Connect", "registry", "forgets"] {
        assert!(!notes.contains(word), "{notes}");
    }
}

#[test]
fn what_is_open_at_a_cut_and_a_cut_behind_everything_are_told() {
    let source = empty();
    source.create_topic("orders", 1, &[]);
    let at = |time: i64| vec![Record::new("k", "v", time)];
    let late = source.new_producer();
    source.produce("orders", 0, at(1_000));
    source.produce_in_transaction("orders", 0, late, at(2_000));
    source.produce("orders", 0, at(9_000));
    source.end_transaction("orders", 0, late, true);
    let repository = backed_up(&source);
    let until = |seconds: &str| {
        let report = repository.report(0, "restore", &empty(), &["--until", &format!("1970-01-01T00:00:{seconds}Z")]);
        lines(&report["notes"]).join("\n")
    };
    let cut = until("05");
    assert!(cut.contains("topic orders: 1 batches of transactions that are open at the cut are not restored"), "{cut}");
    assert!(!cut.contains("no record is later"), "{cut}");
    let behind = until("30");
    assert!(behind.contains("no record is later than") && !behind.contains("open at the cut"), "{behind}");
    let observed = repository.report(0, "restore", &empty(), &["--until-observed", "2100-01-01T00:00:00Z"]);
    let notes = lines(&observed["notes"]).join("\n");
    assert!(notes.contains("cut by when it was fetched"), "{notes}");
}

#[test]
fn settings_that_mean_nothing_in_the_target_are_left_out_by_name() {
    let source = empty();
    let bound = [("leader.replication.throttled.replicas", "0:1"), ("follower.replication.throttled.replicas", "0:1")];
    let others = [("remote.storage.enable", "true"), ("retention.ms", "-1")];
    source.create_topic("orders", 1, &[&bound[..], &others].concat());
    let (repository, target) = (backed_up(&source), empty());
    let report = repository.report(0, "restore", &target, &[]);
    let left_out = report["configs_left_out"].to_string();
    for (name, _) in bound {
        assert!(left_out.contains(name) && left_out.contains("about brokers of the source"), "{left_out}");
    }
    assert!(
        left_out.contains("remote.storage.enable") && left_out.contains("switched off in the target"),
        "{left_out}"
    );
    let configs = target.topic_configs("orders");
    assert_eq!(configs.keys().collect::<Vec<_>>(), ["retention.ms"], "{configs:?}");
}

#[test]
fn topics_of_a_former_restore_that_are_gone_are_made_again_or_named() {
    let source = FakeSpec::new(1).start().unwrap();
    for topic in ["one", "two"] {
        source.create_topic(topic, 1, &[]);
        source.produce(topic, 0, records(4));
    }
    let (repository, target) = (backed_up(&source), empty());
    let first = repository.report(0, "restore", &target, &[]);
    let again = repository.report(0, "restore", &target, &[]);
    assert_eq!((&first["was_finished"], &again["was_finished"]), (&false.into(), &true.into()));
    assert!(first["finished"].is_i64() && first["finished"] == again["finished"], "{again:#}");
    assert!(first["started"].as_i64() > Some(0) && first["started"] == again["started"], "{again:#}");
    let state = repository.0.path().join("repository").join(first["state"].as_str().unwrap());
    assert!(state.join("plan.json").is_file(), "{state:?}");
    assert!(!first["notes"].to_string().contains(ITSELF), "{first:#}");
    target.with(|state| state.topics.remove("one"));
    let partly = repository.run("restore", Some(&target), &[]);
    let words = String::from_utf8_lossy(&partly.stderr);
    assert_eq!(partly.status.code(), Some(5), "{words}");
    assert!(words.contains("one") && words.contains("two"), "{words}");
    target.with(|state| state.topics.remove("two"));
    assert_eq!(repository.report(0, "restore", &target, &[])["was_finished"], false);
    assert_eq!(target.committed_records("two", 0).len(), 4);
}

/// A broker that has just started does not know all topics yet.
#[test]
fn topics_of_a_former_restore_that_are_not_shown_at_first_are_waited_for() {
    let source = orders(4);
    let (repository, target) = (backed_up(&source), empty());
    repository.report(0, "restore", &target, &[]);
    let hidden = target.with(|state| state.topics.remove("orders")).unwrap();
    let asked = || target.requests().iter().filter(|request| request.api == key::METADATA).count();
    let before = asked();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while asked() < before + 2 {
                std::thread::sleep(Duration::from_millis(5));
            }
            target.with(|state| state.topics.insert("orders".to_owned(), hidden));
        });
        assert_eq!(repository.report(0, "restore", &target, &[])["was_finished"], true);
    });
}
