//! Batches and repositories for the tests of this layer and of those above.

use std::sync::Arc;

use super::format::{
    ConfigEntry, GroupOffset, GroupState, GroupsPart, PartitionState, RestoreCut, RestoreDone, RestoreKey,
    RestorePlanDocument, Seal, SegmentList, SnapshotHead, TopicState,
};
use super::{Repository, RestoreFolder, Run, SegmentStart, Snapshot};
use crate::batch::{Attributes, BatchHeader, Builder, HEADER_SIZE, Record};
use crate::model::{CommittedOffset, GroupId, GroupType, Timestamp, TopicId, TopicName};
use crate::store::Store;

/// Cluster id of test snapshots.
pub const CLUSTER: &str = "cluster-a";

/// A batch of that many records at `base`, its header changed by the test.
pub fn batch_with(base: i64, records: i32, change: impl FnOnce(&mut BatchHeader)) -> Vec<u8> {
    let mut builder = Builder::new();
    for number in 0..records {
        let value = format!("value {}", base + i64::from(number));
        builder.push(&record(1_000_000 + base, None, Some(value.as_bytes()))).unwrap();
    }
    finish(builder, base, change)
}

/// A batch of records with these times.
pub fn batch_of(base: i64, times: &[i64]) -> Vec<u8> {
    let mut builder = Builder::new();
    for time in times {
        builder.push(&record(*time, None, Some(b"value"))).unwrap();
    }
    finish(builder, base, |_| {})
}

/// A batch of that many plain records.
pub fn batch(base: i64, records: i32) -> Vec<u8> {
    batch_with(base, records, |_| {})
}

/// A batch of a transaction.
pub fn transactional(base: i64, records: i32, producer_id: i64) -> Vec<u8> {
    batch_with(base, records, |header| {
        header.attributes = Attributes(Attributes::TRANSACTIONAL);
        header.producer_id = producer_id;
    })
}

/// A transaction marker.
pub fn marker(base: i64, producer_id: i64, commit: bool) -> Vec<u8> {
    let mut builder = Builder::new();
    builder.push(&record(1_000_000 + base, Some(&[0, 0, 0, u8::from(commit)]), Some(&[0; 6]))).unwrap();
    finish(builder, base, |header| {
        header.attributes = Attributes(Attributes::TRANSACTIONAL | Attributes::CONTROL);
        header.producer_id = producer_id;
    })
}

fn record<'a>(timestamp: i64, key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> Record<'a> {
    Record { offset: 0, timestamp, key, value, headers: Vec::new(), attributes: 0 }
}

