//! Groups that a coordinator hides for a while without a word: none may be missed.

use protocol_tests::fake::groups::{OFFSETS_TOPIC, partition_of};
use protocol_tests::fake::{Action, Change, Fake, FakeSpec, Fault, key};

use super::Repository;
use super::round_trip::committed;

const GROUPS: usize = 12;

/// Three brokers with a dozen groups, spread over four partitions of the offsets topic.
fn crowded() -> Fake {
    let fake = FakeSpec::new(3).seed(3).start().unwrap();
    fake.create_topic("orders", 1, &[]);
    let now = fake.with(|state| state.now());
    let record = |number: i64| protocol_tests::fake::Record::new("k", format!("{number}"), now + number);
    fake.produce("orders", 0, (0..50).map(record).collect());
    for number in 0..GROUPS {
        fake.commit(&format!("group-{number}"), "orders", 0, number as i64, "");
    }
    fake
}

fn home() -> i32 {
    partition_of("group-0", 4) as i32
}

/// Backs up, and looks whether a restore has every group where it was.
#[track_caller]
fn all_are_there(fake: &Fake) {
    let repository = Repository::init();
    repository.report(0, "backup", fake, &[]);
    let target = FakeSpec::new(3).start().unwrap();
    repository.report(0, "restore", &target, &[]);
    let (there, back) = (committed(fake), committed(&target));
    assert_eq!((there.len(), &there), (GROUPS, &back));
}

/// Groups that the brokers show now.
fn shown(fake: &Fake) -> usize {
    fake.with(|state| (1..=3).map(|node| state.groups_of(node).len()).sum())
}

#[test]
fn groups_of_a_coordinator_that_still_reads_them_are_waited_for() {
    let fake = crowded();
    fake.change(&Change::Load(home()));
    assert!(shown(&fake) < GROUPS);
    fake.fault(Fault::on(key::DESCRIBE_GROUPS, 8, Action::Pass).after(Change::Loaded(home())));
    all_are_there(&fake);
    assert_eq!(fake.hits().len(), 1);
}

#[test]
fn groups_of_a_coordinator_that_moves_between_two_questions_are_waited_for() {
    for nth in [1, 4] {
        let fake = crowded();
        let leader = fake.with(|state| state.partition(OFFSETS_TOPIC, home()).unwrap().leader);
        let moved = Change::MoveLeader(OFFSETS_TOPIC.to_owned(), home(), leader % 3 + 1);
        fake.fault(Fault::on(key::LIST_GROUPS, nth, Action::Pass).before(moved).before(Change::Load(home())));
        fake.fault(Fault::on(key::DESCRIBE_GROUPS, 7, Action::Pass).after(Change::Loaded(home())));
        all_are_there(&fake);
        assert_eq!(fake.hits().len(), 2, "moved before list {nth}");
    }
}

/// A new leader shows no more than lies below its high watermark, which is behind until its followers have asked it.
#[test]
fn groups_above_a_high_watermark_that_lags_are_waited_for() {
    let fake = crowded();
    let leader = fake.with(|state| state.partition(OFFSETS_TOPIC, home()).unwrap().leader);
    let topic = OFFSETS_TOPIC.to_owned();
    fake.change(&Change::Hold(topic.clone(), home(), 1));
    fake.change(&Change::MoveLeader(topic.clone(), home(), leader % 3 + 1));
    assert!(shown(&fake) < GROUPS);
    fake.fault(Fault::on(key::LIST_OFFSETS, 6, Action::Pass).after(Change::Release(topic, home())));
    all_are_there(&fake);
    assert_eq!(fake.hits().len(), 1);
}
