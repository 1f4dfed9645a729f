//! Damage of every kind is found and named.

use super::*;
use crate::progress::Silent;
use crate::repository::format::{Seal, SegmentList};
use crate::repository::testing::{self, CLUSTER, batch, marker, transactional};
use crate::repository::{Repository, Snapshot, layout};
use crate::store::{Key, MemoryStore, Store};

struct Fixture {
    store: MemoryStore,
    repository: Repository,
    seals: Vec<Seal>,
    snapshots: Vec<Snapshot>,
}

/// Two snapshots: the second has a segment more, with the marker of a transaction that began in the first.
fn fixture() -> Fixture {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    let run = repository.begin_run(CLUSTER).unwrap();
    let batches = [batch(0, 10), transactional(10, 2, 7), batch(12, 3)];
    let first = testing::segment(&repository, &run, testing::start("orders", 0, &run, None), &batches);
    let list = repository.append_seals(SegmentList::default(), vec![first.clone()]).unwrap();
    let topic = testing::topic("orders", vec![testing::partition(0, std::slice::from_ref(&first), list.clone())]);
    let one = testing::commit(&repository, &run, None, vec![topic]);
    let run = repository.begin_run(CLUSTER).unwrap();
    let batches = [transactional(15, 1, 7), marker(16, 7, false)];
    let second = testing::segment(&repository, &run, testing::start("orders", 0, &run, Some(&first)), &batches);
    let list = repository.append_seals(list, vec![second.clone()]).unwrap();
    let topic = testing::topic("orders", vec![testing::partition(0, &[first.clone(), second.clone()], list)]);
    let two = testing::commit(&repository, &run, Some(&one), vec![topic]);
    Fixture { store, repository, seals: vec![first, second], snapshots: vec![one, two] }
}

impl Fixture {
    fn verify(&self, options: &VerifyOptions) -> VerifyReport {
        let repository = Repository::open_in(std::sync::Arc::new(self.store.clone())).unwrap();
        verify(&repository, options, &Silent, &Cancel::new()).unwrap()
    }

    fn object(&self, seal: usize) -> Key {
        Key::new(self.seals[seal].object.as_str()).unwrap()
    }

    fn flip(&self, key: &Key, position: usize) {
        let mut bytes = self.store.get(key).unwrap();
        bytes[position] ^= 0x04;
        self.store.put(key, &bytes).unwrap();
    }
}

fn fast() -> VerifyOptions {
    VerifyOptions { fast: true, ..VerifyOptions::default() }
}

#[test]
fn a_sound_repository_has_nothing_to_report() {
    let fixture = fixture();
    let report = fixture.verify(&VerifyOptions::default());
    assert!(report.is_sound() && report.complete, "{:?}", report.damage);
    assert_eq!((report.snapshots.as_slice(), report.segments, report.segments_read), (&[1, 2][..], 2, 2));
    assert_eq!((report.bytes, report.bytes_read, report.batches_read), (report.bytes_read, report.bytes, 5));
    // Two shards, one part with groups.
    assert_eq!((report.parts, report.left_overs_total, report.remarks.len()), (3, 0, 0));
    let report = fixture.verify(&fast());
    assert!(report.is_sound());
    assert_eq!((report.segments, report.segments_read), (2, 0));
}

#[test]
fn every_flipped_byte_of_a_segment_is_found_and_placed_in_its_batch() {
    let fixture = fixture();
    let key = fixture.object(0);
    let whole = fixture.store.get(&key).unwrap();
    let batches: Vec<(u64, u64)> = crate::batch::walk(&whole)
        .map(|batch| batch.unwrap().bytes().len() as u64)
        .scan(0, |at, size| {
            *at += size;
            Some((*at - size, *at))
        })
        .collect();
    for position in 0..whole.len() {
        fixture.flip(&key, position);
        let report = fixture.verify(&VerifyOptions::default());
        fixture.store.put(&key, &whole).unwrap();
        assert!(!report.is_sound(), "byte {position}");
        let finding = &report.damage[0];
        assert_eq!(finding.object, key.as_str());
        let inside = batches.iter().position(|(from, to)| (*from..*to).contains(&(position as u64))).unwrap();
        // A base offset that was raised within the segment shows at the batch after it.
        let (from, _) = batches[inside];
        let after = batches.get(inside + 1).map(|(from, _)| *from);
        let placed = finding.position.is_none() || finding.position == Some(from) || finding.position == after;
        assert!(placed, "byte {position}: {finding:?}");
        assert!(finding.position == Some(from) || position as u64 - from < 8, "byte {position}: {finding:?}");
        assert_eq!(report.damaged_snapshots, [1, 2]);
    }
}

