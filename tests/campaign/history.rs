//! Everything that ever lay in the cluster, as far as it was seen.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use protocol_tests::fake::batch::{CONTROL, Header, TRANSACTIONAL, records_of};
use protocol_tests::fake::{Fake, Record, Release};

/// One partition at one moment.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Log start, last stable offset, high watermark, log end.
    pub bounds: [i64; 4],
    /// Batches by base offset.
    pub batches: BTreeMap<i64, Bytes>,
    /// What a consumer sees that reads committed records only.
    pub committed: Vec<Record>,
}

/// Committed offsets by group, topic and partition.
pub type Positions = BTreeMap<String, BTreeMap<(String, i32), i64>>;

/// A cluster at one moment.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    pub partitions: BTreeMap<(String, i32), Seen>,
    pub groups: Positions,
    /// Its brokers tell no epochs that ktape asks for: a log that was cut is told from what followed by its batches alone.
    pub without_epochs: bool,
}

impl Moment {
    pub fn of(fake: &Fake) -> Self {
        let without_epochs = fake.with(|state| state.release) < Release::V2_1;
        let mut moment = Self { without_epochs, ..Self::default() };
        for (topic, partitions) in fake.topics() {
            for partition in 0..partitions as i32 {
                moment.partitions.insert((topic.clone(), partition), Seen::of(fake, &topic, partition));
            }
        }
        for (group, positions) in fake.positions() {
            let offsets = positions.into_iter().map(|(at, committed)| (at, committed.offset)).collect();
            moment.groups.insert(group, offsets);
        }
        moment
    }

    pub fn topics(&self) -> BTreeSet<&str> {
        self.partitions.keys().map(|(topic, _)| topic.as_str()).collect()
    }
}

impl Seen {
    fn of(fake: &Fake, topic: &str, partition: i32) -> Self {
        let batches = fake.with(|state| {
            let log = &state.partition(topic, partition).unwrap().log;
            log.batches().map(|stored| (stored.header.base_offset, stored.bytes.clone())).collect()
        });
        Self {
            bounds: fake.bounds(topic, partition).unwrap(),
            batches,
            committed: fake.committed_records(topic, partition),
        }
    }
}

/// What a log file holds, from its first batch to its last.
impl From<Bytes> for Seen {
    fn from(mut log: Bytes) -> Self {
        let mut seen = Self::default();
        let mut open: BTreeMap<i64, Vec<Bytes>> = BTreeMap::new();
        while !log.is_empty() {
            let header = Header::read(&log).expect("a log ends with a whole batch");
            let batch = log.split_to(header.size);
            match (header.is(CONTROL), header.is(TRANSACTIONAL)) {
                (true, _) => {
                    let held = open.remove(&header.producer_id).unwrap_or_default();
                    seen.committed.extend(held.iter().filter(|_| commits(&batch)).flat_map(records));
                }
                (false, true) => open.entry(header.producer_id).or_default().push(batch.clone()),
                (false, false) => seen.committed.extend(records(&batch)),
            }
            seen.batches.insert(header.base_offset, batch);
        }
        seen.committed.sort_by_key(|record| record.offset);
        let start = seen.batches.keys().next().copied().unwrap_or(0);
        let end = seen.batches.values().next_back().map_or(0, |batch| Header::read(batch).unwrap().last_offset() + 1);
        let held = open.values().flatten().map(|batch| Header::read(batch).unwrap().base_offset).min();
        seen.bounds = [start, held.unwrap_or(end), end, end];
        seen
    }
}

fn records(batch: &Bytes) -> Vec<Record> {
    records_of(batch).expect("records that can be read")
}

/// Whether a marker commits. Its key is a version and a type (Kafka class `ControlRecordType`).
fn commits(marker: &Bytes) -> bool {
    let marker = records(marker).remove(0);
    marker.key.is_some_and(|key| key[2..4] == [0, 1])
}
