//! Lists, shards, snapshots and runs.

use std::sync::Arc;

use super::format::{FORMAT_VERSION, Seal, SegmentList, SnapshotHead};
use super::testing::{self, CLUSTER, batch};
use super::*;
use crate::model::TopicName;
use crate::store::{Fault, FaultyStore, Key, MemoryStore, Operation, Store};

fn seals(repository: &Repository, run: &Run, count: i64) -> Vec<Seal> {
    let first = testing::segment(repository, run, testing::start("orders", 0, run, None), &[batch(0, 1)]);
    (0..count).map(|number| Seal { base: number, next: number + 1, ..first.clone() }).collect()
}

#[test]
fn a_list_keeps_its_order_and_few_parts_however_long_it_grows() {
    let repository = testing::repository(MemoryStore::new());
    let run = repository.begin_run(CLUSTER).unwrap();
    let all = seals(&repository, &run, 3000);
    let mut list = SegmentList::default();
    for seal in &all {
        list = repository.append_seals(list, vec![seal.clone()]).unwrap();
        assert!(list.tail.len() < SegmentList::TAIL_MAX);
        assert!(list.parts.len() <= 48, "{}", list.parts.len());
    }
    let back: Vec<Seal> = repository.seals(&list).collect::<Result<_, _>>().unwrap();
    assert_eq!(back, all);
    assert_eq!(repository.last_seal(&list).unwrap().unwrap(), all[2999]);
    assert_eq!(list.parts.iter().map(|part| part.seals).sum::<u64>() + list.tail.len() as u64, 3000);
    for part in &list.parts {
        let inside = repository.seals_of(part).unwrap();
        assert_eq!((part.base, part.next), (inside[0].base, inside[inside.len() - 1].next));
    }
    let at_once = repository.append_seals(SegmentList::default(), all).unwrap();
    assert_eq!(at_once, list);
}

/// Seals whose JSON takes some 90 bytes for each entry.
fn large(repository: &Repository, count: i64, entries: usize) -> Vec<Seal> {
    let run = repository.begin_run(CLUSTER).unwrap();
    let seals = seals(repository, &run, count);
    seals.into_iter().map(|seal| Seal { index: vec![seal.index[0]; entries], ..seal }).collect()
}

#[test]
fn parts_of_one_level_become_one_of_the_next() {
    let repository = testing::repository(MemoryStore::new());
    let levels = |count| {
        let list = repository.append_seals(SegmentList::default(), large(&repository, count, 300)).unwrap();
        assert!(list.tail.is_empty(), "each is larger than a tail may be");
        list.parts.iter().map(|part| (part.level, part.seals)).collect::<Vec<_>>()
    };
    assert_eq!(levels(15), [(0, 1); 15]);
    assert_eq!(levels(16), [(1, 16)]);
    assert_eq!(levels(31), [&[(1, 16)][..], &[(0, 1); 15]].concat());
    assert_eq!(levels(32), [(1, 16); 2]);
}

#[test]
fn parts_are_not_merged_into_one_that_is_too_large() {
    let repository = testing::repository(MemoryStore::new());
    let list = repository.append_seals(SegmentList::default(), large(&repository, 17, 5000)).unwrap();
    assert_eq!(list.parts.iter().map(|part| part.level).collect::<Vec<_>>(), [0; 17]);
}

#[test]
fn topics_are_found_again_and_unchanged_shards_are_shared() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    let mut topics: Vec<_> = (0..500).map(|number| testing::topic(&format!("topic-{number}"), Vec::new())).collect();
    let shards = repository.write_topics(topics.clone()).unwrap();
    assert_eq!(shards.len(), 8);
    assert!(shards.iter().all(|shard| shard.topics > 30), "they are spread: {shards:?}");
    let head = SnapshotHead { topics: shards.clone(), ..testing::head("r") };
    let name = TopicName::new("topic-77").unwrap();
    // 3c1773c3 are the first digits of its digest.
    assert_eq!(shard_of(&name, 8), 3);
    assert_eq!(repository.topic(&head, &name).unwrap().unwrap(), topics[77]);
    assert!(repository.topic(&head, &TopicName::new("other").unwrap()).unwrap().is_none());
    let mut back: Vec<_> = repository.topics(&head).unwrap().collect::<Result<_, _>>().unwrap();
    back.sort_by(|a, b| a.name.cmp(&b.name));
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(back, topics);
    let before = store.list(None).unwrap().len();
    topics[77].replication_factor = 3;
    let again = repository.write_topics(topics).unwrap();
    assert_eq!(store.list(None).unwrap().len(), before + 1);
    assert_eq!(again.iter().zip(&shards).filter(|(a, b)| a != b).count(), 1);
    let none = repository.write_topics(Vec::new()).unwrap();
    assert_eq!((none.len(), none[0].topics), (1, 0));
}

