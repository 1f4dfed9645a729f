//! Copies between repositories in memory and in folders.

use std::io;
use std::sync::Arc;

use super::*;
use crate::progress::Silent;
use crate::repository::format::{ConfigEntry, Seal, SegmentList};
use crate::repository::testing::{self, CLUSTER, batch, marker, transactional};
use crate::repository::{InitOptions, RepositoryError, Snapshot, SnapshotChoice};
use crate::store::{Fault, FaultyStore, Key, MemoryStore, Operation, Store};
use crate::verify::{self, VerifyOptions};

/// A repository that grows by a segment in each of two topics with every snapshot.
pub(super) struct Growing {
    pub(super) store: MemoryStore,
    pub(super) repository: Repository,
    lists: [(SegmentList, Vec<Seal>); 2],
    newest: Option<Snapshot>,
}

const TOPICS: [&str; 2] = ["orders", "notes"];

impl Growing {
    fn new() -> Self {
        Self::stored(&InitOptions::default())
    }

    pub(super) fn stored(options: &InitOptions) -> Self {
        let store = MemoryStore::new();
        let repository = Repository::init_in_with(Arc::new(store.clone()), options).unwrap();
        Self { store, repository, lists: Default::default(), newest: None }
    }

    fn with(snapshots: usize) -> Self {
        let mut growing = Self::new();
        (0..snapshots).for_each(|_| growing.grow());
        growing
    }

    pub(super) fn grow(&mut self) {
        let run = self.repository.begin_run(CLUSTER).unwrap();
        let mut topics = Vec::new();
        for (name, (list, seals)) in TOPICS.iter().zip(&mut self.lists) {
            let at = seals.last().map_or(0, |seal| seal.next);
            let start = testing::start(name, 0, &run, seals.last());
            let batches = [batch(at, 5), transactional(at + 5, 1, 7), marker(at + 6, 7, at % 2 == 0)];
            let seal = testing::segment(&self.repository, &run, start, &batches);
            *list = self.repository.append_seals(list.clone(), vec![seal.clone()]).unwrap();
            seals.push(seal);
            let mut topic = testing::topic(name, vec![testing::partition(0, seals, list.clone())]);
            topic.configs = vec![ConfigEntry { name: "retention.ms".to_owned(), value: Some("1000".to_owned()) }];
            topics.push(topic);
        }
        self.newest = Some(testing::commit(&self.repository, &run, self.newest.as_ref(), topics));
    }
}

pub(super) fn copy_with(
    source: &Repository,
    target: &Repository,
    options: &CopyOptions,
) -> Result<CopyReport, CopyError> {
    copy(Context { source, target, options, progress: &Silent, cancel: &Cancel::new() })
}

pub(super) fn copy_all(source: &Repository, target: &Repository) -> CopyReport {
    copy_with(source, target, &CopyOptions::default()).unwrap()
}

fn one(number: u64) -> CopyOptions {
    CopyOptions { snapshot: Some(SnapshotChoice::Number(number)), ..CopyOptions::default() }
}

/// Every snapshot of the target restores what its original does, byte for byte.
pub(super) fn assert_equal(source: &Repository, target: &Repository, numbers: &[(u64, u64)]) {
    for (original, copied) in numbers {
        let (before, after) = (source.head(*original).unwrap(), target.head(*copied).unwrap());
        assert_eq!(after.head.origin.as_ref().unwrap().id, before.id);
        assert_eq!(logs(source, &before), logs(target, &after), "snapshot {original}");
        assert_eq!((after.head.totals, after.head.committed), (before.head.totals, before.head.committed));
        assert_eq!(configs(target, &after), configs(source, &before));
        assert_eq!(target.groups(&after.head).unwrap(), source.groups(&before.head).unwrap());
    }
}

fn configs(repository: &Repository, snapshot: &Snapshot) -> Vec<Vec<ConfigEntry>> {
    repository.topics(&snapshot.head).unwrap().map(|topic| topic.unwrap().configs).collect()
}