#[test]
fn every_flipped_byte_of_every_other_file_is_found() {
    let fixture = fixture();
    for object in fixture.store.list(None).unwrap() {
        let name = object.key.as_str();
        if name.starts_with(layout::TOPICS) || name == layout::REPOSITORY {
            continue;
        }
        let whole = fixture.store.get(&object.key).unwrap();
        for position in 0..whole.len() {
            fixture.flip(&object.key, position);
            let report = fixture.verify(&fast());
            let named = report.damage.iter().any(|finding| finding.object == name);
            assert!(named, "{name}, byte {position}: {:?}", report.damage);
            fixture.store.put(&object.key, &whole).unwrap();
        }
    }
    let key = layout::repository().unwrap();
    for position in 0..fixture.store.get(&key).unwrap().len() {
        fixture.flip(&key, position);
        let error = Repository::open_in(std::sync::Arc::new(fixture.store.clone())).unwrap_err();
        assert!(error.is_damage() && error.to_string().starts_with("repository.json"), "{error}");
        fixture.flip(&key, position);
    }
}

#[test]
fn what_is_missing_or_cut_short_is_found_even_by_a_fast_look() {
    let fixture = fixture();
    let (first, second) = (fixture.object(0), fixture.object(1));
    let whole = fixture.store.get(&second).unwrap();
    fixture.store.put(&second, &whole[..whole.len() - 1]).unwrap();
    let report = fixture.verify(&fast());
    assert_eq!((report.damage.len(), report.damage[0].kind), (1, FindingKind::Size));
    assert_eq!(report.damaged_snapshots, [2]);
    fixture.store.put(&second, &whole).unwrap();
    fixture.store.delete(&first).unwrap();
    for options in [fast(), VerifyOptions::default()] {
        let report = fixture.verify(&options);
        assert_eq!((report.damage.len(), report.damage[0].kind), (1, FindingKind::Missing));
        assert_eq!(report.damage[0].object, first.as_str());
        assert_eq!(report.damage[0].partition.as_ref().unwrap().to_string(), "orders-0");
        assert_eq!(report.damaged_snapshots, [1, 2]);
    }
    let part = layout::part_of(&fixture.snapshots[1].head.groups).unwrap();
    fixture.store.put(&first, &fixture.store.get(&second).unwrap()).unwrap();
    fixture.store.delete(&part).unwrap();
    assert!(fixture.verify(&fast()).damage.iter().any(|finding| finding.object == part.as_str()));
}

#[test]
fn one_snapshot_alone_can_be_verified() {
    let fixture = fixture();
    fixture.store.delete(&fixture.object(1)).unwrap();
    assert!(fixture.verify(&VerifyOptions { snapshot: Some(1), ..VerifyOptions::default() }).is_sound());
    assert!(!fixture.verify(&VerifyOptions { snapshot: Some(2), ..VerifyOptions::default() }).is_sound());
    let absent = VerifyOptions { snapshot: Some(3), ..VerifyOptions::default() };
    let error = verify(&fixture.repository, &absent, &Silent, &Cancel::new()).unwrap_err();
    assert!(matches!(error, RepositoryError::NoSuchSnapshot { sequence: 3, .. }));
}

#[test]
fn the_parts_together_read_every_segment_once() {
    let fixture = fixture();
    let read: u64 = (1..=7)
        .map(|number| fixture.verify(&VerifyOptions { part: Some(Part { number, of: 7 }), ..VerifyOptions::default() }))
        .map(|report| report.segments_read)
        .sum();
    assert_eq!(read, 2);
}

#[test]
fn what_killed_runs_left_is_named_and_is_no_damage() {
    let fixture = fixture();
    let run = fixture.repository.begin_run(CLUSTER).unwrap();
    let sealed = testing::segment(&fixture.repository, &run, testing::start("orders", 1, &run, None), &[batch(0, 1)]);
    let mut orphan = fixture.repository.create_segment(testing::start("orders", 2, &run, None)).unwrap();
    orphan.append_run(&batch(0, 1), 100, crate::model::Timestamp(1)).unwrap();
    let orphan = orphan.seal().unwrap();
    fixture.repository.put_part(&["nobody names it"]).unwrap();
    fixture.store.put(&Key::new("tmp/host.1.abc").unwrap(), b"half").unwrap();
    fixture.store.put(&Key::new("notes.txt").unwrap(), b"mine").unwrap();
    let report = fixture.verify(&VerifyOptions::default());
    assert!(report.is_sound());
    let kinds: Vec<(LeftOverKind, &str)> = report.left_overs.iter().map(|it| (it.kind, it.object.as_str())).collect();
    assert_eq!(kinds.len(), 5);
    assert!(kinds.contains(&(LeftOverKind::Resumable, &sealed.object)));
    assert!(kinds.contains(&(LeftOverKind::Segment, &orphan.object)));
    assert!(kinds.contains(&(LeftOverKind::Unfinished, "tmp/host.1.abc")));
    assert!(kinds.contains(&(LeftOverKind::Unknown, "notes.txt")));
}