#[test]
fn snapshots_are_numbered_from_one_and_name_their_parents() {
    let repository = testing::repository(MemoryStore::new());
    assert!(repository.latest().unwrap().is_none());
    let run = repository.begin_run(CLUSTER).unwrap();
    let first = testing::commit(&repository, &run, None, Vec::new());
    let second = testing::commit(&repository, &run, Some(&first), Vec::new());
    assert_eq!(repository.snapshots().unwrap(), [1, 2]);
    assert_eq!(repository.latest().unwrap().unwrap(), second);
    assert_eq!(second.head.parent.as_ref().unwrap().id, first.id);
    assert_eq!(second.head.format, FORMAT_VERSION);
    assert_eq!(repository.newest(|head| head.parent.is_none()).unwrap().unwrap(), first);
    assert!(matches!(repository.head(7), Err(RepositoryError::NoSuchSnapshot { sequence: 7, .. })));
}

#[test]
fn two_that_commit_at_once_get_two_numbers() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    // No two runs have the same id: heads that are equal to the byte are one commit, tried twice.
    let commits: Vec<_> = (0..8)
        .map(|number| {
            let (repository, head) = (repository.clone(), testing::head(&format!("run-{number}")));
            std::thread::spawn(move || repository.commit(head).unwrap().head.sequence)
        })
        .collect();
    let mut numbers: Vec<u64> = commits.into_iter().map(|thread| thread.join().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=8).collect::<Vec<u64>>());
}

#[test]
fn a_commit_that_failed_left_nothing_or_everything() {
    let store = FaultyStore::new(MemoryStore::new());
    let repository = testing::repository(store.clone());
    let fails = |with| Fault::Fails { operation: Operation::PutIfAbsent, nth: 1, with };
    store.inject(fails(std::io::ErrorKind::StorageFull));
    assert!(repository.commit(testing::head("r")).is_err());
    assert!(repository.snapshots().unwrap().is_empty());
    store.inject(Fault::LostAnswer { operation: Operation::PutIfAbsent, nth: 1 });
    assert!(repository.commit(testing::head("r")).is_err());
    assert_eq!(repository.head(1).unwrap().head.sequence, 1);
}

#[test]
fn heads_of_elsewhere_and_under_wrong_numbers_are_damage() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    repository.commit(testing::head("r")).unwrap();
    let bytes = store.get(&layout::snapshot(1).unwrap()).unwrap();
    store.put(&layout::snapshot(2).unwrap(), &bytes).unwrap();
    assert!(repository.head(2).unwrap_err().is_damage());
    let other = testing::repository(MemoryStore::new());
    other.store().put(&layout::snapshot(1).unwrap(), &bytes).unwrap();
    assert!(other.head(1).unwrap_err().is_damage());
}

#[test]
fn a_killed_run_hands_its_seals_to_the_next() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    let killed = repository.begin_run(CLUSTER).unwrap();
    let taken = testing::segment(&repository, &killed, testing::start("a", 0, &killed, None), &[batch(0, 1)]);
    let lost = testing::segment(&repository, &killed, testing::start("b", 0, &killed, None), &[batch(0, 1)]);
    store.delete(&Key::new(lost.object.as_str()).unwrap()).unwrap();
    let elsewhere = repository.begin_run("another cluster").unwrap();
    testing::segment(&repository, &elsewhere, testing::start("c", 0, &elsewhere, None), &[batch(0, 1)]);
    let next = repository.begin_run(CLUSTER).unwrap();
    assert!(killed.id() < elsewhere.id() && elsewhere.id() < next.id());
    testing::segment(&repository, &next, testing::start("a", 1, &next, None), &[batch(0, 1)]);
    let (seals, runs) = repository.left_over_seals(CLUSTER, "", next.id()).unwrap();
    assert_eq!((seals, runs), (vec![taken], vec![killed.id().to_owned()]));
    assert!(repository.left_over_seals(CLUSTER, next.id(), "").unwrap().0.is_empty());
}

#[test]
fn a_run_file_that_was_cut_off_is_passed_over() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    let killed = repository.begin_run(CLUSTER).unwrap();
    testing::segment(&repository, &killed, testing::start("a", 0, &killed, None), &[batch(0, 1)]);
    let key = layout::seal_batch(killed.id(), 1).unwrap();
    let bytes = store.get(&key).unwrap();
    for size in 0..bytes.len() {
        store.put(&key, &bytes[..size]).unwrap();
        assert!(repository.left_over_seals(CLUSTER, "", "").unwrap().0.is_empty());
    }
}

#[test]
fn run_ids_ascend_even_if_a_clock_goes_back() {
    let repository = testing::repository(MemoryStore::new());
    let future = layout::seal_batch("29991231T235959999Z-00000000", 1).unwrap();
    repository.store().put(&future, b"").unwrap();
    let run = repository.begin_run(CLUSTER).unwrap();
    assert!(run.id().starts_with("30000101T000000000Z-"), "{}", run.id());
}

