//! A repository with an object of every kind.

use std::sync::Arc;

use crate::model::{OffsetRange, Timestamp, TopicName};
use crate::repository::format::{
    Excluded, Piece, PiecesDocument, RestoreRecords, RestoreTopics, Seal, SegmentList, SettingsPart, TargetPartition,
    TargetTopic,
};
use crate::repository::testing::{self, CLUSTER, batch, marker, transactional};
use crate::repository::{InitOptions, Repository, Run, SigningKey, Snapshot, layout};
use crate::store::{Key, MemoryStore, Store};

/// The random part of merged objects' names.
pub(super) const MERGED: &str = "feedc0de";
/// Segments in a merged object; the others of the partition are left alone.
const PIECES: usize = 12;

pub(super) struct Fixture {
    pub(super) store: MemoryStore,
    pub(super) key: SigningKey,
}

/// Two signed snapshots with all parts there are, each with segments that were merged and are gone; two restores, two
/// programs, a lock. Where it is encrypted, the recipients change in between.
pub(super) fn fixture(options: &InitOptions) -> Fixture {
    let store = MemoryStore::new();
    let mut repository = Repository::init_in_with(Arc::new(store.clone()), options).unwrap();
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let key = SigningKey::parse(&pair.sk.to_box(None).unwrap().into_string(), None).unwrap();
    let first = snapshot(&repository, None, "one");
    if repository.is_encrypted() {
        let next = age::x25519::Identity::generate().to_public().to_string();
        repository.change_recipients(vec![next]).unwrap();
        repository = Repository::open_in(Arc::new(store.clone())).unwrap();
    }
    let second = snapshot(&repository, Some(&first), "two");
    for snapshot in [&first, &second] {
        if repository.document().digest.is_blake3() {
            repository.sign(snapshot, &key).unwrap();
        }
        restore(&repository, snapshot);
        merge(&repository, snapshot);
    }
    for machine in ["x86_64-linux", "aarch64-linux"] {
        repository.store_tool(machine, &mut machine.as_bytes()).unwrap();
    }
    store.put(&Key::new("locks/backup-0123456789abcdef.lock").unwrap(), b"{}").unwrap();
    Fixture { store, key }
}

/// A snapshot of two topics of its own; one has so many segments that their seals fill a part.
fn snapshot(repository: &Repository, parent: Option<&Snapshot>, word: &str) -> Snapshot {
    let run = repository.begin_run(CLUSTER).unwrap();
    let many = segments(repository, &run, &format!("orders-{word}"), 18);
    let few = segments(repository, &run, &format!("audit-{word}"), 1);
    let topics = [(format!("orders-{word}"), many), (format!("audit-{word}"), few)].map(|(name, seals)| {
        let list = repository.append_seals(SegmentList::default(), seals.clone()).unwrap();
        testing::topic(&name, vec![testing::partition(0, &seals, list)])
    });
    let excluded = Excluded { topics: vec![format!("__{word}")], groups: Vec::new() };
    let settings = SettingsPart {
        cluster_configs: vec![crate::repository::format::ConfigEntry {
            name: "log.cleaner.threads".to_owned(),
            value: Some(word.to_owned()),
        }],
        ..SettingsPart::default()
    };
    let parts = (repository.put_private_part(&settings).unwrap(), repository.put_part(&excluded).unwrap());
    testing::commit_with(repository, &run, parent, topics.into(), |head| {
        (head.settings, head.excluded) = (Some(parts.0), Some(parts.1));
    })
}

fn segments(repository: &Repository, run: &Run, topic: &str, number: i64) -> Vec<Seal> {
    let mut seals: Vec<Seal> = Vec::new();
    for base in (0..number).map(|number| number * 4) {
        let batches = [batch(base, 1), transactional(base + 1, 2, 7 + base), marker(base + 3, 7 + base, false)];
        seals.push(testing::segment(repository, run, testing::start(topic, 0, run, seals.last()), &batches));
    }
    seals
}

/// What pruning leaves of the first segments of long partitions: one object, its document, and none of the originals.
fn merge(repository: &Repository, snapshot: &Snapshot) {
    let store = repository.store();
    for topic in repository.topics(&snapshot.head).unwrap() {
        let topic = topic.unwrap();
        let seals = repository.seals(&topic.partitions[0].segments);
        let seals: Vec<Seal> = seals.take(PIECES).map(Result::unwrap).collect();
        let [first, .., last] = seals.as_slice() else { continue };
        let originals: Vec<Key> = seals.iter().map(|seal| Key::new(seal.object.as_str()).unwrap()).collect();
        let (_, form) = layout::segment_stem(originals[0].name()).unwrap();
        let folder = layout::partition(&topic.name, topic.id, 0).unwrap();
        let object = layout::segment(&folder, first.base, last.next, MERGED, form).unwrap();
        let (mut bytes, mut pieces) = (Vec::new(), Vec::new());
        for (seal, original) in seals.iter().zip(&originals) {
            pieces.push(Piece { object: seal.object.clone(), start: bytes.len() as u64, length: seal.length });
            bytes.extend(store.get(original).unwrap());
        }
        store.put_if_absent(&object, &bytes).unwrap();
        let document = PiecesDocument { object: object.to_string(), length: bytes.len() as u64, pieces };
        repository.put_pieces(&document).unwrap();
        for original in &originals {
            store.delete(original).unwrap();
        }
    }
}

fn restore(repository: &Repository, snapshot: &Snapshot) {
    let topic = TopicName::new("orders").unwrap();
    let mut plan = testing::restore_plan(testing::restore_key(&snapshot.id), snapshot.head.sequence);
    plan.targets = vec![topic.clone()];
    let folder = repository.restore_states().begin(&plan.key).unwrap();
    folder.begin(&plan).unwrap();
    let keep = OffsetRange { base: 0, next: 4 + snapshot.head.sequence as i64 };
    let target = TargetTopic {
        source: topic.clone(),
        target: topic.clone(),
        id: testing::topic_id("orders"),
        created: true,
        again: false,
        partitions: vec![TargetPartition { partition: 0, keep, base: 0, preserved: false }],
    };
    folder.put_topics(&RestoreTopics { topics: vec![target], translated: Vec::new() }).unwrap();
    let mut map = folder.map_writer(&topic, 0).unwrap();
    map.piece(crate::model::MapPiece { source: 0, target: 0, count: keep.next }).unwrap();
    map.publish(keep.next, serde_json::json!({"records": keep.next})).unwrap();
    let checked = Timestamp(snapshot.head.sequence as i64);
    folder.put("records.json", &RestoreRecords { checked, notes: Vec::new() }).unwrap();
}
