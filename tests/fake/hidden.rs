//! Groups that a coordinator hides for a while without a word: none may be missed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use protocol_tests::fake::groups::{OFFSETS_TOPIC, partition_of};
use protocol_tests::fake::{Action, Change, Fake, FakeSpec, Fault, Release, key};

use super::Repository;
use super::round_trip::committed;

const GROUPS: usize = 12;

/// Three brokers with a dozen groups, spread over four partitions of the offsets topic.
fn crowded(release: Release) -> Fake {
    let fake = FakeSpec::new(3).release(release).seed(3).start().unwrap();
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
    for release in [Release::V4_2, Release::V1_1] {
        let fake = crowded(release);
        fake.change(&Change::Load(home()));
        assert!(shown(&fake) < GROUPS);
        fake.fault(Fault::on(key::DESCRIBE_GROUPS, 8, Action::Pass).after(Change::Loaded(home())));
        all_are_there(&fake);
        assert_eq!(fake.hits().len(), 1, "{release:?}");
    }
}

#[test]
fn groups_of_a_coordinator_that_moves_between_two_questions_are_waited_for() {
    for nth in [1, 3] {
        let fake = crowded(Release::V4_2);
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
    let fake = crowded(Release::V4_2);
    let leader = fake.with(|state| state.partition(OFFSETS_TOPIC, home()).unwrap().leader);
    let topic = OFFSETS_TOPIC.to_owned();
    fake.change(&Change::Hold(topic.clone(), home(), 1));
    fake.change(&Change::MoveLeader(topic.clone(), home(), leader % 3 + 1));
    assert!(shown(&fake) < GROUPS);
    fake.fault(Fault::on(key::LIST_OFFSETS, 6, Action::Pass).after(Change::Release(topic, home())));
    all_are_there(&fake);
    assert_eq!(fake.hits().len(), 1);
}

/// Where all coordinators know their groups, a list that is another one each time says nothing.
#[test]
fn groups_that_come_all_the_time_make_no_partial_view() {
    let fake = crowded(Release::V4_2);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                fake.commit(&format!("passing-{number}"), "orders", 0, 1, "");
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let output = Repository::init().run("backup", Some(&fake), &["--exclude-groups", "passing-*"]);
        over.store(true, Ordering::Relaxed);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    });
}