#[test]
fn a_repository_is_usable_after_any_single_write_that_failed() {
    // Every write in turn meets a full disk; afterwards the same backup completes.
    for nth in 1..40 {
        let store = FaultyStore::new(MemoryStore::new());
        let repository = testing::repository(store.clone());
        let one = |operation| Fault::Fails { operation, nth, with: std::io::ErrorKind::StorageFull };
        for operation in [Operation::PutIfAbsent, Operation::Write, Operation::Publish, Operation::Create] {
            store.inject(one(operation));
        }
        let attempt = std::panic::AssertUnwindSafe(|| backup(&repository));
        let _ = std::panic::catch_unwind(attempt);
        store.heal();
        backup(&repository);
        let again = Repository::open_in(Arc::new(store.clone())).unwrap();
        for number in again.snapshots().unwrap() {
            let head = again.head(number).unwrap().head;
            let topics: Vec<_> = again.topics(&head).unwrap().collect::<Result<_, _>>().unwrap();
            assert_eq!(topics.len(), 1);
        }
    }
}

fn backup(repository: &Repository) {
    let run = repository.begin_run(CLUSTER).unwrap();
    let seal = testing::segment(repository, &run, testing::start("a", 0, &run, None), &[batch(0, 1), batch(1, 1)]);
    let list = repository.append_seals(SegmentList::default(), vec![seal.clone()]).unwrap();
    let topic = testing::topic("a", vec![testing::partition(0, &[seal], list)]);
    testing::commit(repository, &run, None, vec![topic]);
}

#[test]
fn a_copy_that_lacks_the_newest_is_good_up_to_the_last_whole_snapshot() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    backup(&repository);
    let before = store.list(None).unwrap();
    backup(&repository);
    assert_eq!(repository.latest_complete().unwrap().0.unwrap().head.sequence, 2);
    for object in store.list(None).unwrap() {
        // Whatever a copy may lack of what the second backup wrote, but its head.
        if object.key.as_str().starts_with(layout::SNAPSHOTS) || before.iter().any(|old| old.key == object.key) {
            continue;
        }
        let bytes = store.get(&object.key).unwrap();
        for partial in [None, Some(&bytes[..bytes.len() / 2])] {
            match partial {
                None => store.delete(&object.key).unwrap(),
                Some(half) => store.put(&object.key, half).unwrap(),
            }
            let (snapshot, skipped) = Repository::open_in(Arc::new(store.clone())).unwrap().latest_complete().unwrap();
            let run_file = object.key.as_str().starts_with(layout::RUNS);
            assert_eq!(snapshot.unwrap().head.sequence, if run_file { 2 } else { 1 }, "{}", object.key);
            assert!(run_file || skipped[0].reason.to_string().contains(object.key.as_str()));
        }
        store.put(&object.key, &bytes).unwrap();
    }
}

#[test]
fn what_is_asked_for_by_number_or_topic_must_be_there() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    backup(&repository);
    let whole = repository.choose_complete(SnapshotChoice::Number(1), |_, _| true).unwrap();
    assert_eq!(whole.0.unwrap().head.sequence, 1);
    for object in store.list(Some(&Key::new(layout::TOPICS).unwrap())).unwrap() {
        store.delete(&object.key).unwrap();
    }
    let error = repository.choose_complete(SnapshotChoice::Number(1), |_, _| true).unwrap_err();
    assert!(matches!(error, RepositoryError::Missing { .. }));
    let other_topics = repository.choose_complete(SnapshotChoice::Number(1), |topic, _| topic.as_str() != "a").unwrap();
    assert!(other_topics.0.is_some());
    let (none, skipped) = repository.choose_complete(SnapshotChoice::Latest, |_, _| true).unwrap();
    assert_eq!((none, skipped.len()), (None, 1));
}

#[test]
fn expired_segments_are_dropped_from_the_list_as_parts_expire() {
    let repository = testing::repository(MemoryStore::new());
    let run = repository.begin_run(CLUSTER).unwrap();
    let mut seals: Vec<Seal> = Vec::new();
    for number in 0..40 {
        let start = testing::start("orders", 0, &run, seals.last());
        seals.push(testing::segment(&repository, &run, start, &[batch(number, 1)]));
    }
    let list = repository.append_seals(SegmentList::default(), seals.clone()).unwrap();
    let left = |log_start: i64| -> Vec<i64> {
        let list = repository.without_expired(list.clone(), log_start).unwrap();
        repository.seals(&list).map(|seal| seal.unwrap().base).collect()
    };
    let first = list.parts[0].next;
    assert_eq!(left(0).len(), 40);
    assert_eq!(left(1).len(), 40, "a part is not written anew for one of its segments");
    assert_eq!(left(first - 1).first(), Some(&(first - 1)), "but for most of them");
    assert_eq!(left(first).first(), Some(&first));
    for log_start in [39, 40, 100] {
        assert_eq!(left(log_start), [39], "the newest proves continuity");
    }
    for log_start in 0..40 {
        let left = left(log_start);
        assert!((log_start..40).all(|offset| left.contains(&offset)), "{log_start}");
    }
}
