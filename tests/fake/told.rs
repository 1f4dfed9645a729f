//! What a cluster takes away, holds back or puts in another's place: a backup says so, and goes on from there.

use protocol_tests::fake::{Action, Change, Fake, FakeSpec, Fault, Record, Release, key};
use serde_json::Value;

use super::Repository;
use super::round_trip::same;

const TOPIC: &str = "orders";

/// One broker with a topic of one partition.
fn single(release: Release) -> Fake {
    let fake = FakeSpec::new(1).release(release).seed(11).start().unwrap();
    fake.create_topic(TOPIC, 1, &[]);
    fake
}

/// Batches of one record each, whose words begin with `word`.
fn produce(fake: &Fake, word: &str, records: i64) {
    let now = fake.with(|state| state.now());
    for number in 0..records {
        fake.produce(TOPIC, 0, vec![Record::new("k", format!("{word} {number}"), now + number)]);
    }
}

/// Kind and words of the only thing that is incomplete.
#[track_caller]
fn only_loss(report: &Value) -> (String, String) {
    let losses = report["incomplete"].as_array().unwrap();
    assert_eq!(losses.len(), 1, "{losses:?}");
    let text = |name: &str| losses[0][name].as_str().unwrap().to_owned();
    assert_eq!(text("subject"), "orders-0");
    (text("kind"), text("detail"))
}

#[track_caller]
fn comes_back(repository: &Repository, source: &Fake) {
    let target = FakeSpec::new(1).start().unwrap();
    repository.report(0, "restore", &target, &[]);
    same(source, &target);
}

/// A leader that answers in time, but never with anything, is not waited for without end.
#[test]
fn a_partition_whose_leader_gives_nothing_is_given_up_by_name() {
    let fake = single(Release::V4_2);
    produce(&fake, "first", 20);
    let held = Change::Hold(TOPIC.to_owned(), 0, 10);
    fake.fault(Fault::on(key::FETCH, 1, Action::Pass).before(held));
    let repository = Repository::init();
    let limits = ["--give-up-after", "2s", "--max-duration", "60s"];
    let report = repository.report(3, "backup", &fake, &limits);
    let (kind, detail) = only_loss(&report);
    assert_eq!((kind.as_str(), report["stopped"].as_str()), ("not-reached", None));
    assert!(detail.contains("up to offset 10, not up to its fence 20"), "{detail}");
    assert!(detail.contains("gave nothing for 2 s"), "{detail}");
    let back = repository.report(3, "restore", &FakeSpec::new(1).start().unwrap(), &[]);
    assert!(back["incomplete"].to_string().contains("orders-0: stored up to offset 10"), "{back:#}");
    fake.change(&Change::Release(TOPIC.to_owned(), 0));
    repository.report(0, "backup", &fake, &[]);
    comes_back(&repository, &fake);
}

/// Brokers before 2.8 do not tell a topic from its namesake: its batches do, even where the log ends where it did.
#[test]
fn a_topic_without_id_that_was_made_anew_is_another_one() {
    let fake = single(Release::V2_4);
    produce(&fake, "first", 7);
    let repository = Repository::init();
    repository.report(0, "backup", &fake, &[]);
    fake.with(|state| state.topics.remove(TOPIC));
    fake.create_topic(TOPIC, 1, &[]);
    produce(&fake, "second", 7);
    let report = repository.report(0, "backup", &fake, &[]);
    assert_eq!(report["new_lineages"].as_array().unwrap().len(), 1, "{report:#}");
    comes_back(&repository, &fake);
}

/// Retention takes what was to be read, and what lies behind it does not come: there is a gap and nothing after it.
#[test]
fn a_gap_behind_which_nothing_was_read_is_told_and_no_contradiction() {
    let fake = single(Release::V4_2);
    produce(&fake, "first", 10);
    let repository = Repository::init();
    repository.report(0, "backup", &fake, &[]);
    produce(&fake, "second", 20);
    let topic = || TOPIC.to_owned();
    let taken = Fault::on(key::FETCH, 1, Action::Pass);
    fake.fault(taken.before(Change::Trim(topic(), 0, 20)).before(Change::Hold(topic(), 0, 20)));
    let report = repository.report(3, "backup", &fake, &["--give-up-after", "2s", "--max-duration", "60s"]);
    let kinds: Vec<&str> =
        report["incomplete"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["gap", "not-reached"], "{report:#}");
    assert_eq!(repository.run("verify", None, &[]).status.code(), Some(0));
    fake.heal();
    fake.change(&Change::Release(topic(), 0));
    repository.report(0, "backup", &fake, &[]);
    assert_eq!(repository.run("verify", None, &[]).status.code(), Some(0));
}

/// Up to 2.4 a leader that has forgotten a producer takes nothing from it but its beginning.
#[test]
fn a_restore_whose_producer_was_forgotten_says_what_to_do() {
    let source = single(Release::V4_2);
    produce(&source, "first", 20);
    // Batches so small that the restore takes several.
    let small = ("max.message.bytes".to_owned(), "300".to_owned());
    source.with(|state| state.topics.get_mut(TOPIC).unwrap().configs.extend([small]));
    let repository = Repository::init();
    repository.report(0, "backup", &source, &[]);
    let target = FakeSpec::new(1).release(Release::V2_4).start().unwrap();
    let forgets = Change::ForgetProducers(TOPIC.to_owned(), 0);
    target.fault(Fault::on(key::PRODUCE, 2, Action::Pass).before(forgets));
    for _ in 0..2 {
        let stopped = repository.run("restore", Some(&target), &[]);
        let words = String::from_utf8_lossy(&stopped.stderr);
        assert_eq!(stopped.status.code(), Some(1), "{words}");
        assert!(words.contains("orders-0: its leader has forgotten the producer of this restore"), "{words}");
        assert!(words.contains("hint: delete the restored topics"), "{words}");
    }
    target.with(|state| state.topics.remove(TOPIC));
    repository.report(0, "restore", &target, &[]);
    same(&source, &target);
}
