use super::*;
use crate::model::{TopicId, TopicName};

fn folder() -> Key {
    let topic = TopicName::new("orders").unwrap();
    let id: TopicId = testing::topic_id("orders");
    layout::partition(&topic, id, 0).unwrap()
}

fn objects(store: &MemoryStore) -> Vec<String> {
    store.list(Some(&folder())).unwrap().iter().map(|info| info.key.name().to_owned()).collect()
}

#[test]
fn small_segments_are_merged_and_every_snapshot_reads_the_same() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    history(&repository, 40, 1, 40);
    let before = contents(&repository);
    a_moment();
    let plan = dry_run(&repository, &merging(3), &Silent, &Cancel::new()).unwrap();
    let report = run(&repository, &merging(3));
    assert_eq!(report.merged, plan.merged);
    assert!(report.merged.into >= 1 && report.merged.from >= 36, "{report:?}");
    let report = run(&repository, &merging(3));
    assert_eq!(report.merged.into, 0, "{report:?}");
    assert!(objects(&store).len() <= 8, "{:?}", objects(&store));
    let after = contents(&reopened(&store));
    assert_eq!(after.len(), 3);
    assert!(after.iter().all(|(sequence, digest)| before[sequence] == *digest));
    assert_eq!(contents(&repository), after, "also for a process that knew where the segments were");
    assert_sound(&store);
}

#[test]
fn a_merged_object_is_itself_a_log() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    history(&repository, 8, 1, 8);
    run(&repository, &merging(1));
    let names = objects(&store);
    let merged = names.iter().find(|name| name.starts_with("00000000000000000000.00000000000000000024-"));
    let key = folder().join(merged.unwrap()).unwrap();
    let offsets: Vec<i64> =
        crate::batch::walk(&store.get(&key).unwrap()).map(|batch| batch.unwrap().base_offset()).collect();
    assert_eq!(offsets, [0, 3, 6, 9, 12, 15, 18, 21]);
}

#[test]
fn runs_without_end_leave_few_objects_and_copy_few_bytes() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    let (mut seals, mut last, mut copied, mut most) = (Vec::new(), None, 0, 0);
    for number in 0..200 {
        let run_of = repository.begin_run(CLUSTER).unwrap();
        let start = testing::start("orders", 0, &run_of, seals.last());
        seals.push(testing::segment(&repository, &run_of, start, &[batch(number, 1)]));
        let segments = repository.append_seals(SegmentList::default(), seals.clone()).unwrap();
        let topic = testing::topic("orders", vec![testing::partition(0, &seals, segments)]);
        last = Some(testing::commit(&repository, &run_of, last.as_ref(), vec![topic]));
        if number % 3 == 2 {
            copied += run(&repository, &merging(1)).merged.bytes;
            most = most.max(objects(&store).len());
        }
    }
    let bytes: u64 = seals.iter().map(|seal| seal.size).sum();
    assert!(most <= 40, "{most}");
    assert!(copied <= bytes * 14, "{copied} of {bytes}");
    assert_sound(&store);
}

#[test]
fn a_damaged_segment_is_not_merged_and_not_removed() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    history(&repository, 5, 1, 5);
    let names = objects(&store);
    let key = folder().join(&names[2]).unwrap();
    let mut bytes = store.get(&key).unwrap();
    bytes[70] ^= 1;
    store.put(&key, &bytes).unwrap();
    let report = run(&repository, &merging(5));
    assert_eq!((report.merged.into, report.remarks.len()), (0, 1), "{report:?}");
    assert!(report.remarks[0].contains(key.as_str()));
    assert!(names.iter().all(|name| objects(&store).contains(name)));
}

#[test]
fn what_is_mostly_not_named_any_more_is_written_anew() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    let made = history(&repository, 12, 1, 12);
    run(&repository, &merging(12));
    // Only the last three of the twelve segments are named from now on.
    let topic = repository.topics(&made[11].head).unwrap().next().unwrap().unwrap();
    let seals: Vec<Seal> = repository.seals(&topic.partitions[0].segments).map(Result::unwrap).collect();
    let run_of = repository.begin_run(CLUSTER).unwrap();
    let list = repository.append_seals(SegmentList::default(), seals[9..].to_vec()).unwrap();
    let topic = testing::topic("orders", vec![testing::partition(0, &seals[9..], list)]);
    testing::commit(&repository, &run_of, None, vec![topic]);
    run(&repository, &merging(1));
    run(&repository, &merging(1));
    let left: u64 = store
        .list(Some(&folder()))
        .unwrap()
        .iter()
        .filter(|info| layout::is_segment_name(info.key.name()))
        .map(|info| info.size)
        .sum();
    let named: u64 = seals[9..].iter().map(|seal| seal.size).sum();
    assert!(left <= 2 * named, "{left} bytes are left of {named}");
    assert_eq!(contents(&reopened(&store)).len(), 1);
    assert_sound(&store);
}

#[test]
fn a_document_that_is_damaged_is_found_and_its_object_stays() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    history(&repository, 6, 1, 6);
    run(&repository, &merging(6));
    run(&repository, &merging(6));
    let names = objects(&store);
    let document = names.iter().find(|name| layout::is_pieces_name(name)).unwrap();
    let key = folder().join(document).unwrap();
    let whole = store.get(&key).unwrap();
    for position in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[position] ^= 4;
        store.put(&key, &bytes).unwrap();
        let report = verify::verify(
            &reopened(&store),
            &VerifyOptions { fast: true, ..VerifyOptions::default() },
            &Silent,
            &Cancel::new(),
        )
        .unwrap();
        assert!(
            report.damage.iter().any(|finding| finding.object == key.as_str()),
            "byte {position}: {:?}",
            report.damage
        );
    }
    let report = run(&reopened(&store), &merging(6));
    assert_eq!((report.merged.into, report.freed.total().objects), (0, 0), "{report:?}");
    store.put(&key, &whole).unwrap();
    assert_sound(&store);
}
