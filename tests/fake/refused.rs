//! What a restore finds in its target and refuses before it changes anything.

use protocol_tests::fake::Fake;

use super::restored::{backed_up, empty, records};
use super::{Repository, says};

/// Two partitions of ten records, and a group with a long text.
fn source() -> Fake {
    let source = empty();
    source.create_topic("orders", 2, &[]);
    for partition in 0..2 {
        source.produce("orders", partition, records(10));
    }
    source.commit("reader", "orders", 0, 5, &"text ".repeat(10));
    source
}

/// A restore into a target that is like this is refused with these words, and leaves it as it is.
#[track_caller]
fn refused(repository: &Repository, flags: &[&str], words: &[&str], like: impl FnOnce(&Fake)) {
    let target = empty();
    like(&target);
    let before = (target.topics(), target.positions());
    says(&repository.run("restore", Some(&target), flags), 5, words);
    assert_eq!((target.topics(), target.positions()), before);
}

#[test]
fn topics_that_are_in_the_way_are_named() {
    let repository = backed_up(&source());
    refused(&repository, &[], &["orders", "not empty", "partition 1"], |target| {
        target.create_topic("orders", 2, &[]);
        target.produce("orders", 1, records(1));
    });
    refused(&repository, &[], &["orders", "with 3 partitions", "has 2"], |target| {
        target.create_topic("orders", 3, &[]);
    });
    refused(&repository, &["--replication-factor", "2"], &["factor 2", "only 1 broker"], |_| {});
    // An empty one of the same shape, though it had records before, takes them.
    let target = empty();
    target.create_topic("orders", 2, &[]);
    target.produce("orders", 0, records(4));
    target.with(|state| state.partition_mut("orders", 0).unwrap().log.trim(4));
    // How many replicas it would have had does not matter.
    let report = repository.report(0, "restore", &target, &["--replication-factor", "3"]);
    assert_eq!((&report["topics"][0]["created"], target.committed_records("orders", 0).len()), (&false.into(), 10));
    assert_eq!(target.positions()["reader"].values().next().unwrap().offset, 9);
}

#[test]
fn groups_with_members_and_what_no_setting_lifts_are_named() {
    let repository = backed_up(&source());
    refused(&repository, &[], &["reader", "have members"], |target| target.group("reader", |group| group.members = 2));
    let limit = |target: &Fake, name: &str, value: &str| {
        target.with(|state| {
            state.broker_configs.entry(String::new()).or_default().insert(name.to_owned(), value.to_owned())
        });
    };
    refused(&repository, &[], &["orders", "socket.request.max.bytes"], |target| {
        limit(target, "socket.request.max.bytes", "100");
    });
    // A text that is too long is told; the rest is restored.
    let target = empty();
    limit(&target, "offset.metadata.max.bytes", "49");
    let plan = repository.report(0, "restore", &target, &["--dry-run"]);
    assert!(plan["notes"].to_string().contains("metadata of 50 characters"), "{:#}", plan["notes"]);
    let target = empty();
    limit(&target, "offset.metadata.max.bytes", "50");
    let plan = repository.report(0, "restore", &target, &["--dry-run"]);
    assert!(!plan["notes"].to_string().contains("metadata of"), "{:#}", plan["notes"]);
}
