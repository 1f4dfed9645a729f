//! A store that fails is one thing, damage another, and a name that is taken a third: what tells them apart.

use std::io::ErrorKind;

use super::format::{Parent, SegmentList};
use super::testing::{self, CLUSTER, batch};
use super::*;
use crate::store::{Fault, FaultyStore, Key, MemoryStore, Operation};

type Faulty = FaultyStore<MemoryStore>;

/// A snapshot of one topic with one segment, and a run that left seals behind.
fn made() -> (Faulty, Repository) {
    let store = FaultyStore::new(MemoryStore::new());
    let repository = testing::repository(store.clone());
    let run = repository.begin_run(CLUSTER).unwrap();
    let seal = testing::segment(&repository, &run, testing::start("a", 0, &run, None), &[batch(0, 1), batch(1, 1)]);
    let list = repository.append_seals(SegmentList::default(), vec![seal.clone()]).unwrap();
    let topic = testing::topic("a", vec![testing::partition(0, std::slice::from_ref(&seal), list)]);
    testing::commit(&repository, &run, None, vec![topic]);
    repository.begin_run(CLUSTER).unwrap().record(vec![seal]).unwrap();
    (store, repository)
}

/// Every operation on the store fails in turn: the work then ends with the store's own error.
#[track_caller]
fn ends_with_its_store(operations: &[Operation], work: impl Fn(&Repository) -> Result<(), RepositoryError>) {
    for operation in operations {
        let mut struck = 0;
        for nth in 1..100 {
            let (store, repository) = made();
            store.inject(Fault::Fails { operation: *operation, nth, with: ErrorKind::PermissionDenied });
            match work(&repository) {
                Err(RepositoryError::Store(error)) => {
                    assert_eq!(error.source.kind(), ErrorKind::PermissionDenied);
                    struck += 1;
                }
                Err(error) => panic!("{operation:?} {nth}: {error}"),
                // There was no such operation any more.
                Ok(()) => break,
            }
        }
        assert!(struck > 0, "{operation:?} is never done");
    }
}

#[test]
fn a_snapshot_that_cannot_be_read_is_not_passed_over_as_damaged() {
    let reading = [Operation::List, Operation::Read];
    ends_with_its_store(&reading, |repository| repository.latest_complete().map(drop));
    ends_with_its_store(&reading, |repository| repository.choose(SnapshotChoice::Latest).map(drop));
}

#[test]
fn seals_that_cannot_be_read_are_not_passed_over_as_damaged() {
    ends_with_its_store(&[Operation::List, Operation::Read], |repository| {
        repository.left_over_seals(CLUSTER, "", "own").map(|(seals, _)| assert_eq!(seals.len(), 2))
    });
}

#[test]
fn a_part_or_a_map_that_cannot_be_written_is_not_taken_for_one_that_is_there() {
    ends_with_its_store(&[Operation::PutIfAbsent], |repository| repository.put_part_json(b"[1,2,3]").map(drop));
    ends_with_its_store(&[Operation::Create, Operation::Write, Operation::Publish], |repository| {
        let key = Key::new("restores/a/b/maps/t/0.jsonl").unwrap();
        let object = repository.store().create(&Key::new("restores/a/b/maps/t").unwrap())?;
        MapWriter::new(object, key).publish(0, serde_json::Value::Null)
    });
}

#[test]
fn a_run_builds_only_on_snapshots_that_are_still_the_same() {
    let (_, repository) = made();
    let parent = repository.latest().unwrap().unwrap().as_parent();
    let run = repository.begin_run(CLUSTER).unwrap();
    assert!(run.announce(vec![parent.clone()]).unwrap());
    let replaced = Parent { id: "0".repeat(64), ..parent.clone() };
    assert!(!run.announce(vec![replaced]).unwrap());
    assert!(!run.announce(vec![Parent { sequence: 9, ..parent }]).unwrap());
}

#[test]
fn the_time_that_is_asked_for_is_within() {
    let (_, repository) = made();
    let taken = repository.latest().unwrap().unwrap().head.fences_taken;
    let at = |shift: i64| SnapshotChoice::At(crate::model::Timestamp(taken.0 + shift));
    for (shift, expected) in [(-1, None), (0, Some(1)), (1, Some(1))] {
        let number = |snapshot: Option<Snapshot>| snapshot.map(|snapshot| snapshot.head.sequence);
        assert_eq!(number(repository.choose(at(shift)).unwrap()), expected);
        assert_eq!(number(repository.choose_complete(at(shift), |_, _| true).unwrap().0), expected);
    }
}
