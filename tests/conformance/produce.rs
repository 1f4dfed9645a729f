//! What a leader appends, and what it refuses.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages as m;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::protocol::StrBytes;
use protocol_tests::fake::batch::{CONTROL, LOG_APPEND_TIME, put, seal};
use protocol_tests::fake::{Batch, Codec, Record};

use super::wire::Wire;

/// A time long ago, so that no broker calls it the future.
pub(super) const TIME: i64 = 1_700_000_000_000;

pub(super) fn records(count: i64) -> Vec<Record> {
    (0..count).map(|number| Record::new(format!("k{number}"), format!("v{number}"), TIME + number)).collect()
}

pub(super) fn plain(count: i64) -> BytesMut {
    Batch::of(records(count)).encode().unwrap()
}

fn of_producer(id: i64, epoch: i16, sequence: i32, count: i64) -> BytesMut {
    let batch = Batch { producer_id: id, producer_epoch: epoch, sequence, ..Batch::of(records(count)) };
    batch.encode().unwrap()
}

/// A batch with some bytes changed, and the CRC that fits.
fn changed(mut batch: BytesMut, at: usize, bytes: &[u8]) -> BytesMut {
    put(&mut batch, at, bytes);
    seal(&mut batch);
    batch
}

/// Produces and gives the error code and the base offset.
pub(super) fn produce(wire: &mut Wire, topic: &str, version: i16, batch: impl Into<Bytes>) -> (i16, i64) {
    let part = PartitionProduceData::default().with_index(0).with_records(Some(batch.into()));
    let topic = TopicProduceData::default().with_name(wire.topic(topic)).with_partition_data(vec![part]);
    let request = m::ProduceRequest::default().with_acks(-1).with_timeout_ms(30_000).with_topic_data(vec![topic]);
    let answer = wire.call(version, &request);
    let part = &answer.responses[0].partition_responses[0];
    (part.error_code, part.base_offset)
}

/// The rules for one batch (Kafka classes `LogValidator` and `UnifiedLog`).
pub(super) fn rules(wire: &mut Wire) {
    wire.create("rules", &[("max.message.bytes", "1000")]);
    let flags = |bits: i16| bits.to_be_bytes();
    let two = [plain(2), plain(2)].concat();
    let mut rotten = plain(3);
    put(&mut rotten, 70, b"?");
    let holes = Batch { last_delta: 4, ..Batch::of(records(3)) }.encode().unwrap();
    let sequence_less = Batch { producer_id: 77, producer_epoch: 0, ..Batch::of(records(1)) }.encode().unwrap();
    let large = Batch::of(vec![Record::new("k", vec![b'x'; 2_000], TIME)]).encode().unwrap();
    let mut odd = Batch::of(records(3)).codec(Codec::Gzip);
    odd.records[2].offset = 5;
    let tried: Vec<(&str, BytesMut)> = vec![
        ("a plain batch", plain(3)),
        ("two batches", BytesMut::from(&two[..])),
        ("another base offset", changed(plain(2), 0, &5_i64.to_be_bytes())),
        ("a hole at the end", holes),
        ("a wrong CRC", rotten),
        ("a control batch", changed(plain(1), 21, &flags(CONTROL))),
        ("a transaction without id", changed(plain(1), 21, &flags(1 << 4))),
        ("a batch that is too large", large),
        ("a leader epoch", changed(plain(1), 12, &9_i32.to_be_bytes())),
        ("the broker's time on a topic of the producer's", changed(plain(1), 21, &flags(LOG_APPEND_TIME))),
        ("a delete horizon", changed(plain(1), 21, &flags(1 << 6))),
        ("a time of -1", Batch::of(vec![Record::new("k", "v", -1)]).encode().unwrap()),
        ("a producer without sequence", sequence_less),
        ("compressed with a hole inside", odd.encode().unwrap()),
        ("a plain batch after all that", plain(1)),
    ];
    for (label, batch) in tried {
        let answer = produce(wire, "rules", 9, batch);
        wire.note(label, answer);
    }
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let answer = produce(wire, "rules", 9, Batch::of(records(5)).codec(codec).encode().unwrap());
        wire.note(&format!("{codec:?}"), answer);
    }
    let answer = produce(wire, "rules", 6, Batch::of(records(5)).codec(Codec::Zstd).encode().unwrap());
    wire.note("zstd in an old version", answer);
    wire.create("compacted", &[("cleanup.policy", "compact")]);
    let no_key = Record { key: None, ..Record::new("", "v", TIME) };
    let answer = produce(wire, "compacted", 9, Batch::of(vec![no_key]).encode().unwrap());
    wire.note("a record without key on a compacted topic", answer);
    wire.create("appended", &[("message.timestamp.type", "LogAppendTime")]);
    let answer = produce(wire, "appended", 9, changed(plain(1), 21, &flags(LOG_APPEND_TIME)));
    wire.note("the broker's time claimed", answer);
    let answer = produce(wire, "appended", 9, plain(2));
    wire.note("the broker's time given", answer);
}

