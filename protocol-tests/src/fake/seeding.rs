//! Putting topics, records, transactions and groups into a cluster.

use bytes::{Bytes, BytesMut};

use super::batch::{Batch, records_of};
use super::cluster::Fake;
use super::groups::{Committed, Group};
use super::log::Stored;
use super::record::Record;

impl Fake {
    /// Makes a topic, replicated three times where there are so many brokers.
    pub fn create_topic(&self, name: &str, partitions: usize, configs: &[(&str, &str)]) {
        self.with(|state| state.create_topic(name, partitions, 3, configs));
    }

    /// Appends records in one batch of no producer. Gives its base offset, -1 where there is no such partition.
    pub fn produce(&self, topic: &str, partition: i32, records: Vec<Record>) -> i64 {
        self.append(topic, partition, &Batch::of(records))
    }

    /// Appends a batch as it is, without the checks of a leader: with holes, flags, a transaction. Gives its base offset,
    /// -1 where there is no such partition.
    pub fn append(&self, topic: &str, partition: i32, batch: &Batch) -> i64 {
        batch.encode().map_or(-1, |bytes| self.append_bytes(topic, partition, bytes, None))
    }

    /// Appends the bytes of a batch, at an offset that leaves a hole if one is given.
    pub fn append_bytes(&self, topic: &str, partition: i32, batch: BytesMut, at: Option<i64>) -> i64 {
        self.with(|state| {
            let release = state.release;
            let Some(partition) = state.partition_mut(topic, partition) else { return -1 };
            let (epoch, base) = (partition.epoch, at.unwrap_or_else(|| partition.log.end()));
            partition.log.append_at(base, batch, epoch, release, -1).unwrap_or(-1)
        })
    }

    /// A producer id that nobody has.
    pub fn new_producer(&self) -> i64 {
        self.with(|state| {
            state.next_producer += 1;
            state.next_producer - 1
        })
    }

    /// Appends records to the open transaction of a producer, which begins one if it has none.
    pub fn produce_in_transaction(&self, topic: &str, partition: i32, producer: i64, records: Vec<Record>) -> i64 {
        let sequence = self.with(|state| {
            let log = state.partition(topic, partition).map(|partition| &partition.log);
            log.and_then(|log| log.producer(producer)).map_or(0, |known| known.last_sequence() + 1)
        });
        self.append(topic, partition, &Batch::of(records).transactional(producer, 0, sequence))
    }

    /// Ends the transaction of a producer in a partition. Gives the offset of the marker.
    pub fn end_transaction(&self, topic: &str, partition: i32, producer: i64, commit: bool) -> i64 {
        let now = self.with(|state| state.now());
        self.append(topic, partition, &Batch::marker(producer, 0, commit, 0, now))
    }

    /// Commits a position for a group, which is made if it is not there.
    pub fn commit(&self, group: &str, topic: &str, partition: i32, offset: i64, metadata: &str) {
        let committed = Committed { offset, leader_epoch: -1, metadata: metadata.to_owned() };
        self.with(|state| state.commit(group, topic, partition, Some(committed)));
    }

    /// Makes or changes a group: its state, members, type.
    pub fn group(&self, id: &str, change: impl FnOnce(&mut Group)) {
        self.with(|state| {
            if !state.groups.contains_key(id) {
                state.add_group(id);
            }
            if let Some(group) = state.groups.get_mut(id) {
                change(group);
            }
        });
    }

    /// Compacts a partition below its last batch: records that `keep` does not want leave holes, batches without records
    /// are gone.
    pub fn compact(&self, topic: &str, partition: i32, keep: impl Fn(&Record) -> bool) {
        self.with(|state| {
            let Some(partition) = state.partition_mut(topic, partition) else { return };
            let end = partition.log.end();
            partition.log.rewrite(|stored| {
                let is_last = stored.header.last_offset() + 1 == end;
                if is_last || stored.header.is(super::batch::CONTROL) {
                    return Some(stored.bytes.clone());
                }
                thinned(stored, &keep)
            });
        });
    }
}

/// The batch without some of its records; `None` if none are left, and as it is if none go.
fn thinned(stored: &Stored, keep: &impl Fn(&Record) -> bool) -> Option<Bytes> {
    let header = stored.header;
    let all = records_of(&stored.bytes)?;
    let count = all.len();
    let kept: Vec<Record> = all.into_iter().filter(|record| keep(record)).collect();
    if kept.len() == count {
        return Some(stored.bytes.clone());
    }
    if kept.is_empty() {
        return None;
    }
    let records = kept.into_iter().map(|record| Record { offset: record.offset - header.base_offset, ..record });
    let batch = Batch {
        records: records.collect(),
        last_delta: header.last_delta,
        codec: super::codec::Codec::of(header.attributes)?,
        flags: header.attributes & !7,
        producer_id: header.producer_id,
        producer_epoch: header.producer_epoch,
        sequence: header.sequence,
    };
    let mut bytes = batch.encode().ok()?;
    super::batch::put(&mut bytes, 0, &header.base_offset.to_be_bytes());
    super::batch::put(&mut bytes, 12, &header.leader_epoch.to_be_bytes());
    Some(bytes.freeze())
}