/// What was built, at `base`, its header changed by the test.
pub fn finish(builder: Builder, base: i64, change: impl FnOnce(&mut BatchHeader)) -> Vec<u8> {
    let mut bytes = builder.finish(Attributes(0)).unwrap();
    let mut header = BatchHeader::parse(&bytes).unwrap();
    header.base_offset = base;
    header.leader_epoch = 0;
    change(&mut header);
    bytes[..HEADER_SIZE].copy_from_slice(&header.encode());
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// A partition's segment writer start.
pub fn start(topic: &str, partition: i32, run: &Run, before: Option<&Seal>) -> SegmentStart {
    SegmentStart {
        topic: TopicName::new(topic).unwrap(),
        topic_id: topic_id(topic),
        partition,
        lineage: 0,
        run: run.id().to_owned(),
        open: before.map(|seal| seal.open.clone()).unwrap_or_default(),
    }
}

/// An id made from the name.
pub fn topic_id(topic: &str) -> TopicId {
    let mut id = [0; 16];
    id.copy_from_slice(&blake3::hash(topic.as_bytes()).as_bytes()[..16]);
    TopicId(id)
}

/// Writes and seals one segment and records the seal.
pub fn segment(repository: &Repository, run: &Run, start: SegmentStart, batches: &[Vec<u8>]) -> Seal {
    let mut writer = repository.create_segment(start).unwrap();
    let bytes = batches.concat();
    assert_eq!(writer.append_run(&bytes, i64::MAX, Timestamp(5)).unwrap(), bytes.len());
    let seal = writer.seal().unwrap();
    run.record(vec![seal.clone()]).unwrap();
    seal
}

/// A partition that the seals cover without holes.
pub fn partition(number: i32, seals: &[Seal], segments: SegmentList) -> PartitionState {
    let (first, next) = (seals.first().map_or(0, |s| s.base), seals.last().map_or(0, |s| s.next));
    PartitionState {
        partition: number,
        lineage: 0,
        fenced: None,
        log_start: first,
        last_stable: next,
        high_watermark: next,
        fence: next,
        next,
        first,
        missing: Vec::new(),
        segments,
    }
}

/// A topic of those partitions.
pub fn topic(name: &str, partitions: Vec<PartitionState>) -> TopicState {
    let name = TopicName::new(name).unwrap();
    let id = topic_id(name.as_str());
    let effective = vec![ConfigEntry { name: "cleanup.policy".to_owned(), value: Some("delete".to_owned()) }];
    TopicState { name, id, replication_factor: 1, configs: Vec::new(), effective, partitions }
}

/// Writes the parts and commits a snapshot of those topics and one group.
pub fn commit(repository: &Repository, run: &Run, parent: Option<&Snapshot>, topics: Vec<TopicState>) -> Snapshot {
    commit_with(repository, run, parent, topics, |_| {})
}

/// The same with something changed in the head.
pub fn commit_with(
    repository: &Repository,
    run: &Run,
    parent: Option<&Snapshot>,
    topics: Vec<TopicState>,
    change: impl FnOnce(&mut SnapshotHead),
) -> Snapshot {
    let mut head = head(run.id());
    head.parent = parent.map(Snapshot::as_parent);
    for partition in topics.iter().flat_map(|topic| &topic.partitions) {
        for seal in repository.seals(&partition.segments) {
            let seal = seal.unwrap();
            head.totals.segments += 1;
            head.totals.bytes += seal.size;
        }
        head.totals.partitions += 1;
    }
    head.totals.topics = topics.len() as u64;
    head.totals.groups = 1;
    head.topics = repository.write_topics(topics).unwrap();
    repository.put_groups(&mut head, &groups()).unwrap();
    change(&mut head);
    repository.commit(head).unwrap()
}

fn groups() -> GroupsPart {
    let committed = CommittedOffset { offset: 3, leader_epoch: -1, metadata: Some(String::new()) };
    let offset = GroupOffset { topic: TopicName::new("orders").unwrap(), partition: 0, committed };
    let group = GroupState {
        id: GroupId::new("billing"),
        group_type: GroupType::Classic,
        protocol_type: "consumer".to_owned(),
        state: "Empty".to_owned(),
        unstable: false,
        offsets: vec![offset],
    };
    GroupsPart { groups: vec![group] }
}

/// A head that names nothing.
pub fn head(run: &str) -> SnapshotHead {
    SnapshotHead {
        format: super::format::FORMAT_VERSION,
        sequence: 0,
        repository_id: String::new(),
        cluster_id: CLUSTER.to_owned(),
        run: run.to_owned(),
        run_horizon: run.to_owned(),
        parent: None,
        origin: None,
        started: Timestamp(1),
        groups_captured: Timestamp(2),
        fences_taken: Timestamp(3),
        committed: Timestamp(4),
        selection: crate::model::Selection::default(),
        topics: Vec::new(),
        groups: super::format::PartRef::default(),
        group_names: None,
        settings: None,
        keys: 0,
        excluded: None,
        incomplete: Vec::new(),
        totals: super::format::Totals::default(),
        ktape_version: String::new(),
    }
}

/// A repository in a store.
pub fn repository(store: impl Store + 'static) -> Repository {
    Repository::init_in(Arc::new(store)).unwrap()
}

/// The key of a plain restore into another cluster.
pub fn restore_key(snapshot_id: &str) -> RestoreKey {
    RestoreKey {
        target_cluster_id: "cluster-b".to_owned(),
        snapshot_id: snapshot_id.to_owned(),
        selection: crate::model::Selection::default(),
        renames: Vec::new(),
        cut: RestoreCut::default(),
        preserve_offsets: false,
        group_prefix: None,
    }
}

/// A plan with that key that makes no topic.
pub fn restore_plan(key: RestoreKey, snapshot: u64) -> RestorePlanDocument {
    RestorePlanDocument {
        key,
        snapshot,
        source_cluster_id: CLUSTER.to_owned(),
        started: Timestamp(1),
        producer_id: 5,
        producer_epoch: 0,
        filler_producer_id: -1,
        marker_producer_id: -1,
        batching_version: 1,
        target_codecs: 31,
        targets: Vec::new(),
        existed: Vec::new(),
        drill: false,
        ktape_version: "0.1.0".to_owned(),
    }
}

/// A restore of a snapshot that has begun.
pub fn restore(repository: &Repository, snapshot: &Snapshot) -> RestoreFolder {
    let plan = restore_plan(restore_key(&snapshot.id), snapshot.head.sequence);
    let folder = repository.restore_states().begin(&plan.key).unwrap();
    folder.begin(&plan).unwrap();
    folder
}

/// How such a restore ends.
pub fn restore_done() -> RestoreDone {
    RestoreDone { finished: Timestamp(2), held: Vec::new(), report: serde_json::Value::Null }
}
