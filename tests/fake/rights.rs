//! What a client may not do in the target is found out before anything is changed, or told.

use std::collections::BTreeMap;

use protocol_tests::fake::{Action, Fake, FakeSpec, Fault, Record, Release, code, key};
use serde_json::Value;

use super::Repository;
use super::goes_on::refused;
use super::restored::{backed_up, empty, orders, records};

/// Resource types and operations (Kafka classes `ResourceType`, `AclOperation`).
const TOPIC: i8 = 2;
const CLUSTER: i8 = 4;
const READ: i8 = 3;
const WRITE: i8 = 4;
const CREATE: i8 = 5;
const DELETE: i8 = 6;
const ALTER: i8 = 7;
const CLUSTER_ACTION: i8 = 9;
const DESCRIBE_CONFIGS: i8 = 10;
const ALTER_CONFIGS: i8 = 11;

fn without(rights: &[(i8, i8)]) -> Fake {
    let target = empty();
    target.with(|state| state.forbidden.extend(rights));
    target
}

/// The restore is refused before anything is made.
#[track_caller]
fn refused_at_once(repository: &Repository, target: &Fake, flags: &[&str], code: i32, words: &str) {
    refused(repository, target, flags, code, words);
    assert!(target.topics().is_empty(), "{words}: nothing is made");
}

#[test]
fn a_right_on_topics_that_is_lacking_is_named_before_anything_is_made() {
    let source = orders(3);
    let repository = backed_up(&source);
    for (right, words) in [
        (READ, "it needs Read on topic orders"),
        (WRITE, "it needs Write on topic orders"),
        (ALTER_CONFIGS, "it needs AlterConfigs on topic orders"),
    ] {
        refused_at_once(&repository, &without(&[(TOPIC, right)]), &[], 5, words);
    }
    refused_at_once(&repository, &without(&[(TOPIC, CREATE)]), &[], 1, "needs Create on topic orders");
    let target = empty();
    target.fault(Fault::on(key::CREATE_TOPICS, 1, Action::Refuse(code::POLICY_VIOLATION)));
    refused_at_once(&repository, &target, &[], 5, "would not create topic orders");
    let target = empty();
    target.fault(Fault::on(key::DESCRIBE_CONFIGS, 1, Action::Refuse(code::UNKNOWN_SERVER_ERROR)));
    refused_at_once(&repository, &target, &[], 1, "UNKNOWN_SERVER_ERROR");
}

/// Records from the future, into releases that know other settings about it, whether the topic is there or not.
#[test]
fn limits_of_times_are_lifted_where_the_brokers_settings_are_hidden() {
    let source = empty();
    source.create_topic("orders", 1, &[]);
    let later = source.with(|state| state.now()) + 90 * 86_400_000;
    source.produce("orders", 0, vec![Record::new("k", "v", later)]);
    let repository = backed_up(&source);
    for release in [Release::V2_8, Release::V4_2] {
        for exists in [false, true] {
            let target = FakeSpec::new(1).release(release).start().unwrap();
            target.with(|state| state.forbidden.insert((CLUSTER, DESCRIBE_CONFIGS)));
            if exists {
                target.create_topic("orders", 1, &[]);
            }
            // Clusters of one seed have the same id.
            let report = repository.copy().report(0, "restore", &target, &[]);
            assert_eq!(target.committed_records("orders", 0).len(), 1, "{release:?} {exists}");
            assert!(report["notes"].to_string().contains("settings are not shown to this client"), "{report:#}");
        }
    }
}

/// Partition and reason of what is translated.
fn translated(list: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(|one| (text(&one["partition"]), text(&one["reason"]))).collect()
}

#[test]
fn only_partitions_whose_offsets_need_a_right_that_is_lacking_are_translated() {
    let source = empty();
    source.create_topic("one", 1, &[]);
    source.create_topic("two", 2, &[]);
    source.create_topic("holes", 1, &[]);
    for (topic, partition) in [("one", 0), ("two", 0), ("two", 1)] {
        source.produce(topic, partition, records(10));
    }
    for topic in ["one", "two"] {
        source.with(|state| state.partition_mut(topic, 0).unwrap().log.trim(4));
    }
    let producer = source.new_producer();
    source.produce_in_transaction("holes", 0, producer, records(3));
    source.end_transaction("holes", 0, producer, true);
    let repository = backed_up(&source);
    let restore = |rights: &[(i8, i8)], topic: &str| {
        let repository = repository.copy();
        let target = without(rights);
        let report = repository.report(3, "restore", &target, &["--preserve-offsets", "--topics", topic]);
        translated(&report["translated"])
    };
    let delete = [(TOPIC, DELETE)];
    for (topic, at) in [("one", "one-0"), ("two", "two-0")] {
        let reasons = restore(&delete, topic);
        assert_eq!(reasons.keys().collect::<Vec<_>>(), [at]);
        assert!(reasons[at].contains("DELETE on the topic is not allowed"), "{reasons:?}");
    }
    let markers = [(CLUSTER, ALTER), (CLUSTER, CLUSTER_ACTION)];
    let reasons = restore(&markers, "holes");
    assert!(reasons["holes-0"].contains("neither ALTER nor CLUSTER_ACTION"), "{reasons:?}");
}

#[test]
fn a_right_to_change_settings_is_asked_for_where_something_changes_and_before() {
    let source = super::restored::with_settings();
    let repository = backed_up(&source);
    let run = |target: &Fake, flag: &str| repository.run("restore", Some(target), &["--settings-only", flag]);
    let target = without(&[(CLUSTER, ALTER)]);
    target.with(|state| state.acls = Some(Vec::new()));
    refused_at_once(&repository, &target, &["--settings-only", "--acls"], 5, "this client lacks Alter on the cluster");
    assert_eq!(target.with(|state| state.acls.clone()), Some(Vec::new()));
    let quotas = run(&target, "--quotas");
    assert_eq!(quotas.status.code(), Some(0), "{quotas:?}");
    assert_eq!(target.with(|state| state.quotas.clone()), source.with(|state| state.quotas.clone()));
    // All rules are there already: nothing is to be changed.
    target.with(|state| state.acls = source.with(|source| source.acls.clone()));
    let there = run(&target, "--acls");
    assert_eq!(there.status.code(), Some(0), "{there:?}");
}
