//! What a leader gives out.

use kafka_protocol::messages as m;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use protocol_tests::fake::{Batch, Record};

use super::produce::{TIME, plain, produce};
use super::wire::Wire;

/// What is asked for: everything from an offset, unless it says otherwise.
#[derive(Clone, Copy)]
pub(super) struct Ask {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) most: i32,
    pub(super) whole: i32,
    pub(super) epoch: i32,
    pub(super) last_epoch: i32,
    pub(super) committed: bool,
}

pub(super) const ALL: Ask =
    Ask { partition: 0, offset: 0, most: 1 << 20, whole: 1 << 20, epoch: -1, last_epoch: -1, committed: false };

/// Error, high watermark, last stable offset, log start, bytes, diverging epoch, aborted transactions.
pub(super) type Told = (i16, i64, i64, i64, usize, (i32, i64), Option<usize>);

pub(super) fn fetch(wire: &mut Wire, topic: &str, ask: Ask) -> Told {
    let part = FetchPartition::default()
        .with_partition(ask.partition)
        .with_current_leader_epoch(ask.epoch)
        .with_fetch_offset(ask.offset)
        .with_last_fetched_epoch(ask.last_epoch)
        .with_partition_max_bytes(ask.most);
    let topic = FetchTopic::default().with_topic(wire.topic(topic)).with_partitions(vec![part]);
    let request = m::FetchRequest::default()
        .with_max_wait_ms(0)
        .with_min_bytes(0)
        .with_max_bytes(ask.whole)
        .with_isolation_level(i8::from(ask.committed))
        .with_session_id(0)
        .with_session_epoch(-1)
        .with_topics(vec![topic]);
    let answer = wire.call(12, &request);
    assert_eq!(answer.error_code, 0);
    let part = &answer.responses[0].partitions[0];
    let bytes = part.records.as_ref().map_or(0, bytes::Bytes::len);
    let diverging = (part.diverging_epoch.epoch, part.diverging_epoch.end_offset);
    let aborted = part.aborted_transactions.as_ref().map(Vec::len);
    (part.error_code, part.high_watermark, part.last_stable_offset, part.log_start_offset, bytes, diverging, aborted)
}

/// Sizes, offsets, epochs, isolation.
pub(super) fn answers(wire: &mut Wire) {
    let id = wire.create("fetch", &[]);
    for _ in 0..3 {
        assert_eq!(produce(wire, "fetch", 9, plain(10)).0, 0);
    }
    let size = plain(10).len() as i32;
    let asks = [
        ("everything", ALL),
        ("from within a batch", Ask { offset: 15, ..ALL }),
        ("from the end", Ask { offset: 30, ..ALL }),
        ("beyond the end", Ask { offset: 31, ..ALL }),
        ("below the start", Ask { offset: -1, ..ALL }),
        ("no bytes at all", Ask { most: 0, ..ALL }),
        ("one byte", Ask { most: 1, ..ALL }),
        ("two batches and ten bytes", Ask { most: 2 * size + 10, ..ALL }),
        ("no bytes in the whole answer", Ask { whole: 0, ..ALL }),
        ("a batch and a half in the whole answer", Ask { whole: size + size / 2, ..ALL }),
        ("committed ones", Ask { committed: true, ..ALL }),
        ("the leader's epoch", Ask { epoch: 0, ..ALL }),
        ("a later epoch", Ask { epoch: 7, ..ALL }),
        ("after a batch of the leader's epoch", Ask { offset: 10, last_epoch: 0, ..ALL }),
        ("a partition that is not there", Ask { partition: 5, ..ALL }),
    ];
    for (label, ask) in asks {
        let told = fetch(wire, "fetch", ask);
        wire.note(label, told);
    }
    let told = fetch(wire, "nothing", ALL);
    wire.note("a topic that is not there", told);
    by_id(wire, "by id", id);
    by_id(wire, "by an unknown id", [7; 16]);
    for (label, current, epoch) in [("end of epoch 0", -1, 0), ("end of epoch 5", -1, 5), ("asked under epoch 3", 3, 0)]
    {
        let part = OffsetForLeaderPartition::default().with_current_leader_epoch(current).with_leader_epoch(epoch);
        let topic = OffsetForLeaderTopic::default().with_topic(wire.topic("fetch")).with_partitions(vec![part]);
        let request =
            m::OffsetForLeaderEpochRequest::default().with_replica_id(m::BrokerId(-1)).with_topics(vec![topic]);
        let answer = wire.call(4, &request);
        let part = &answer.topics[0].partitions[0];
        wire.note(label, (part.error_code, part.leader_epoch, part.end_offset));
    }
}

