//! What a snapshot holds, read without ktape's own decoders.

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;
use ktape::repository::Repository;
use ktape::repository::format::{Incomplete, PartitionState};
use protocol_tests::fake::batch::Header;

/// One partition of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    pub state: PartitionState,
    /// Batches by base offset.
    pub batches: BTreeMap<i64, Bytes>,
}

impl Data {
    /// Whether a batch holds that offset.
    pub fn has(&self, offset: i64) -> bool {
        let batch = self.batches.range(..=offset).next_back();
        batch.and_then(|(_, batch)| Header::read(batch)).is_some_and(|header| header.last_offset() >= offset)
    }
}

/// A snapshot.
#[derive(Debug, Clone)]
pub struct Captured {
    pub id: String,
    pub partitions: BTreeMap<(String, i32), Data>,
    pub groups: BTreeMap<String, BTreeMap<(String, i32), i64>>,
    pub incomplete: Vec<Incomplete>,
}

impl Captured {
    pub fn read(repository: &Repository, sequence: u64) -> Self {
        let snapshot = repository.head(sequence).unwrap();
        let mut partitions = BTreeMap::new();
        for topic in repository.topics(&snapshot.head).unwrap() {
            let topic = topic.unwrap();
            for state in topic.partitions {
                let batches = batches(repository, &state);
                partitions.insert((topic.name.to_string(), state.partition), Data { state, batches });
            }
        }
        let mut groups = BTreeMap::new();
        for group in repository.groups(&snapshot.head).unwrap().groups {
            let offsets = group.offsets.iter();
            let offsets = offsets.map(|one| ((one.topic.to_string(), one.partition), one.committed.offset)).collect();
            groups.insert(group.id.to_string(), offsets);
        }
        Self { id: snapshot.id, partitions, groups, incomplete: snapshot.head.incomplete }
    }

    /// The same bytes and positions, wherever they lie.
    pub fn assert_holds_what(&self, other: &Self) {
        let names = |one: &Self| one.partitions.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(self), names(other));
        for (at, data) in &self.partitions {
            assert!(data.batches == other.partitions[at].batches, "{at:?} holds other bytes than before");
        }
        assert_eq!(self.groups, other.groups);
    }

    /// Whether somebody is told that something about it is not as it should be.
    pub fn tells_of(&self, subject: &str) -> bool {
        self.incomplete.iter().any(|one| one.subject == subject)
    }
}

fn batches(repository: &Repository, state: &PartitionState) -> BTreeMap<i64, Bytes> {
    let mut all = BTreeMap::new();
    for seal in repository.seals(&state.segments) {
        let seal = seal.unwrap();
        let mut bytes = Vec::new();
        repository.read_plain(&seal, 0).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, seal.size);
        let mut rest = Bytes::from(bytes);
        while !rest.is_empty() {
            let header = Header::read(&rest).expect("a segment ends with a whole batch");
            let batch = rest.split_to(header.size);
            assert!(all.insert(header.base_offset, batch).is_none(), "{} lies there twice", header.base_offset);
        }
    }
    all
}
