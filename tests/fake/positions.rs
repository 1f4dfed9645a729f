//! Group positions in a target: what it had before, what lies outside the restored data, and what it refuses.

use std::process::Output;
use std::sync::Arc;

use protocol_tests::fake::{Action, Fake, key};
use serde_json::Value;

use super::kept::killed_at;
use super::restored::{backed_up, empty, orders, records};
use super::round_trip::committed;
use super::{Repository, ktape};

/// Ten records, of which the first three are gone; one group stands below them, one within, one at the end.
fn source() -> Fake {
    let source = orders(10);
    source.with(|state| state.partition_mut("orders", 0).unwrap().log.trim(3));
    for (group, offset, text) in [("below", 1, ""), ("within", 5, "some text"), ("at-end", 10, "")] {
        source.commit(group, "orders", 0, offset, text);
    }
    source
}

/// Groups and their positions, by name.
pub(super) fn standing(fake: &Fake) -> Vec<(String, i64)> {
    committed(fake).into_iter().map(|(group, _, _, offset)| (group, offset)).collect()
}

pub(super) fn named(positions: &[(&str, i64)]) -> Vec<(String, i64)> {
    positions.iter().map(|(group, offset)| ((*group).to_owned(), *offset)).collect()
}

pub(super) fn undo(repository: &Repository, target: &Fake) -> Output {
    let place = repository.0.path().join("repository").display().to_string();
    ktape().args(["offsets", "undo", "--repository", &place, "-b", &target.bootstrap()]).output().unwrap()
}

#[test]
fn what_a_target_had_before_is_saved_and_put_back() {
    let (source, target) = (source(), empty());
    let repository = backed_up(&source);
    target.create_topic("orders", 1, &[]);
    target.commit("within", "orders", 0, 0, "mine");
    let report = repository.report(0, "restore", &target, &[]);
    assert_eq!(standing(&target), named(&[("at-end", 7), ("below", 0), ("within", 2)]));
    let mut all = target.positions().into_values().flat_map(std::collections::BTreeMap::into_values);
    assert!(all.all(|one| one.leader_epoch == -1), "epochs of the source mean nothing here");
    let text = target.positions()["within"].values().next().unwrap().metadata.clone();
    assert!(format!("{text:?}").contains("some text"), "{text:?}");
    let adjusted = report["adjusted"].as_array().unwrap();
    assert_eq!(adjusted.len(), 1, "{adjusted:?}");
    assert_eq!((&adjusted[0]["group"], &adjusted[0]["target"]), (&Value::from("below"), &Value::from(0)));
    assert_eq!(adjusted[0]["reason"], "below the first restored offset");
    let done = undo(&repository, &target);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(standing(&target), named(&[("within", 0)]));
}

#[test]
fn positions_outside_the_restored_data_are_left_out_or_refused_if_asked() {
    let repository = backed_up(&source());
    let target = empty();
    let report = repository.report(0, "restore", &target, &["--out-of-range", "omit"]);
    assert_eq!(standing(&target), named(&[("at-end", 7), ("within", 2)]));
    let lost = report["lost"].as_array().unwrap();
    assert_eq!((lost.len(), &lost[0]["group"], &lost[0]["partition"]), (1, &"below".into(), &"orders-0".into()));
    assert!(lost[0]["detail"].as_str().unwrap().contains("offset 1 is not committed"), "{lost:?}");
    let target = empty();
    let refused = repository.run("restore", Some(&target), &["--out-of-range", "refuse"]);
    let words = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{words}");
    assert!(words.contains("below") && target.topics().is_empty(), "{words}");
}

/// What was committed once is not committed again: a consumer may have gone on since.
#[test]
fn a_restore_killed_behind_its_groups_leaves_them_alone_and_tells_them() {
    let source = source();
    source.create_topic("other", 1, &[]);
    source.commit("elsewhere", "other", 0, 0, "");
    let repository = backed_up(&source);
    let (whole, target) = (empty(), empty());
    let expected = repository.report(0, "restore", &whole, &[]);
    killed_at(&repository, &target, &[], (key::INCREMENTAL_ALTER_CONFIGS, 1, Action::Swallow));
    let before = standing(&target);
    assert_eq!(before, standing(&whole));
    target.commit("within", "orders", 0, 6, "");
    target.produce("orders", 0, records(1));
    let report = repository.report(0, "restore", &target, &[]);
    assert_eq!((&report["resumed"], &report["groups"]), (&true.into(), &expected["groups"]), "{report:#}");
    assert_eq!((&report["lost"], &report["adjusted"]), (&expected["lost"], &expected["adjusted"]));
    let moved = |(group, offset): (String, i64)| if group == "within" { (group, 6) } else { (group, offset) };
    assert_eq!(standing(&target), before.into_iter().map(moved).collect::<Vec<_>>());
}

#[test]
fn a_position_that_the_target_refuses_is_told_by_every_run() {
    let source = empty();
    source.create_topic("orders", 2, &[]);
    for partition in 0..2 {
        source.produce("orders", partition, records(10));
    }
    // More than a broker takes.
    source.commit("reader", "orders", 0, 5, &"text ".repeat(1_000));
    source.commit("reader", "orders", 1, 6, "");
    let repository = backed_up(&source);
    let told = |report: &Value| {
        let lost = report["lost"].as_array().unwrap();
        assert_eq!((lost.len(), &lost[0]["expected"]), (1, &false.into()), "{lost:?}");
        let text = |name: &str| lost[0][name].as_str().unwrap().to_owned();
        assert_eq!((text("group"), text("partition")), ("reader".to_owned(), "orders-0".to_owned()));
        assert_eq!(report["groups"][0]["offsets"], 1, "{report:#}");
        text("detail")
    };
    let detail = told(&repository.copy().report(3, "restore", &empty(), &[]));
    assert!(detail.contains("orders-0"), "{detail}");
    let target = empty();
    killed_at(&repository, &target, &[], (key::INCREMENTAL_ALTER_CONFIGS, 1, Action::Swallow));
    let detail = told(&repository.report(3, "restore", &target, &[]));
    assert_eq!(detail, "it was refused when it was committed");
    assert_eq!(target.positions()["reader"].len(), 1);
}

#[test]
fn a_position_that_is_another_when_it_is_read_back_is_lost() {
    let (repository, target) = (backed_up(&source()), Arc::new(empty()));
    let fake = Arc::downgrade(&target);
    target.on_request(move |exchange| {
        let fake = fake.upgrade().filter(|_| exchange.api == key::OFFSET_FETCH)?;
        fake.commit("within", "orders", 0, 1, "some text");
        None
    });
    let report = repository.report(3, "restore", &target, &[]);
    let lost = report["lost"].as_array().unwrap();
    assert_eq!((lost.len(), &lost[0]["group"]), (1, &"within".into()), "{lost:?}");
    assert_eq!(lost[0]["detail"], "committed offset 2, read back 1");
}