fn logs(repository: &Repository, snapshot: &Snapshot) -> Vec<(String, i64, i64, Vec<u8>)> {
    let mut found = Vec::new();
    for topic in repository.topics(&snapshot.head).unwrap() {
        let topic = topic.unwrap();
        for partition in topic.partitions {
            let mut log = Vec::new();
            for seal in repository.seals(&partition.segments) {
                io::Read::read_to_end(&mut repository.read_plain(&seal.unwrap(), 0).unwrap(), &mut log).unwrap();
            }
            found.push((format!("{}-{}", topic.name, partition.partition), partition.first, partition.next, log));
        }
    }
    found
}

pub(super) fn assert_sound(repository: &Repository) {
    let found = verify::verify(repository, &VerifyOptions::default(), &Silent, &Cancel::new()).unwrap();
    assert!(found.is_sound(), "{:?}", found.damage);
}

#[test]
fn everything_arrives_once_and_is_equal() {
    let mut source = Growing::with(3);
    let target = testing::repository(MemoryStore::new());
    let report = copy_all(&source.repository, &target);
    assert!(report.complete && report.not_copied.is_empty());
    assert_eq!((report.snapshots.len(), report.segments, report.already_there), (3, 6, 0));
    let numbers: Vec<(u64, u64, u64)> =
        report.snapshots.iter().map(|it| (it.sequence, it.copy_sequence, it.segments)).collect();
    assert_eq!(numbers, [(1, 1, 2), (2, 2, 2), (3, 3, 2)], "each only brings what is new");
    assert_equal(&source.repository, &target, &[(1, 1), (2, 2), (3, 3)]);
    assert_sound(&target);
    let third = target.head(3).unwrap();
    assert_eq!(third.head.parent, Some(target.head(2).unwrap().as_parent()));

    let again = copy_all(&source.repository, &target);
    assert_eq!((again.snapshots.len(), again.segments, again.already_there), (0, 0, 3));
    source.grow();
    let report = copy_all(&source.repository, &target);
    assert_eq!((report.snapshots.len(), report.segments, report.already_there), (1, 2, 3));
    assert_equal(&source.repository, &target, &[(1, 1), (4, 4)]);
    assert_sound(&target);
}

#[test]
fn lists_that_are_moved_and_merged_are_mirrored() {
    let mut source = Growing::with(1);
    let target = testing::repository(MemoryStore::new());
    for snapshot in 2..300 {
        source.grow();
        if snapshot % 37 == 0 {
            let report = copy_with(&source.repository, &target, &one(snapshot)).unwrap();
            assert_eq!(report.segments, 2 * 37, "snapshot {snapshot}");
        }
    }
    let newest = target.latest().unwrap().unwrap().head;
    let list = target.topics(&newest).unwrap().next().unwrap().unwrap().partitions.remove(0).segments;
    assert!(list.parts.iter().any(|part| part.level > 0), "{list:?}");
    assert_equal(&source.repository, &target, &[(37, 37), (296, 296)]);
    assert_sound(&target);
}

#[test]
fn one_alone_and_the_others_later() {
    let source = Growing::with(4);
    let target = testing::repository(MemoryStore::new());
    let report = copy_with(&source.repository, &target, &one(3)).unwrap();
    assert_eq!((report.snapshots[0].copy_sequence, report.segments), (3, 6));
    let report = copy_all(&source.repository, &target);
    assert_eq!((report.snapshots.len(), report.segments, report.already_there), (3, 2, 1));
    assert_equal(&source.repository, &target, &[(1, 1), (2, 2), (3, 3), (4, 4)]);
    // A copy of a copy is one of the first, and is known as such.
    let third = testing::repository(MemoryStore::new());
    assert_eq!(copy_all(&target, &third).snapshots.len(), 4);
    assert_eq!(copy_all(&source.repository, &third).already_there, 4);
    assert_equal(&source.repository, &third, &[(2, 2), (4, 4)]);
}

