//! Restores that were cut off or whose records were taken away again: what the target has is what counts.

use protocol_tests::fake::{Action, Batch, Change, Fake, Fault, Record, key};

use super::kept::{KEEP, killed_at, plan};
use super::restored::{DAY, backed_up, empty, records};
use super::round_trip::same;
use super::{Repository, says};

/// A topic of one partition with so many batches of ten records, which are too large to be joined.
fn source(batches: usize) -> Fake {
    let source = empty();
    source.create_topic("orders", 1, &[("retention.ms", "-1"), ("max.message.bytes", "300")]);
    for _ in 0..batches {
        source.produce("orders", 0, records(10));
    }
    source
}

/// The restore is refused with these words.
#[track_caller]
pub(super) fn refused(repository: &Repository, target: &Fake, flags: &[&str], code: i32, words: &str) {
    says(&repository.run("restore", Some(target), flags), code, &[words]);
}

#[test]
fn a_restore_that_goes_on_looks_at_its_target_again() {
    let source = empty();
    source.create_topic("orders", 1, &[("retention.ms", "604800000")]);
    let then = source.with(|state| state.now()) - 30 * DAY;
    source.produce("orders", 0, vec![Record::new("k", "v", then)]);
    source.commit("reader", "orders", 0, 1, "");
    let (repository, target) = (backed_up(&source), empty());
    killed_at(&repository, &target, &[], (key::PRODUCE, 1, Action::Swallow));
    // The same topic, by another restore: its log is empty, but somebody counts on it.
    refused(&repository, &target, &["--topics", "o*"], 5, "not finished");
    target.group("reader", |group| group.members = 1);
    refused(&repository, &target, &[], 5, "have members");
    target.group("reader", |group| group.members = 0);
    let report = repository.report(0, "restore", &target, &[]);
    assert_eq!((&report["resumed"], &report["held"][0]["topic"]), (&true.into(), &"orders".into()), "{report:#}");
    assert_eq!(target.topic_configs("orders")["retention.ms"], "-1");
}

#[test]
fn a_log_that_began_above_zero_is_gone_on_with() {
    let (source, target) = (source(6), empty());
    target.create_topic("orders", 1, &[]);
    target.produce("orders", 0, records(4));
    target.with(|state| state.partition_mut("orders", 0).unwrap().log.trim(4));
    let repository = backed_up(&source);
    killed_at(&repository, &target, &[], (key::PRODUCE, 3, Action::Lose));
    assert!(target.bounds("orders", 0).unwrap()[3] > 4);
    let report = repository.report(0, "restore", &target, &[]);
    assert_eq!(report["resumed"], true, "{report:#}");
    assert_eq!(target.bounds("orders", 0), Some([4, 64, 64, 64]));
    same(&source, &target);
}

/// Records of a stranger whose sequence is what ours would be.
fn stranger(count: i64, sequence: i32) -> Batch {
    Batch { producer_id: 77_777, producer_epoch: 0, sequence, ..Batch::of(records(count)) }
}

#[test]
fn records_of_a_stranger_are_not_taken_for_ours() {
    let repository = backed_up(&source(6));
    let target = empty();
    killed_at(&repository, &target, &[], (key::PRODUCE, 1, Action::Swallow));
    target.append("orders", 0, &stranger(10, 0));
    refused(&repository, &target, &[], 1, "somebody else writes to it");
    assert_eq!(target.bounds("orders", 0), Some([0, 10, 10, 10]));
}

/// A topic whose offsets are kept is begun again only if nobody else has written to it: at the end of its log, or before
/// a request of the killed run that landed late.
#[test]
fn a_topic_with_records_of_a_stranger_is_not_deleted() {
    let source = source(6);
    for ours_behind in [false, true] {
        let (repository, target) = (backed_up(&source), empty());
        killed_at(&repository, &target, &KEEP, (key::PRODUCE, 3, Action::Swallow));
        assert_eq!(target.bounds("orders", 0), Some([0, 20, 20, 20]));
        target.append("orders", 0, &stranger(1, 0));
        if ours_behind {
            let producer_id = plan(&repository)["producer_id"].as_i64().unwrap();
            let late = Batch { producer_id, producer_epoch: 0, sequence: 20, ..Batch::of(records(10)) };
            target.append("orders", 0, &late);
        }
        let before = target.log_bytes("orders", 0);
        refused(&repository, &target, &KEEP, 1, "somebody else writes to it");
        assert_eq!(target.log_bytes("orders", 0), before);
    }
}

/// A restore asks where new topics begin and end; what it asks for next is whether all is there.
#[test]
fn records_that_are_lost_after_all_were_acknowledged_are_sent_again_and_told() {
    let (source, target) = (source(9), empty());
    let lost = Change::Truncate("orders".to_owned(), 0, 30);
    target.fault(Fault::on(key::LIST_OFFSETS, 3, Action::Pass).before(lost));
    let report = backed_up(&source).report(0, "restore", &target, &[]);
    assert_eq!(target.hits().len(), 1);
    same(&source, &target);
    let notes = report["notes"].to_string();
    assert!(notes.contains("partition orders-0: its log fell back to offset 30 after all was sent"), "{notes}");
}

#[test]
fn records_that_are_not_on_all_replicas_yet_are_waited_for() {
    let (source, target) = (source(3), empty());
    let orders = || "orders".to_owned();
    target.fault(Fault::on(key::LIST_OFFSETS, 2, Action::Pass).before(Change::Hold(orders(), 0, 10)));
    target.fault(Fault::on(key::LIST_OFFSETS, 5, Action::Pass).after(Change::Release(orders(), 0)));
    backed_up(&source).report(0, "restore", &target, &[]);
    assert_eq!(target.hits().len(), 2, "it was asked for until they were");
    same(&source, &target);
}
