//! The cluster's own settings, those of groups with them: chosen, compared, lacking, damaged.

use std::collections::BTreeMap;

use protocol_tests::fake::{Fake, FakeSpec, Release};
use serde_json::Value;

use super::Repository;
use super::restored::{backed_up, empty, orders, records, with_settings};

/// Resource types of settings (Kafka class `ConfigResource`).
const METRICS: i8 = 16;
const GROUP: i8 = 32;

fn set(fake: &Fake, kind: i8, of: &str, name: &str, value: &str) {
    let configs = BTreeMap::from([(name.to_owned(), value.to_owned())]);
    fake.with(|state| state.own_configs.insert((kind, of.to_owned()), configs));
}

fn own(fake: &Fake) -> Vec<(i8, String)> {
    fake.with(|state| state.own_configs.keys().cloned().collect())
}

#[test]
fn settings_of_groups_come_with_their_groups() {
    let source = with_settings();
    for group in ["billing", "other"] {
        source.commit(group, "orders", 0, 0, "");
        set(&source, GROUP, group, "consumer.session.timeout.ms", "50000");
    }
    set(&source, METRICS, "all", "interval.ms", "60000");
    let repository = backed_up(&source);
    let restored = |code, flags: &[&str]| {
        let (repository, target) = (repository.copy(), empty());
        let report = repository.report(code, "restore", &target, flags);
        (own(&target), report)
    };
    let group = |name: &str| (GROUP, name.to_owned());
    assert_eq!(restored(0, &[]).0, [group("billing"), group("other")]);
    assert_eq!(restored(0, &["--exclude-groups", "oth*"]).0, [group("billing")]);
    assert_eq!(restored(0, &["--groups", "oth*"]).0, [group("other")]);
    let (own, report) = restored(0, &["--cluster-configs"]);
    assert_eq!(own, [(METRICS, "all".to_owned()), group("billing"), group("other")], "{report:#}");

    let target = empty();
    target.with(|state| state.forbidden.extend([(3, 10)]));
    let report = repository.report(3, "restore", &target, &[]);
    let lines = report["settings"]["settings"].as_array().unwrap();
    assert!(lines.len() == 2 && lines.iter().all(|line| line["standing"] == "left-out"), "{lines:#?}");
}

#[test]
fn what_only_the_target_has_is_counted_and_what_was_asked_for_is_remembered() {
    let source = with_settings();
    source.with(|state| state.scram.insert("carol".to_owned(), vec![(2, 8192)]));
    let (repository, target) = (backed_up(&source), with_settings());
    let rule = target.with(|state| state.acls.clone()).unwrap()[0].clone();
    target.with(|state| {
        let own = |name: &str| protocol_tests::fake::state::Acl { principal: format!("User:{name}"), ..rule.clone() };
        state.acls.as_mut().unwrap().extend([own("own"), own("another")]);
        for name in ["own", "another"] {
            let whom = vec![("user".to_owned(), Some(name.to_owned()))];
            state.quotas.push((whom, BTreeMap::from([("producer_byte_rate".to_owned(), 7.0)])));
        }
        state.topics.clear();
    });
    let flags = ["--acls", "--quotas"];
    let report = repository.report(0, "restore", &target, &flags);
    assert_eq!(report["settings"]["only_in_target"], 4, "{report:#}");
    let again = repository.report(0, "restore", &target, &flags);
    assert_eq!(again["was_finished"], true);
    let users = |flag: &str| {
        let report = repository.report(0, "restore", &target, &["--settings-only", flag]);
        report["settings"]["settings"].to_string().contains("carol")
    };
    assert_eq!(["--acls", "--quotas", "--cluster-configs"].map(users), [true, true, false]);
}

#[test]
fn settings_that_the_snapshot_lacks_are_told_and_a_loss_where_they_could_not_be_read() {
    let source = orders(3);
    source.with(|state| state.forbidden.insert((4, 10)));
    let repository = Repository::init();
    repository.report(3, "backup", &source, &[]);
    let target = empty();
    let none = repository.report(0, "restore", &target, &["--settings-only", "--acls"]);
    assert!(none["settings"]["notes"].to_string().contains("ACLs are not in the snapshot"), "{none:#}");
    let lost = repository.report(3, "restore", &target, &["--settings-only", "--quotas"]);
    assert!(lost["settings"]["incomplete"].to_string().contains("client quotas are not in the snapshot"), "{lost:#}");
    let old = FakeSpec::new(1).release(Release::V2_4).start().unwrap();
    let repository = backed_up(&old);
    let none = repository.report(0, "restore", &target, &["--settings-only", "--quotas"]);
    assert!(none["settings"]["notes"].to_string().contains("client quotas are not in the snapshot"), "{none:#}");
}

#[test]
fn damaged_settings_keep_no_data_back_and_are_refused_where_they_are_asked_for() {
    let source = with_settings();
    source.produce("orders", 0, records(3));
    let repository = backed_up(&source);
    spoil_settings(&repository);
    let target = empty();
    let refused = repository.run("restore", Some(&target), &["--acls"]);
    assert!(!matches!(refused.status.code(), Some(0 | 3)) && target.topics().is_empty(), "{refused:?}");
    let report = repository.report(3, "restore", &target, &[]);
    assert!(report["settings"]["incomplete"].to_string().contains("configs of groups are not restored"), "{report:#}");
    assert_eq!(target.committed_records("orders", 0).len(), 3);
}

#[test]
fn a_retention_that_comes_with_the_clusters_settings_is_held() {
    let source = empty();
    let day = 86_400_000;
    let old = source.with(|state| {
        let shared = state.broker_configs.entry(String::new()).or_default();
        shared.insert("log.retention.ms".to_owned(), day.to_string());
        state.now() - 3 * day
    });
    source.create_topic("orders", 1, &[]);
    source.produce("orders", 0, vec![protocol_tests::fake::Record::new("k", "v", old)]);
    let repository = backed_up(&source);
    let held = |flags: &[&str]| {
        let report = repository.copy().report(0, "restore", &empty(), flags);
        report["held"].as_array().map(Vec::len)
    };
    assert_eq!([held(&[]), held(&["--cluster-configs"])], [Some(0), Some(1)]);
}

/// Cuts the part that holds the settings of the only snapshot.
fn spoil_settings(repository: &Repository) {
    let place = repository.0.path().join("repository");
    let head = std::fs::read_dir(place.join("snapshots")).unwrap().next().unwrap().unwrap().path();
    let head = std::fs::read_to_string(head).unwrap();
    let head: Value = serde_json::from_str(head.lines().next().unwrap()).unwrap();
    let part = place.join("index").join(format!("{}.json.zst", head["settings"].as_str().unwrap()));
    let bytes = std::fs::read(&part).unwrap();
    std::fs::remove_file(&part).unwrap();
    std::fs::write(&part, &bytes[..bytes.len() / 2]).unwrap();
}