#[test]
fn a_number_that_is_taken_is_given_to_nobody_else() {
    let mut source = Growing::with(1);
    let target = Growing::with(1);
    let report = copy_all(&source.repository, &target.repository);
    assert_eq!(report.snapshots[0].copy_sequence, 2);
    assert_equal(&source.repository, &target.repository, &[(1, 2)]);
    assert_eq!(report.segments, 0, "both hold the same records");
    assert_eq!(copy_all(&source.repository, &target.repository).already_there, 1);
    source.grow();
    assert_eq!(copy_all(&source.repository, &target.repository).snapshots[0].copy_sequence, 3);
    assert_sound(&target.repository);
}

#[test]
fn a_plan_says_what_would_be_copied_and_copies_nothing() {
    let source = Growing::with(3);
    let store = MemoryStore::new();
    let target = testing::repository(store.clone());
    copy_with(&source.repository, &target, &one(1)).unwrap();
    let before = store.list(None).unwrap();
    let options = CopyOptions::default();
    let (source, target) = (&source.repository, &target);
    let plan = dry_run(Context { source, target, options: &options, progress: &Silent, cancel: &Cancel::new() });
    let plan = plan.unwrap();
    let numbers: Vec<(u64, u64)> = plan.snapshots.iter().map(|it| (it.sequence, it.segments)).collect();
    assert_eq!((numbers.as_slice(), plan.segments, plan.already_there), (&[(2, 2), (3, 2)][..], 4, 1));
    assert_eq!(store.list(None).unwrap(), before);
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let source = Growing::with(1);
    let target = testing::repository(MemoryStore::new());
    let same = copy_with(&source.repository, &source.repository, &CopyOptions::default()).unwrap_err();
    assert!(matches!(same, CopyError::SameRepository { .. }), "{same}");
    let nothing = copy_with(&target, &source.repository, &CopyOptions::default()).unwrap_err();
    assert!(matches!(nothing, CopyError::NoSnapshot { .. }), "{nothing}");
    let run = target.begin_run("cluster-b").unwrap();
    let mut head = testing::head(run.id());
    head.cluster_id = "cluster-b".to_owned();
    target.commit(head).unwrap();
    let other = copy_with(&source.repository, &target, &CopyOptions::default()).unwrap_err();
    assert!(matches!(other, CopyError::OtherCluster { .. }), "{other}");
}

#[test]
fn what_is_damaged_is_named_and_not_copied_as_good() {
    let source = Growing::with(3);
    let damaged = Key::new(source.lists[0].1[1].object.as_str()).unwrap();
    let mut bytes = source.store.get(&damaged).unwrap();
    bytes[70] ^= 1;
    source.store.put(&damaged, &bytes).unwrap();
    let gone = Key::new(source.lists[1].1[2].object.as_str()).unwrap();
    source.store.delete(&gone).unwrap();
    let target = testing::repository(MemoryStore::new());
    let report = copy_all(&source.repository, &target);
    assert!(report.found_damage() && report.complete);
    assert_eq!(report.snapshots.iter().map(|it| it.sequence).collect::<Vec<_>>(), [1]);
    let [second, third] = &report.not_copied[..] else { panic!("{report:?}") };
    assert!(second.damage.len() == 1 && second.damage[0].starts_with(damaged.as_str()), "{second:?}");
    assert!(third.damage.len() == 2 && third.damage.iter().any(|it| it.starts_with(gone.as_str())), "{third:?}");
    assert_eq!(target.snapshots().unwrap(), [1]);
    assert_sound(&target);
    // Mended, all of it is copied, and nothing twice.
    bytes[70] ^= 1;
    source.store.put(&damaged, &bytes).unwrap();
    let report = copy_with(&source.repository, &target, &one(2)).unwrap();
    assert_eq!((report.segments, report.taken_over_segments), (1, 1), "{report:?}");
    assert_equal(&source.repository, &target, &[(1, 1), (2, 2)]);
    assert_sound(&target);
}

