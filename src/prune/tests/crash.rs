use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::store::{Fault, FaultyStore, Operation};

/// A repository that has been pruned and merged before, and has grown since.
fn lived_in() -> MemoryStore {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    history(&repository, 5, 1, 4);
    run(&repository, &merging(4));
    store
}

/// Fails or loses the answer of every single operation in turn: what is left is whole, and the next prune ends the work.
#[test]
fn a_failure_at_any_step_breaks_nothing() {
    for operation in Operation::ALL {
        // A lost answer to a question is a failure like any other.
        let asks = matches!(operation, Operation::Read | Operation::List);
        for lost in [false, true].into_iter().filter(|lost| !(*lost && asks)) {
            for nth in (1..).step_by(if asks { 4 } else { 1 }) {
                let store = lived_in();
                let before = contents(&reopened(&store));
                let faulty = FaultyStore::new(store.clone());
                let repository = Repository::open_in(Arc::new(faulty.clone())).unwrap();
                let with = io::ErrorKind::ConnectionReset;
                faulty.inject(if lost {
                    Fault::LostAnswer { operation, nth }
                } else {
                    Fault::Fails { operation, nth, with }
                });
                a_moment();
                let ended = prune(&repository, &merging(2), &Silent, &Cancel::new());
                let after = contents(&reopened(&store));
                assert!(after.contains_key(&5), "{operation:?} {nth}");
                for (sequence, digest) in &after {
                    assert_eq!(before[sequence], *digest, "{operation:?} {nth}: snapshot {sequence}");
                }
                assert_sound(&store);
                run(&reopened(&store), &merging(2));
                let report = run(&reopened(&store), &merging(2));
                assert_eq!(report.waiting.objects, 0, "{operation:?} {nth}: {report:?}");
                assert_eq!(contents(&reopened(&store)).len(), 2);
                assert_sound(&store);
                if ended.is_ok() {
                    break;
                }
            }
        }
    }
}

/// What may not be removed is told, and the rest is done.
#[test]
fn without_the_right_to_delete_everything_stays_and_is_told() {
    let store = lived_in();
    let faulty = FaultyStore::new(store.clone());
    let before = contents(&reopened(&store));
    for nth in 1..500 {
        faulty.inject(Fault::Fails { operation: Operation::Delete, nth, with: io::ErrorKind::PermissionDenied });
    }
    let repository = Repository::open_in(Arc::new(faulty)).unwrap();
    let report = run(&repository, &now(1));
    assert!(report.stuck_total >= 4 && report.complete && report.removed.is_empty(), "{report:?}");
    assert_eq!(contents(&reopened(&store)), before);
    assert_sound(&store);
}

/// Backups, verifications and prunes side by side, each in a process of its own.
#[test]
fn backups_and_verifications_meanwhile_are_not_disturbed() {
    let store = MemoryStore::new();
    history(&testing::repository(store.clone()), 3, 2, 2);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                run(&reopened(&store), &merging(2));
            }
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                assert_sound(&store);
            }
        });
        for _ in 0..60 {
            go_on(&reopened(&store));
        }
        stop.store(true, Ordering::Relaxed);
    });
    run(&reopened(&store), &merging(1));
    run(&reopened(&store), &merging(1));
    assert_sound(&store);
    assert_eq!(contents(&reopened(&store)).len(), 1);
}

/// A backup that continues the newest snapshot: it shares all but the oldest of its segments, and adds one.
fn go_on(repository: &Repository) {
    let run = repository.begin_run(CLUSTER).unwrap();
    let parent = loop {
        let newest = repository.latest().unwrap().unwrap();
        if run.announce(vec![newest.as_parent()]).unwrap() {
            break newest;
        }
    };
    let mut states = Vec::new();
    for topic in repository.topics(&parent.head).unwrap() {
        for state in topic.unwrap().partitions {
            let mut seals: Vec<Seal> = repository.seals(&state.segments).map(Result::unwrap).collect();
            let start = testing::start("orders", state.partition, &run, seals.last());
            seals.push(testing::segment(repository, &run, start, &[batch(state.next, 3)]));
            let named = &seals[seals.len().saturating_sub(5)..];
            let list = repository.append_seals(SegmentList::default(), named.to_vec()).unwrap();
            states.push(testing::partition(state.partition, named, list));
        }
    }
    testing::commit(repository, &run, Some(&parent), vec![testing::topic("orders", states)]);
}
