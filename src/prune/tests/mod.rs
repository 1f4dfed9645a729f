//! What goes, what stays, and that what stays is whole: after failures at every step, and beside others at work.

mod crash;
mod merging;
mod scale;

use std::collections::BTreeMap;
use std::io::Read;
use std::thread;
use std::time::Duration;

use super::*;
use crate::progress::Silent;
use crate::repository::format::{Seal, SegmentList};
use crate::repository::testing::{self, CLUSTER, batch};
use crate::repository::{Repository, Run, Snapshot};
use crate::store::{MemoryStore, Store};
use crate::verify::{self, VerifyOptions};

/// Options that remove at once.
fn now(last: u32) -> PruneOptions {
    let policy = Policy { last, ..Policy::default() };
    PruneOptions { policy, grace: Duration::ZERO, merge_below: 0, ..PruneOptions::default() }
}

fn merging(last: u32) -> PruneOptions {
    PruneOptions { merge_below: 64 << 20, ..now(last) }
}

/// So many snapshots of so many partitions. Each adds a segment, and names the newest `window`: the others have expired.
fn history(repository: &Repository, snapshots: u64, partitions: i32, window: usize) -> Vec<Snapshot> {
    let mut seals: Vec<Vec<Seal>> = vec![Vec::new(); partitions as usize];
    let mut made: Vec<Snapshot> = Vec::new();
    for number in 0..snapshots {
        let run = repository.begin_run(CLUSTER).unwrap();
        run.announce(made.last().map(Snapshot::as_parent).into_iter().collect()).unwrap();
        let mut states = Vec::new();
        for (partition, seals) in (0..).zip(&mut seals) {
            let start = testing::start("orders", partition, &run, seals.last());
            seals.push(testing::segment(repository, &run, start, &[batch(number as i64 * 3, 3)]));
            let named = &seals[seals.len().saturating_sub(window)..];
            let list = repository.append_seals(SegmentList::default(), named.to_vec()).unwrap();
            states.push(testing::partition(partition, named, list));
        }
        made.push(testing::commit(repository, &run, made.last(), vec![testing::topic("orders", states)]));
    }
    made
}

/// A digest of all bytes of each snapshot there is.
fn contents(repository: &Repository) -> BTreeMap<u64, String> {
    let mut contents = BTreeMap::new();
    for sequence in repository.snapshots().unwrap() {
        let mut digest = blake3::Hasher::new();
        for topic in repository.topics(&repository.head(sequence).unwrap().head).unwrap() {
            for partition in topic.unwrap().partitions {
                for seal in repository.seals(&partition.segments) {
                    let mut bytes = Vec::new();
                    repository.read_plain(&seal.unwrap(), 0).unwrap().read_to_end(&mut bytes).unwrap();
                    digest.update(&bytes);
                }
            }
        }
        contents.insert(sequence, digest.finalize().to_hex().to_string());
    }
    contents
}

/// Another process.
fn reopened(store: &MemoryStore) -> Repository {
    Repository::open_in(std::sync::Arc::new(store.clone())).unwrap()
}

fn assert_sound(store: &MemoryStore) {
    let report = verify::verify(&reopened(store), &VerifyOptions::default(), &Silent, &Cancel::new()).unwrap();
    assert!(report.is_sound(), "{:?}", report.damage);
}

/// The store's clock counts milliseconds, and nothing that is as young as now is removed.
fn a_moment() {
    thread::sleep(Duration::from_millis(3));
}

fn run(repository: &Repository, options: &PruneOptions) -> PruneReport {
    a_moment();
    prune(repository, options, &Silent, &Cancel::new()).unwrap()
}

fn numbers(report: &PruneReport) -> (Vec<u64>, Vec<u64>) {
    let kept = report.kept.iter().map(|one| one.sequence).collect();
    (kept, report.removed.iter().map(|one| one.sequence).collect())
}

