//! What a cluster holds, as a consumer or an operator would see it: the oracle of a test.

use std::collections::BTreeMap;

use super::batch::{CONTROL, records_of};
use super::cluster::Fake;
use super::groups::Committed;
use super::record::Record;

/// What one group committed, by topic and partition.
pub type Positions = BTreeMap<(String, i32), Committed>;

impl Fake {
    /// Log start, last stable offset, high watermark and log end; `None` where there is no such partition.
    pub fn bounds(&self, topic: &str, partition: i32) -> Option<[i64; 4]> {
        self.with(|state| {
            let log = &state.partition(topic, partition)?.log;
            Some([log.start(), log.last_stable(), log.high_watermark(), log.end()])
        })
    }

    /// The records that a consumer sees that reads committed ones only, from the log start to the last stable offset.
    pub fn committed_records(&self, topic: &str, partition: i32) -> Vec<Record> {
        self.with(|state| {
            let Some(found) = state.partition(topic, partition) else { return Vec::new() };
            let log = &found.log;
            let (start, end) = (log.start(), log.last_stable());
            let mut records = Vec::new();
            for stored in log.batches().filter(|stored| !stored.header.is(CONTROL)) {
                let header = &stored.header;
                let mut aborted = log.aborted_between(header.base_offset, header.last_offset() + 1);
                let transactional = header.is(super::batch::TRANSACTIONAL);
                if transactional && aborted.any(|aborted| aborted.producer_id == header.producer_id) {
                    continue;
                }
                records.extend(records_of(&stored.bytes).unwrap_or_default());
            }
            records.retain(|record| (start..end).contains(&record.offset));
            records
        })
    }

    /// Every batch of a partition as its bytes lie in the log, one after the other.
    pub fn log_bytes(&self, topic: &str, partition: i32) -> Vec<u8> {
        self.with(|state| {
            let Some(found) = state.partition(topic, partition) else { return Vec::new() };
            found.log.batches().flat_map(|stored| stored.bytes.iter().copied()).collect()
        })
    }

    /// All groups with what they committed.
    pub fn positions(&self) -> BTreeMap<String, Positions> {
        self.with(|state| state.groups.iter().map(|(id, group)| (id.clone(), group.shown(i64::MAX))).collect())
    }

    /// Names of all topics but Kafka's own, with their partitions.
    pub fn topics(&self) -> BTreeMap<String, usize> {
        self.with(|state| {
            let own = state.topics.iter().filter(|(_, topic)| !topic.internal);
            own.map(|(name, topic)| (name.clone(), topic.partitions.len())).collect()
        })
    }

    /// What is set on a topic.
    pub fn topic_configs(&self, topic: &str) -> BTreeMap<String, String> {
        self.with(|state| state.topics.get(topic).map(|topic| topic.configs.clone()).unwrap_or_default())
    }
}
