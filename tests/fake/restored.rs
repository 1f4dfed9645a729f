//! Restores of some of it: up to a time, held and released; and the cluster's own settings.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol_tests::fake::state::Acl;
use protocol_tests::fake::{Fake, FakeSpec, Record};
use serde_json::Value;

use super::Repository;
use super::round_trip::committed;

/// Days are far enough apart for retention to tell them apart.
pub(super) const DAY: i64 = 86_400_000;

/// One broker that nobody has used.
pub(super) fn empty() -> Fake {
    FakeSpec::new(1).seed(8).start().unwrap()
}

/// A cluster with so many records in the one partition of `orders`.
pub(super) fn orders(count: i64) -> Fake {
    let source = empty();
    source.create_topic("orders", 1, &[]);
    source.produce("orders", 0, records(count));
    source
}

/// A repository with a complete backup.
pub(super) fn backed_up(source: &Fake) -> Repository {
    let repository = Repository::init();
    repository.report(0, "backup", source, &[]);
    repository
}

/// So many records, a millisecond apart.
pub(super) fn records(count: i64) -> Vec<Record> {
    (0..count).map(|number| Record::new("k", format!("v{number}"), number)).collect()
}

/// Batches of one record each, at these times.
fn produce(fake: &Fake, topic: &str, times: impl IntoIterator<Item = i64>) {
    for time in times {
        fake.produce(topic, 0, vec![Record::new("k", format!("at {time}"), time)]);
    }
}

/// Times of the cluster's records in one partition.
fn times(fake: &Fake, topic: &str) -> Vec<i64> {
    fake.committed_records(topic, 0).iter().map(|record| record.timestamp).collect()
}

#[test]
fn a_restore_takes_what_lies_between_two_times() {
    let source = empty();
    source.create_topic("steady", 1, &[]);
    source.create_topic("jumps", 1, &[]);
    produce(&source, "steady", (1..=9).map(|day| day * DAY));
    let far = 4_000_000_000_000;
    produce(
        &source,
        "jumps",
        [1, 2, 3].map(|day| day * DAY).into_iter().chain([far]).chain((4..99).map(|day| day * DAY)),
    );
    for (group, offset) in [("first", 1), ("middle", 4), ("last", 9)] {
        source.commit(group, "steady", 0, offset, "");
    }
    let repository = backed_up(&source);
    let steady = |flags: &[&str]| {
        let target = empty();
        let report = repository.report(0, "restore", &target, &[&["--topics", "steady"], flags].concat());
        let groups = committed(&target).into_iter().map(|(_, _, _, offset)| offset).collect::<Vec<_>>();
        (report, times(&target, "steady").into_iter().map(|time| time / DAY).collect::<Vec<_>>(), groups)
    };
    let at = |day: i64| format!("1970-01-{:02}T00:00:00Z", day + 1);
    // Groups are told in the order of their names: first, last, middle.
    let (report, days, groups) = steady(&["--until", &at(5)]);
    assert_eq!((days, groups), (vec![1, 2, 3, 4, 5], vec![1, 5, 4]));
    let cut = &report["cuts"][0];
    assert_eq!((cut["until"].as_i64(), cut["timestamp"].as_i64()), (Some(5), Some(6 * DAY)), "{cut:#}");
    assert_eq!((cut["behind"].as_i64(), report["cuts"].as_array().map(Vec::len)), (Some(0), Some(1)), "{cut:#}");
    assert_eq!((&cut["at_or_before"], &cut["jump_ms"]), (&0.into(), &Value::Null), "nothing lies behind it: {cut:#}");
    let (report, days, groups) = steady(&["--from", &at(4)]);
    assert_eq!((days, groups), (vec![4, 5, 6, 7, 8, 9], vec![0, 6, 1]));
    assert_eq!(report["cuts"][0]["from"], 3, "{report:#}");
    let (report, days, _) = steady(&["--from", &at(3), "--until", &at(6)]);
    assert_eq!(days, [3, 4, 5, 6]);
    assert_eq!((&report["cuts"][0]["from"], &report["cuts"][0]["until"]), (&2.into(), &6.into()), "{report:#}");
    let (report, days, _) = steady(&["--from", &at(1), "--until", &at(9)]);
    assert_eq!((days.len(), report["cuts"].as_array().map(Vec::len)), (9, Some(0)), "{report:#}");
    a_far_time_would_hide_the_rest(&repository);
}

