//! Whatever a script does to answers and brokers: what comes back is the same, or the run says what is missing and the next
//! one makes it good.

use std::time::{Duration, Instant};

use protocol_tests::fake::{Action, Change, Fake, FakeSpec, Fault, Release, key};
use serde_json::Value;

use super::Repository;
use super::round_trip::{committed, expected, same, seeded};

const PAUSE: Duration = Duration::from_millis(300);
/// How long a broker may take.
const PATIENT: [&str; 2] = ["--request-timeout", "2s"];

/// Ways in which an answer can come or not come that need no patience.
fn ways() -> Vec<Action> {
    vec![
        Action::Delay(PAUSE),
        Action::Cut,
        Action::Lose,
        Action::CutAfter(2),
        Action::CutAfter(9),
        Action::Trickle(16, Duration::from_millis(1)),
        Action::Duplicate,
        Action::Overtaken,
        Action::Throttle(200),
    ]
}

/// Runs a verb under a fault, and again without it if it did not succeed. Gives the report of the first run.
#[track_caller]
fn under(fault: &Fault, repository: &Repository, verb: &str, fake: &Fake) -> (Option<i32>, Value) {
    let began = Instant::now();
    fake.fault(fault.clone());
    let output = repository.run(verb, Some(fake), &[&PATIENT[..], &["--json"]].concat());
    assert!(!fake.hits().is_empty(), "no fault struck: {fault:?}");
    fake.heal();
    let code = output.status.code();
    println!(
        "{verb} exits {code:?} after {} ms: {:?} of API {:?}",
        began.elapsed().as_millis(),
        fault.action,
        fault.api
    );
    if code != Some(0) {
        repository.report(0, verb, fake, &[]);
    }
    (code, serde_json::from_slice(&output.stdout).unwrap())
}

/// Backs up a cluster under a fault, restores it elsewhere, and compares.
#[track_caller]
fn back_up_under(fault: &Fault) -> (Option<i32>, Value) {
    let source = seeded(Release::V4_2);
    let repository = Repository::init();
    let told = under(fault, &repository, "backup", &source);
    let target = FakeSpec::new(3).start().unwrap();
    repository.report(0, "restore", &target, &[]);
    same(&source, &target);
    assert_eq!(committed(&target), expected());
    told
}

#[test]
fn a_backup_is_whole_however_answers_come() {
    let apis = [key::FETCH, key::LIST_OFFSETS, key::OFFSET_FETCH, key::METADATA, key::LIST_GROUPS];
    let slow = [Action::Swallow, Action::StallAfter(7), Action::CorruptSize(3, 0x01)];
    for (action, api) in ways().into_iter().chain(slow).zip(apis.into_iter().cycle()) {
        let (code, _) = back_up_under(&Fault::on(api, 2, action.clone()));
        assert_eq!(code, Some(0), "{action:?}");
    }
}

#[test]
fn a_backup_is_whole_wherever_leaders_go() {
    let moves = [
        Fault::on(key::FETCH, 2, Action::Pass).before(Change::MoveAll(1)).before(Change::MoveAll(2)),
        Fault::on(key::FETCH, 1, Action::Lose).after(Change::Kill(2)),
        Fault::on(key::LIST_OFFSETS, 1, Action::Pass).before(Change::Kill(1)),
        Fault::on(key::OFFSET_FETCH, 1, Action::Lose).after(Change::MoveAll(3)),
        Fault::on(key::FETCH, 1, Action::Refuse(6)).times(3),
    ];
    for fault in moves {
        let (code, _) = back_up_under(&fault);
        assert_eq!(code, Some(0), "{fault:?}");
    }
}

/// The batch is in the partition's only answer: it has ended by the time its writer sees the damage.
#[test]
fn a_batch_damaged_on_its_way_is_told_and_fetched_by_the_next_run() {
    let (code, document) = back_up_under(&Fault::on(key::FETCH, 1, Action::CorruptTail(20, 0x10)));
    assert_eq!(code, Some(3), "{document:#}");
    let told = document["report"]["incomplete"].as_array().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0]["detail"].as_str().unwrap().contains("a batch that failed its checks"), "{told:?}");
}

#[test]
fn a_restore_is_whole_and_once_however_it_goes() {
    let source = seeded(Release::V4_2);
    let repository = Repository::init();
    repository.report(0, "backup", &source, &[]);
    let mut faults: Vec<Fault> = ways().into_iter().map(|action| Fault::on(key::PRODUCE, 1, action)).collect();
    faults.extend([
        Fault::on(key::PRODUCE, 1, Action::CorruptSize(0, 0x7f)),
        Fault::on(key::PRODUCE, 2, Action::Lose).times(2),
        Fault::on(key::PRODUCE, 2, Action::Lose).after(Change::MoveAll(1)).after(Change::MoveAll(2)),
        Fault::on(key::PRODUCE, 3, Action::Lose).after(Change::Kill(3)),
        Fault::on(key::PRODUCE, 1, Action::Refuse(6)).times(2),
        Fault::on(key::OFFSET_COMMIT, 1, Action::Lose),
        Fault::on(key::OFFSET_COMMIT, 1, Action::StallAfter(5)),
        Fault::on(key::INIT_PRODUCER_ID, 1, Action::Swallow),
        Fault::on(key::CREATE_TOPICS, 1, Action::Lose),
    ]);
    // Most of their time they wait.
    std::thread::scope(|scope| {
        for some in faults.chunks(faults.len().div_ceil(4)) {
            let (source, repository) = (&source, repository.copy());
            scope.spawn(move || {
                for fault in some {
                    let target = FakeSpec::new(3).start().unwrap();
                    under(fault, &repository, "restore", &target);
                    same(source, &target);
                    assert_eq!(committed(&target), expected(), "{fault:?}");
                }
            });
        }
    });
}