fn by_id(wire: &mut Wire, label: &str, id: [u8; 16]) {
    let part =
        FetchPartition::default().with_partition(0).with_current_leader_epoch(-1).with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default().with_topic_id(id.to_vec().try_into().unwrap()).with_partitions(vec![part]);
    let request = m::FetchRequest::default()
        .with_max_wait_ms(0)
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic]);
    let answer = wire.call(15, &request);
    let part = &answer.responses[0].partitions[0];
    wire.note(label, (part.error_code, part.high_watermark, part.records.as_ref().map(bytes::Bytes::len)));
}

/// `DeleteRecords`, and what is left.
pub(super) fn trimmed(wire: &mut Wire) {
    wire.create("trimmed", &[]);
    wire.create("kept", &[("cleanup.policy", "compact")]);
    for topic in ["trimmed", "kept"] {
        for _ in 0..3 {
            assert_eq!(produce(wire, topic, 9, plain(10)).0, 0);
        }
    }
    for (label, topic, offset) in [
        ("a compacted topic", "kept", 5),
        ("within the second batch", "trimmed", 15),
        ("below the log start", "trimmed", 3),
        ("beyond the high watermark", "trimmed", 31),
        ("all of it", "trimmed", -1),
        ("a topic that is not there", "nothing", 1),
    ] {
        let part =
            m::delete_records_request::DeleteRecordsPartition::default().with_partition_index(0).with_offset(offset);
        let topic_of = m::delete_records_request::DeleteRecordsTopic::default()
            .with_name(wire.topic(topic))
            .with_partitions(vec![part]);
        let request = m::DeleteRecordsRequest::default().with_topics(vec![topic_of]).with_timeout_ms(30_000);
        let answer = wire.call(2, &request);
        let part = &answer.topics[0].partitions[0];
        wire.note(label, (part.error_code, part.low_watermark));
        for (side, offset) in [("from 3", 3), ("from 15", 15)] {
            let told = fetch(wire, "trimmed", Ask { offset, ..ALL });
            wire.note(&format!("{side} after {label}"), told);
        }
    }
}

/// `ListOffsets`: both ends, times, isolation, replicas.
pub(super) fn offsets(wire: &mut Wire) {
    use m::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};

    wire.create("times", &[]);
    for number in [0, 20, 10] {
        let records = (0..10).map(|at| Record::new("k", "v", TIME + number * 1_000 + at)).collect();
        assert_eq!(produce(wire, "times", 9, Batch::of(records).encode().unwrap()).0, 0);
    }
    let asks: [(&str, i16, i32, i8, i32, i64); 14] = [
        ("the end", 7, -1, 0, -1, -1),
        ("the last stable offset", 7, -1, 1, -1, -1),
        ("the true end", 7, -2, 0, -1, -1),
        ("the start", 7, -1, 0, -1, -2),
        ("the highest time", 7, -1, 0, -1, -3),
        ("the highest time in an old version", 6, -1, 0, -1, -3),
        ("no such question", 7, -1, 0, -1, -77),
        ("time 0", 7, -1, 0, -1, 0),
        ("a time between", 7, -1, 0, -1, TIME + 5),
        ("a later time", 7, -1, 0, -1, TIME + 15_000),
        ("after all", 7, -1, 0, -1, TIME + 99_000),
        ("the leader's epoch", 7, -1, 0, 0, -1),
        ("a later epoch", 7, -1, 0, 9, -1),
        ("in the first version", 1, -1, 0, -1, -1),
    ];
    for (label, version, replica, isolation, epoch, time) in asks {
        let part = ListOffsetsPartition::default().with_timestamp(time);
        let part = if version >= 4 { part.with_current_leader_epoch(epoch) } else { part };
        let topic = ListOffsetsTopic::default().with_name(wire.topic("times")).with_partitions(vec![part]);
        let request = m::ListOffsetsRequest::default()
            .with_replica_id(m::BrokerId(replica))
            .with_isolation_level(isolation)
            .with_topics(vec![topic]);
        let answer = wire.call(version, &request);
        let part = &answer.topics[0].partitions[0];
        wire.note(label, (part.error_code, part.offset, part.timestamp, part.leader_epoch));
    }
}