#[test]
fn a_damaged_part_of_the_source_is_named() {
    let source = Growing::with(2);
    let shard = &source.newest.as_ref().unwrap().head.topics[0];
    let key = crate::repository::layout::part(&shard.digest).unwrap();
    let mut bytes = source.store.get(&key).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    source.store.put(&key, &bytes).unwrap();
    let source = Repository::open_in(Arc::new(source.store.clone())).unwrap();
    let target = testing::repository(MemoryStore::new());
    let report = copy_all(&source, &target);
    assert_eq!((report.snapshots.len(), report.not_copied.len()), (1, 1));
    assert!(report.not_copied[0].damage[0].starts_with(key.as_str()), "{report:?}");
}

#[test]
fn bytes_that_did_not_arrive_are_found_before_anything_names_them() {
    let source = Growing::with(1);
    // A disk that spoils what it is given: everything below topics/ reads back with a bit flipped.
    let inner = MemoryStore::new();
    let target = testing::repository(inner.clone());
    copy_all(&source.repository, &target);
    let spoiled = testing::repository(Spoiling(MemoryStore::new()));
    let error = copy_with(&source.repository, &spoiled, &CopyOptions::default()).unwrap_err();
    assert!(matches!(&error, CopyError::Target { source, .. } if source.is_damage()), "{error}");
    assert!(spoiled.snapshots().unwrap().is_empty());
}

#[derive(Debug, Clone)]
struct Spoiling(MemoryStore);

impl Store for Spoiling {
    fn put(&self, key: &Key, bytes: &[u8]) -> Result<(), crate::store::StoreError> {
        self.0.put(key, bytes)
    }
    fn put_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<(), crate::store::StoreError> {
        self.0.put_if_absent(key, bytes)
    }
    fn get(&self, key: &Key) -> Result<Vec<u8>, crate::store::StoreError> {
        self.0.get(key)
    }
    fn get_range(&self, key: &Key, start: u64, length: u64) -> Result<Vec<u8>, crate::store::StoreError> {
        self.0.get_range(key, start, length)
    }
    fn read(&self, key: &Key, start: u64) -> Result<Box<dyn io::Read + Send>, crate::store::StoreError> {
        let mut bytes = self.0.get(key)?.split_off(start as usize);
        if key.as_str().starts_with("topics/") {
            bytes[20] ^= 1;
        }
        Ok(Box::new(io::Cursor::new(bytes)))
    }
    fn create(&self, early: &Key) -> Result<Box<dyn crate::store::ObjectWriter>, crate::store::StoreError> {
        self.0.create(early)
    }
    fn info(&self, key: &Key) -> Result<Option<crate::store::ObjectInfo>, crate::store::StoreError> {
        self.0.info(key)
    }
    fn list(&self, folder: Option<&Key>) -> Result<Vec<crate::store::ObjectInfo>, crate::store::StoreError> {
        self.0.list(folder)
    }
    fn children(&self, folder: Option<&Key>) -> Result<Vec<String>, crate::store::StoreError> {
        self.0.children(folder)
    }
    fn delete(&self, key: &Key) -> Result<(), crate::store::StoreError> {
        self.0.delete(key)
    }
    fn lock(&self, key: &Key, owner: &[u8]) -> Result<crate::store::LockOutcome, crate::store::StoreError> {
        self.0.lock(key, owner)
    }
    fn sweep(&self) -> Result<usize, crate::store::StoreError> {
        self.0.sweep()
    }
    fn free_space(&self) -> Option<u64> {
        self.0.free_space()
    }
    fn describe(&self) -> String {
        self.0.describe()
    }
}