#[test]
fn what_only_removed_snapshots_name_goes_and_the_rest_is_untouched() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    history(&repository, 6, 2, 3);
    let before = contents(&repository);
    let objects = store.list(None).unwrap().len();
    a_moment();
    let plan = dry_run(&repository, &now(2), &Silent, &Cancel::new()).unwrap();
    assert_eq!(numbers(&plan), (vec![5, 6], vec![1, 2, 3, 4]));
    assert_eq!(store.list(None).unwrap().len(), objects, "nothing was changed");
    let report = run(&repository, &now(2));
    assert_eq!(numbers(&report), numbers(&plan));
    assert_eq!(report.freed.segments.objects, 4, "segments 1 and 2 of two partitions: {report:?}");
    assert_eq!((report.freed.segments, report.freed.parts), (plan.freed.segments, plan.freed.parts));
    assert_eq!((report.waiting.objects, report.stuck_total, report.complete), (0, 0, true));
    let after = contents(&reopened(&store));
    assert_eq!(after.keys().copied().collect::<Vec<_>>(), [5, 6]);
    assert!(after.iter().all(|(sequence, digest)| before[sequence] == *digest));
    assert_sound(&store);
    let verified = verify::verify(&repository, &VerifyOptions::default(), &Silent, &Cancel::new()).unwrap();
    assert_eq!(verified.left_overs_total, 0, "{:?}", verified.left_overs);
    let again = run(&repository, &now(2));
    assert_eq!((again.removed.len(), again.freed.total().objects), (0, 0));
}

#[test]
fn what_is_young_stays_for_the_grace_time() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    history(&repository, 4, 1, 1);
    let report = run(&repository, &PruneOptions { grace: Duration::from_secs(3600), ..now(1) });
    assert_eq!(numbers(&report), (vec![4], vec![1, 2, 3]));
    assert_eq!((report.freed.segments.objects, report.freed.parts.objects), (0, 0));
    assert!(report.waiting.objects >= 3, "{report:?}");
    assert_eq!(run(&repository, &now(1)).freed.segments.objects, 3);
    assert_sound(&store);
}

/// A run that builds on the second snapshot and has written one segment that it has not recorded yet.
fn run_under_way(store: &MemoryStore) -> (Repository, Run, Seal) {
    let running = reopened(store);
    let alive = running.begin_run(CLUSTER).unwrap();
    assert!(alive.announce(vec![running.head(2).unwrap().as_parent()]).unwrap());
    let mut writer = running.create_segment(testing::start("orders", 7, &alive, None)).unwrap();
    writer.append_run(&batch(0, 1), 9, Timestamp(1)).unwrap();
    (running, alive, writer.seal().unwrap())
}

#[test]
fn a_run_under_way_keeps_what_it_builds_on_and_what_it_has_written() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    history(&repository, 3, 1, 1);
    let before = contents(&repository);
    let (running, alive, unrecorded) = run_under_way(&store);
    let recorded = testing::segment(&running, &alive, testing::start("orders", 8, &alive, None), &[batch(0, 1)]);
    let report = run(&repository, &now(1));
    assert_eq!(numbers(&report), (vec![2, 3], vec![1]));
    assert_eq!(report.kept[0].reasons, BTreeSet::from([KeepReason::Run]));
    for seal in [&unrecorded, &recorded] {
        assert!(repository.place(seal).is_ok(), "{}", seal.object);
    }
    assert!(contents(&repository).iter().all(|(sequence, digest)| before[sequence] == *digest));
    // Once the run is known to be dead, and what it sealed was not taken over by a later one, all of it goes.
    let dead = PruneOptions { hold: Duration::ZERO, ..now(1) };
    testing::commit(&repository, &repository.begin_run(CLUSTER).unwrap(), None, Vec::new());
    assert_eq!(numbers(&run(&repository, &dead)).0, [4]);
    assert!([&unrecorded, &recorded].iter().all(|seal| repository.place(seal).is_err()));
    assert_sound(&store);
}

