//! Consumer groups and what they committed.

use std::collections::BTreeMap;

/// The topic that keeps what groups commit.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// What was committed for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The position.
    pub offset: i64,
    /// -1 for none.
    pub leader_epoch: i32,
    /// Whatever the application says.
    pub metadata: String,
}

/// A commit with the offset it has in its partition of the offsets topic.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub at: i64,
    /// `None` where the offset was deleted.
    pub committed: Option<Committed>,
}

/// A consumer group.
#[derive(Debug, Clone)]
pub struct Group {
    /// `Empty`, `Stable` and so on.
    pub state: String,
    /// `consumer` where members joined once; empty where offsets were only committed.
    pub protocol_type: String,
    /// `classic`, `consumer`, `share`.
    pub group_type: String,
    /// How many members there are.
    pub members: usize,
    /// Where in the offsets topic the group was first written.
    pub(crate) since: i64,
    pub(crate) offsets: BTreeMap<(String, i32), Vec<Written>>,
    /// Partitions for which an open transaction is about to commit.
    pub pending: Vec<(String, i32)>,
}

impl Group {
    pub(crate) fn new(since: i64) -> Self {
        Self {
            state: "Empty".to_owned(),
            protocol_type: String::new(),
            group_type: "classic".to_owned(),
            members: 0,
            since,
            offsets: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    /// What a coordinator shows that knows no more than lies below an offset of the offsets topic.
    pub(crate) fn shown(&self, below: i64) -> BTreeMap<(String, i32), Committed> {
        let last = |written: &Vec<Written>| written.iter().rev().find(|one| one.at < below)?.committed.clone();
        self.offsets.iter().filter_map(|(at, written)| Some((at.clone(), last(written)?))).collect()
    }

    pub(crate) fn write(&mut self, at: i64, partition: (String, i32), committed: Option<Committed>) {
        self.offsets.entry(partition).or_default().push(Written { at, committed });
    }
}

/// The partition of the offsets topic that keeps a group (Java's `String.hashCode`).
pub fn partition_of(group: &str, partitions: usize) -> usize {
    let hash = group.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
    hash.checked_abs().unwrap_or(0) as usize % partitions.max(1)
}