/// Everything behind one record from far in the future would be left out: that is refused, unless it is wanted.
fn a_far_time_would_hide_the_rest(repository: &Repository) {
    let target = empty();
    // The day 50.
    let flags = ["--topics", "jumps", "--exclude-groups", "*", "--until", "1970-02-20T00:00:00Z"];
    let refused = repository.run("restore", Some(&target), &flags);
    let words = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{words}");
    assert!(words.contains("jumps-0 would end at offset 3") && words.contains("47 of 50"), "{words}");
    let report = repository.report(0, "restore", &target, &[&flags[..], &["--force"]].concat());
    let cut = &report["cuts"][0];
    assert_eq!(
        (cut["until"].as_i64(), cut["behind"].as_i64(), cut["at_or_before"].as_i64()),
        (Some(3), Some(47), Some(50))
    );
    assert_eq!(cut["jump_ms"], 4_000_000_000_000 - 4 * DAY, "{cut:#}");
    assert_eq!(times(&target, "jumps").len(), 3);
}

#[test]
fn a_restore_ends_where_an_earlier_backup_did() {
    let source = empty();
    source.create_topic("seen", 1, &[]);
    produce(&source, "seen", [10, 9 * DAY]);
    let repository = backed_up(&source);
    let between = source.with(|state| state.now()).to_string();
    std::thread::sleep(Duration::from_millis(5));
    produce(&source, "seen", [11, 12]);
    repository.report(0, "backup", &source, &[]);
    let target = empty();
    let report = repository.report(0, "restore", &target, &["--until-observed", &between]);
    assert_eq!(times(&target, "seen"), [10, 9 * DAY]);
    assert_eq!(report["cuts"].as_array().map(Vec::len), Some(1), "{report:#}");
}

/// Names in a list of a report.
fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["topic"].as_str().unwrap()).collect()
}

#[test]
fn what_is_older_than_its_retention_is_held_and_released() {
    let source = empty();
    let week = [("retention.ms", "604800000")];
    source.create_topic("old", 1, &week);
    source.create_topic("older", 1, &[("retention.ms", "604800000"), ("retention.bytes", "900000000")]);
    source.create_topic("kept", 1, &[("retention.ms", "-1")]);
    let now = source.with(|state| state.now());
    produce(&source, "old", [now - 30 * DAY, now]);
    produce(&source, "older", [now - 60 * DAY, now - 50 * DAY]);
    produce(&source, "kept", [now - 90 * DAY]);
    let (repository, target) = (backed_up(&source), empty());
    let report = repository.report(0, "restore", &target, &[]);
    assert_eq!(names(&report["held"]), ["old", "older"], "{report:#}");
    let configs = || ["old", "older", "kept"].map(|topic| target.topic_configs(topic));
    let held = configs();
    assert_eq!([&held[0]["retention.ms"], &held[1]["retention.ms"]], ["-1", "-1"], "{held:?}");

    let dry = repository.report(0, "restore", &target, &["--release", "--dry-run"]);
    assert_eq!((dry["dry_run"].as_bool(), names(&dry["released"])), (Some(true), vec!["old", "older"]));
    assert_eq!(configs(), held, "a plan changes nothing");
    let one = repository.report(0, "restore", &target, &["--release", "--topics", "older"]);
    assert_eq!(names(&one["released"]), ["older"]);
    assert_eq!(target.topic_configs("older"), source.topic_configs("older"));
    assert_eq!(target.topic_configs("old"), held[0]);
    repository.report(0, "restore", &target, &["--release"]);
    assert_eq!(configs(), ["old", "older", "kept"].map(|topic| source.topic_configs(topic)));
    let nothing = repository.run("restore", Some(&target), &["--release", "--topics", "old"]);
    assert_eq!(nothing.status.code(), Some(2), "{nothing:?}");
}