#[test]
fn a_run_under_way_keeps_what_it_needs_when_the_clock_jumps_by_years() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    history(&repository, 3, 1, 1);
    let (_, _, unrecorded) = run_under_way(&store);
    // By a clock that was set ahead nothing is young.
    let ahead = PruneOptions { hold: Duration::ZERO, ..now(1) };
    assert_eq!(numbers(&run(&repository, &ahead)), (vec![2, 3], vec![1]));
    assert!(repository.place(&unrecorded).is_ok());
    assert_sound(&store);
}

#[test]
fn what_a_killed_run_sealed_stays_until_a_later_one_has_looked_at_it() {
    let store = MemoryStore::new();
    let repository = testing::repository(store);
    history(&repository, 2, 1, 1);
    let killed = repository.begin_run(CLUSTER).unwrap();
    let seal = testing::segment(&repository, &killed, testing::start("orders", 1, &killed, None), &[batch(0, 1)]);
    let dead = PruneOptions { hold: Duration::ZERO, ..now(1) };
    run(&repository, &dead);
    assert!(repository.place(&seal).is_ok());
}

#[test]
fn a_part_that_is_there_is_not_shared_with_whoever_may_remove_it() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    let old = repository.put_part(&["a"]).unwrap();
    let other = reopened(&store);
    let own = other.put_part(&["a"]).unwrap();
    assert_ne!(own, old);
    store.delete(&layout::part(&old).unwrap()).unwrap();
    assert_eq!(other.part::<Vec<String>>(&own).unwrap(), ["a"]);
    assert_eq!(other.put_part(&["a"]).unwrap_or_default().len(), 64);
}

#[test]
fn nothing_is_removed_while_something_cannot_be_read() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    let made = history(&repository, 3, 1, 1);
    let shard = layout::part(&made[2].head.topics[0].digest).unwrap();
    let whole = store.get(&shard).unwrap();
    store.put(&shard, &whole[1..]).unwrap();
    let names = |store: &MemoryStore| -> Vec<Key> {
        let all = store.list(None).unwrap().into_iter().map(|info| info.key);
        all.filter(|key| !key.as_str().starts_with(layout::LOCKS)).collect()
    };
    let before = names(&store);
    let error = prune(&reopened(&store), &now(1), &Silent, &Cancel::new()).unwrap_err();
    assert!(error.is_damage(), "{error}");
    assert_eq!(names(&store), before);
    store.put(&shard, &whole).unwrap();
    store.put(&layout::snapshot(1).unwrap(), b"{}").unwrap();
    assert!(prune(&reopened(&store), &now(1), &Silent, &Cancel::new()).unwrap_err().is_damage());
    assert_eq!(names(&store), before);
}

#[test]
fn an_unfinished_restore_keeps_its_snapshot() {
    let store = MemoryStore::new();
    let repository = testing::repository(store);
    let made = history(&repository, 3, 1, 1);
    let folder = testing::restore(&repository, &made[0]);
    let report = run(&repository, &now(1));
    assert_eq!(numbers(&report), (vec![1, 3], vec![2]));
    assert_eq!(report.kept[0].reasons, BTreeSet::from([KeepReason::Restore]));
    folder.finish(&testing::restore_done()).unwrap();
    assert_eq!(numbers(&run(&repository, &now(1))), (vec![3], vec![1]));
}

#[test]
fn what_other_programs_put_there_is_left_alone() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    history(&repository, 3, 1, 1);
    let strange = ["notes.txt", "topics/orders/x/0/notes.txt", "index/notes.txt", "snapshots/notes.txt", "tool/ktape"];
    for name in strange {
        store.put(&Key::new(name).unwrap(), b"mine").unwrap();
    }
    run(&repository, &now(1));
    assert!(strange.iter().all(|name| store.get(&Key::new(*name).unwrap()).is_ok()));
}
