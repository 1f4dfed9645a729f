//! Says whether what is back is what was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;

use protocol_tests::judge::{Positions, Shown, contents};

use crate::narrator::tell;

/// What Kafka's own clients see in a cluster.
pub(crate) struct State {
    /// Every record of every topic.
    pub(crate) records: Shown,
    /// Committed offsets as the group tool prints them.
    pub(crate) offsets: BTreeMap<(String, String, i32), i64>,
    /// What each group reads next.
    pub(crate) positions: Positions,
}

impl State {
    fn topics(&self) -> BTreeSet<&str> {
        self.records.keys().map(|(topic, _)| topic.as_str()).collect()
    }

    fn groups(&self) -> BTreeSet<&str> {
        self.offsets.keys().map(|(group, ..)| group.as_str()).collect()
    }

    fn record_count(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (topics, groups) = (self.topics().len(), self.groups().len());
        write!(f, "{topics} topics, {} records, {groups} groups", self.record_count())
    }
}

/// Compares record by record and group by group.
pub(crate) fn prove(before: &State, after: &State) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (lost, found) = (contents(&before.records), contents(&after.records));
    for (partition, records) in &lost {
        if found.get(partition) != Some(records) {
            return Err(format!("{partition:?} is not what it was").into());
        }
    }
    if lost.len() != found.len() {
        return Err("there are partitions that were not there before".into());
    }
    tell(&format!(
        "{} records in {} topics: same order, keys, values, headers and times",
        after.record_count(),
        after.topics().len()
    ));
    for (at, position) in &before.positions {
        let next = after.positions.get(at).map(|position| &position.next);
        if next != Some(&position.next) || !after.offsets.contains_key(at) {
            return Err(format!("group, topic and partition {at:?} do not go on where they were").into());
        }
    }
    for (at @ (group, topic, partition), offset) in
        before.offsets.iter().filter(|((group, ..), _)| group.ends_with("-service"))
    {
        let now = after.offsets.get(at).copied().unwrap_or(-1);
        tell(&format!("{group} stood at {offset} of {topic}-{partition} and stands at {now}, before the same record"));
    }
    let moved = before.offsets.iter().filter(|(at, offset)| after.offsets.get(at) != Some(offset)).count();
    tell(&format!(
        "{} groups go on at the same record; {moved} of {} offsets have new numbers, as markers and aborted records are gone",
        after.groups().len(),
        after.offsets.len()
    ));
    Ok(())
}
