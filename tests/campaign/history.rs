//! Everything that ever lay in the cluster, as far as it was seen.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use protocol_tests::fake::{Fake, Record};

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

/// A cluster at one moment.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    pub partitions: BTreeMap<(String, i32), Seen>,
    pub groups: BTreeMap<String, BTreeMap<(String, i32), i64>>,
}

impl Moment {
    pub fn of(fake: &Fake) -> Self {
        let mut moment = Self::default();
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