/// Sequences and epochs (Kafka classes `ProducerAppendInfo` and `ProducerStateEntry`).
pub(super) fn sequences(wire: &mut Wire) {
    wire.create("sequences", &[]);
    let asked = m::InitProducerIdRequest::default().with_transactional_id(None).with_transaction_timeout_ms(60_000);
    let mut told = wire.call(4, &asked);
    // Nobody may have asked this cluster before.
    for _ in 0..600 {
        if ![14, 15].contains(&told.error_code) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        told = wire.call(4, &asked);
    }
    wire.note("a producer id", (told.error_code, told.producer_epoch));
    let id = told.producer_id.0;
    let steps: [(&str, i16, i32, i64); 17] = [
        ("first of an unknown producer, from 10", 0, 10, 2),
        ("the same again", 0, 10, 2),
        ("the next", 0, 12, 3),
        ("a gap", 0, 16, 1),
        ("the first of two, as one", 0, 10, 1),
        ("both in one", 0, 10, 5),
        ("third", 0, 15, 1),
        ("fourth", 0, 16, 1),
        ("fifth", 0, 17, 1),
        ("the first again, still known", 0, 10, 2),
        ("sixth", 0, 18, 1),
        ("the first again, forgotten", 0, 10, 2),
        ("the second again, still known", 0, 12, 3),
        ("a new epoch, not from 0", 1, 19, 1),
        ("a new epoch from 0", 1, 0, 4),
        ("the old epoch", 0, 19, 1),
        ("the new epoch goes on", 1, 4, 1),
    ];
    for (label, epoch, sequence, count) in steps {
        let answer = produce(wire, "sequences", 9, of_producer(id, epoch, sequence, count));
        wire.note(label, answer);
    }
    for (label, sequence, count) in [("up to the last sequence", i32::MAX - 1, 3), ("beyond it comes 0", 1, 1)] {
        let answer = produce(wire, "sequences", 9, of_producer(id + 1_000_000, 0, sequence, count));
        wire.note(label, answer);
    }
    let topic = m::describe_producers_request::TopicRequest::default()
        .with_name(wire.topic("sequences"))
        .with_partition_indexes(vec![0]);
    let told = wire.call(0, &m::DescribeProducersRequest::default().with_topics(vec![topic]));
    let mut active: Vec<_> = told.topics[0].partitions[0]
        .active_producers
        .iter()
        .map(|it| {
            (it.producer_id.0 - id, it.producer_epoch, it.last_sequence, it.last_timestamp, it.current_txn_start_offset)
        })
        .collect();
    active.sort_unstable();
    wire.note("producers", active);
    let unknown = StrBytes::from_static_str("conformance-nothing");
    let part = PartitionProduceData::default().with_index(0).with_records(Some(plain(1).freeze()));
    let topic = TopicProduceData::default().with_name(m::TopicName(unknown)).with_partition_data(vec![part]);
    let answer =
        wire.call(9, &m::ProduceRequest::default().with_acks(-1).with_timeout_ms(1_000).with_topic_data(vec![topic]));
    wire.note("an unknown topic", answer.responses[0].partition_responses[0].error_code);
}