#[test]
fn a_copy_that_fails_anywhere_goes_on_and_ends_the_same() {
    let source = Growing::with(3);
    let mut failed = 0;
    // A copy deletes nothing but its lock.
    for operation in Operation::ALL.into_iter().filter(|one| *one != Operation::Delete) {
        for nth in 1.. {
            for lost in [false, true] {
                let store = FaultyStore::new(MemoryStore::new());
                let target = testing::repository(store.clone());
                store.inject(if lost {
                    Fault::LostAnswer { operation, nth }
                } else {
                    Fault::Fails { operation, nth, with: io::ErrorKind::ConnectionReset }
                });
                let ended = copy_with(&source.repository, &target, &CopyOptions::default());
                failed += u32::from(ended.is_err());
                store.heal();
                assert_sound(&target);
                let report = copy_all(&source.repository, &target);
                assert!(report.not_copied.is_empty(), "{operation:?} {nth}: {report:?}");
                assert_equal(&source.repository, &target, &[(1, 1), (2, 2), (3, 3)]);
                assert_sound(&target);
            }
            if nth >= reached(&source.repository, operation) {
                break;
            }
        }
    }
    assert!(failed > 60, "{failed}");
}

/// How many operations of a kind a whole copy has, roughly.
fn reached(source: &Repository, operation: Operation) -> u32 {
    for nth in (1..).step_by(4) {
        let store = FaultyStore::new(MemoryStore::new());
        let target = testing::repository(store.clone());
        store.inject(Fault::Fails { operation, nth, with: io::ErrorKind::ConnectionReset });
        let whole = copy_with(source, &target, &CopyOptions::default()).is_ok();
        if whole {
            return nth;
        }
    }
    unreachable!()
}

#[test]
fn what_was_copied_before_a_stop_is_taken_over() {
    let source = Growing::with(20);
    let store = FaultyStore::new(MemoryStore::new());
    let target = testing::repository(store.clone());
    store.inject(Fault::Fails { operation: Operation::Publish, nth: 31, with: io::ErrorKind::ConnectionReset });
    let options = CopyOptions { threads: 1, ..one(20) };
    copy_with(&source.repository, &target, &options).unwrap_err();
    let report = copy_with(&source.repository, &target, &options).unwrap();
    assert_eq!((report.taken_over_segments, report.segments), (30, 10));
    assert_equal(&source.repository, &target, &[(20, 20)]);
    assert_sound(&target);
    // The horizon of the copy lies behind both runs: nothing of them is looked at again.
    let head = target.head(20).unwrap().head;
    assert_eq!(head.run_horizon, head.run);
}

#[test]
fn a_backup_under_way_in_the_target_keeps_its_seals() {
    let source = Growing::with(1);
    let target = testing::repository(MemoryStore::new());
    let run = target.begin_run(CLUSTER).unwrap();
    let sealed = testing::segment(&target, &run, testing::start("other", 0, &run, None), &[batch(0, 1)]);
    copy_all(&source.repository, &target);
    let head = target.head(1).unwrap().head;
    assert!(head.run_horizon.as_str() < run.id(), "{head:?}");
    let (seals, _) = target.left_over_seals(CLUSTER, &head.run_horizon, "").unwrap();
    assert_eq!(seals, [sealed], "and a backup takes nothing over that a copy wrote down");
}

#[test]
fn somebody_stops_it() {
    let source = Growing::with(2);
    let target = testing::repository(MemoryStore::new());
    let cancel = Cancel::new();
    cancel.cancel();
    let options = CopyOptions::default();
    let (source, target) = (&source.repository, &target);
    let report = copy(Context { source, target, options: &options, progress: &Silent, cancel: &cancel }).unwrap();
    assert!(!report.complete && report.snapshots.is_empty());
}

#[test]
fn a_snapshot_that_is_gone_is_no_damage() {
    let source = Growing::with(1);
    let target = testing::repository(MemoryStore::new());
    let error = copy_with(&source.repository, &target, &one(9)).unwrap_err();
    assert!(matches!(error, CopyError::Source { source: RepositoryError::NoSuchSnapshot { sequence: 9, .. }, .. }));
}
