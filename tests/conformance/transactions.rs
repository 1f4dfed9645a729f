//! Transactions as readers see them: what is stable, what was aborted.

use kafka_protocol::messages as m;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use protocol_tests::fake::Batch;

use super::fetch::{ALL, Ask, fetch};
use super::produce::{plain, produce, records};
use super::wire::Wire;

/// A transactional id with its producer.
struct Transactor {
    id: m::TransactionalId,
    number: m::ProducerId,
    epoch: i16,
    sequence: i32,
}

fn begin(wire: &mut Wire, of: &str) -> Transactor {
    let id = m::TransactionalId(wire.name(of));
    let find = m::FindCoordinatorRequest::default().with_key_type(1).with_coordinator_keys(vec![id.0.clone()]);
    let asked =
        m::InitProducerIdRequest::default().with_transactional_id(Some(id.clone())).with_transaction_timeout_ms(60_000);
    for _ in 0..600 {
        if wire.call(4, &find).coordinators[0].error_code == 0 {
            let told = wire.call(4, &asked);
            if told.error_code == 0 {
                return Transactor { id, number: told.producer_id, epoch: told.producer_epoch, sequence: 0 };
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("no producer for {of}");
}

impl Transactor {
    fn add(&self, wire: &mut Wire, topic: &str) -> i16 {
        let topic = AddPartitionsToTxnTopic::default().with_name(wire.topic(topic)).with_partitions(vec![0]);
        let request = m::AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.id.clone())
            .with_v3_and_below_producer_id(self.number)
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(vec![topic]);
        for _ in 0..600 {
            let answer = wire.call(3, &request);
            let code = answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
            // The transaction before is still being ended.
            if code != 51 {
                return code;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        51
    }

    fn produce(&mut self, wire: &mut Wire, topic: &str) -> (i16, i64) {
        let batch = Batch::of(records(4)).transactional(self.number.0, self.epoch, self.sequence);
        self.sequence += 4;
        let part = PartitionProduceData::default().with_index(0).with_records(Some(batch.encode().unwrap().freeze()));
        let topic = TopicProduceData::default().with_name(wire.topic(topic)).with_partition_data(vec![part]);
        let request = m::ProduceRequest::default()
            .with_transactional_id(Some(self.id.clone()))
            .with_acks(-1)
            .with_timeout_ms(30_000)
            .with_topic_data(vec![topic]);
        let answer = wire.call(9, &request);
        let part = &answer.responses[0].partition_responses[0];
        (part.error_code, part.base_offset)
    }

    /// Ends it, and waits until its marker is there: until the log ends at an offset.
    fn end(&self, wire: &mut Wire, topic: &str, commit: bool, log_end: i64) -> i16 {
        let request = m::EndTxnRequest::default()
            .with_transactional_id(self.id.clone())
            .with_producer_id(self.number)
            .with_producer_epoch(self.epoch)
            .with_committed(commit);
        let code = wire.call(3, &request).error_code;
        for _ in 0..600 {
            if fetch(wire, topic, Ask { offset: 0, ..ALL }).1 >= log_end {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        code
    }
}

fn look(wire: &mut Wire, topic: &str, when: &str) {
    for (isolation, committed) in [("all", false), ("committed", true)] {
        for offset in [0, 3] {
            let told = fetch(wire, topic, Ask { offset, committed, ..ALL });
            wire.note(&format!("{when}: {isolation} from {offset}"), told);
        }
    }
}

/// One after the other, each between batches of nobody: committed, aborted, interleaved.
pub(super) fn transactions(wire: &mut Wire) {
    // A marker has the broker's time: with records so much older it would begin a segment, and an answer ends with one.
    wire.create("paid", &[("segment.ms", "9223372036854775807")]);
    let mut one = begin(wire, "one");
    let mut other = begin(wire, "other");
    let told = produce(wire, "paid", 9, plain(2));
    wire.note("a batch of nobody", told);
    for (label, code) in [("added", one.add(wire, "paid")), ("the other added", other.add(wire, "paid"))] {
        wire.note(label, code);
    }
    let told = one.produce(wire, "paid");
    wire.note("the first of one", told);
    look(wire, "paid", "one is open");
    let told = other.produce(wire, "paid");
    wire.note("the first of the other", told);
    let code = one.end(wire, "paid", false, 11);
    wire.note("one is aborted", code);
    look(wire, "paid", "one is aborted, the other is open");
    let told = produce(wire, "paid", 9, plain(2));
    wire.note("another batch of nobody", told);
    let code = other.end(wire, "paid", true, 14);
    wire.note("the other is committed", code);
    look(wire, "paid", "both have ended");
    let stale = Transactor { epoch: one.epoch + 7, id: one.id.clone(), ..one };
    let code = stale.end(wire, "paid", true, 0);
    wire.note("an epoch nobody has", code);
}