#[test]
fn seals_that_lie_are_found() {
    type Lie = fn(&mut Seal);
    let lies: [(&str, Lie); 4] = [
        ("aborted", |seal| seal.aborted.clear()),
        ("records", |seal| seal.records += 1),
        ("carried", |seal| seal.carried.clear()),
        ("last_batch_base", |seal| seal.last_batch_base -= 1),
    ];
    for (name, lie) in lies {
        let Fixture { store, repository, seals, .. } = fixture();
        let mut wrong = seals.clone();
        lie(&mut wrong[1]);
        let list = repository.append_seals(SegmentList::default(), wrong.clone()).unwrap();
        let run = repository.begin_run(CLUSTER).unwrap();
        testing::commit(
            &repository,
            &run,
            None,
            vec![testing::topic("orders", vec![testing::partition(0, &wrong, list)])],
        );
        let options = VerifyOptions { snapshot: Some(3), ..VerifyOptions::default() };
        let report = verify(&repository, &options, &Silent, &Cancel::new()).unwrap();
        assert!(!report.is_sound(), "{name}");
        assert!(report.damage.iter().all(|finding| finding.kind == FindingKind::Contradiction), "{:?}", report.damage);
        drop(store);
    }
}

#[test]
fn bounds_that_do_not_fit_are_found_and_holes_are_only_remarked() {
    let Fixture { repository, seals, .. } = fixture();
    let run = repository.begin_run(CLUSTER).unwrap();
    let list = repository.append_seals(SegmentList::default(), vec![seals[1].clone(), seals[0].clone()]).unwrap();
    let state = testing::partition(0, &[seals[1].clone(), seals[0].clone()], list);
    testing::commit(&repository, &run, None, vec![testing::topic("orders", vec![state])]);
    let options = VerifyOptions { snapshot: Some(3), fast: true, ..VerifyOptions::default() };
    let report = verify(&repository, &options, &Silent, &Cancel::new()).unwrap();
    assert!(report.damage.iter().any(|finding| finding.detail.contains("begins before offset 17")), "{report:?}");

    let list = repository.append_seals(SegmentList::default(), vec![seals[1].clone()]).unwrap();
    let mut state = testing::partition(0, &seals[1..], list);
    (state.first, state.log_start) = (0, 0);
    testing::commit(&repository, &run, None, vec![testing::topic("orders", vec![state])]);
    let options = VerifyOptions { snapshot: Some(4), fast: true, ..VerifyOptions::default() };
    let report = verify(&repository, &options, &Silent, &Cancel::new()).unwrap();
    assert!(report.is_sound());
    assert_eq!(report.remarks, ["orders-0: no record at [0, 15), though the topic is not compacted"]);
}

#[test]
fn many_snapshots_share_what_is_looked_at() {
    let store = MemoryStore::new();
    let repository = testing::repository(store);
    let (mut list, mut parent, mut before) = (SegmentList::default(), None, None::<Seal>);
    let mut all = Vec::new();
    for number in 0..40 {
        let run = repository.begin_run(CLUSTER).unwrap();
        let start = testing::start("orders", 0, &run, before.as_ref());
        let seal = testing::segment(&repository, &run, start, &[transactional(number, 1, number % 3)]);
        list = repository.append_seals(list, vec![seal.clone()]).unwrap();
        all.push(seal.clone());
        before = Some(seal);
        let topic = testing::topic("orders", vec![testing::partition(0, &all, list.clone())]);
        parent = Some(testing::commit(&repository, &run, parent.as_ref(), vec![topic]));
    }
    let report = verify(&repository, &VerifyOptions::default(), &Silent, &Cancel::new()).unwrap();
    assert!(report.is_sound(), "{:?}", report.damage);
    assert_eq!((report.snapshots.len(), report.segments, report.segments_read), (40, 40, 40));
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let fixture = fixture();
    let line = serde_json::json!({"format": {"major": 9, "minor": 0}}).to_string();
    let digest = blake3::hash(line.as_bytes()).to_hex();
    let bytes = format!("{line}\n{{\"digest\":\"{digest}\"}}\n");
    fixture.store.put(&layout::snapshot(3).unwrap(), bytes.as_bytes()).unwrap();
    let error = verify(&fixture.repository, &fast(), &Silent, &Cancel::new()).unwrap_err();
    assert_eq!(error.to_string(), "snapshots/0000000003.json has format 9.0, this ktape knows 2.0");
}

#[test]
fn a_verification_that_was_stopped_says_so() {
    let fixture = fixture();
    let cancel = Cancel::new();
    cancel.cancel();
    let report = verify(&fixture.repository, &VerifyOptions::default(), &Silent, &cancel).unwrap();
    assert!(!report.complete && report.is_sound());
}