#[test]
fn a_topic_that_somebody_made_anew_is_not_released() {
    let source = empty();
    source.create_topic("old", 1, &[("retention.ms", "604800000")]);
    let now = source.with(|state| state.now());
    produce(&source, "old", [now - 30 * DAY]);
    let (repository, target) = (backed_up(&source), empty());
    assert_eq!(names(&repository.report(0, "restore", &target, &[])["held"]), ["old"]);
    target.create_topic("old", 1, &[("retention.ms", "-1")]);
    let report = repository.report(0, "restore", &target, &["--release"]);
    assert_eq!((names(&report["released"]).len(), report["settled"].as_array().map(Vec::len)), (0, Some(1)));
    assert_eq!(target.topic_configs("old")["retention.ms"], "-1", "it is that of somebody else: {report:#}");
}

fn acl(principal: &str, operation: i8) -> Acl {
    let (resource_name, host) = ("orders".to_owned(), "*".to_owned());
    let principal = format!("User:{principal}");
    Acl { resource_type: 2, resource_name, pattern_type: 3, principal, host, operation, permission: 3 }
}

/// A cluster with an authorizer, two rules, a quota and a setting that all brokers share.
pub(super) fn with_settings() -> Fake {
    let fake = empty();
    fake.create_topic("orders", 1, &[]);
    fake.with(|state| {
        state.acls = Some(vec![acl("alice", 3), acl("bob", 4)]);
        let whom = vec![("user".to_owned(), Some("alice".to_owned()))];
        state.quotas.push((whom, BTreeMap::from([("producer_byte_rate".to_owned(), 1024.0)])));
        let shared = state.broker_configs.entry(String::new()).or_default();
        shared.insert("log.cleaner.threads".to_owned(), "2".to_owned());
    });
    fake
}

#[test]
fn settings_are_added_and_what_the_target_has_stays() {
    let source = with_settings();
    let repository = backed_up(&source);
    let target = empty();
    target.with(|state| {
        state.acls = Some(vec![acl("own", 3)]);
        let shared = state.broker_configs.entry(String::new()).or_default();
        shared.insert("log.cleaner.threads".to_owned(), "1".to_owned());
    });
    let all = ["--acls", "--quotas", "--cluster-configs"];
    let kinds = |report: &Value| {
        let settings = report["settings"]["settings"].as_array().unwrap();
        let mut standings: Vec<String> =
            settings.iter().map(|one| one["standing"].as_str().unwrap().to_owned()).collect();
        standings.sort_unstable();
        standings
    };
    let before = target.with(|state| (state.acls.clone(), state.quotas.clone(), state.broker_configs.clone()));
    let plan = repository.report(0, "restore", &target, &[&all[..], &["--dry-run"]].concat());
    let after = target.with(|state| (state.acls.clone(), state.quotas.clone(), state.broker_configs.clone()));
    assert_eq!(before, after, "a plan changes nothing: {plan:#}");
    let report = repository.report(0, "restore", &target, &all);
    assert_eq!(kinds(&report), ["added", "added", "added", "differs"], "{report:#}");
    target.with(|state| {
        assert_eq!(state.acls, Some(vec![acl("own", 3), acl("alice", 3), acl("bob", 4)]));
        assert_eq!(state.quotas, source.with(|state| state.quotas.clone()));
        assert_eq!(state.broker_configs[""]["log.cleaner.threads"], "1");
    });
    let again = repository.report(0, "restore", &target, &[&all[..], &["--settings-only"]].concat());
    assert_eq!(kinds(&again), ["differs", "there", "there", "there"], "{again:#}");
    assert_eq!(target.with(|state| state.acls.as_ref().map(Vec::len)), Some(3));

    target.with(|state| state.acls = None);
    let refused = repository.run("restore", Some(&target), &["--acls", "--settings-only"]);
    let words = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{words}");
    assert!(words.contains("ACLs cannot be restored: the target has no authorizer"), "{words}");
}
