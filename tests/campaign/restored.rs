//! Whether a cluster holds what a snapshot had.

use std::collections::BTreeMap;

use ktape::restore::RestoreReport;
use protocol_tests::fake::Record;
use serde_json::Value;

use super::captured::Captured;
use super::history::Moment;

/// Committed records of each partition as they were at a snapshot, with their offsets.
pub type Records = BTreeMap<(String, i32), Vec<Record>>;

/// What a restore of it must bring, of what was seen before and after it was taken.
pub fn wanted(captured: &Captured, before: &Moment, after: &Moment) -> Records {
    let mut wanted = Records::new();
    // One that was not reached has what an earlier snapshot had of it, which was judged then.
    for (at, data) in captured.partitions.iter().filter(|(_, data)| data.state.fenced.is_none()) {
        let mut records = BTreeMap::new();
        for moment in [before, after] {
            for record in moment.partitions.get(at).map(|seen| seen.committed.as_slice()).unwrap_or_default() {
                records.insert(record.offset, record.clone());
            }
        }
        let bounds = data.state.log_start..data.state.next;
        records.retain(|offset, _| bounds.contains(offset) && data.has(*offset));
        wanted.insert(at.clone(), records.into_values().collect());
    }
    wanted
}

/// What a restore had to leave away, and said so.
#[derive(Debug, Default)]
pub struct Admitted {
    /// Batches of transactions whose marker was lost, or not reached.
    pub markerless: u64,
    /// Group and partition of positions that it could not place.
    pub positions: Vec<(String, String)>,
}

impl From<&RestoreReport> for Admitted {
    fn from(report: &RestoreReport) -> Self {
        let positions = report.lost.iter().map(|lost| (lost.group.clone(), lost.partition.clone())).collect();
        Self { markerless: report.admitted.dropped_lost + report.admitted.dropped_open, positions }
    }
}

/// The same of a report that was printed.
impl From<&Value> for Admitted {
    fn from(report: &Value) -> Self {
        let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
        let count = |name: &str| report["admitted"][name].as_u64().unwrap();
        let lost = report["lost"].as_array().into_iter().flatten();
        Self {
            markerless: count("dropped_lost") + count("dropped_open"),
            positions: lost.map(|one| (text(one, "group"), text(one, "partition"))).collect(),
        }
    }
}

/// The same records in the same order, and every group before the same one.
pub fn assert_back(target: &Moment, records: &Records, captured: &Captured, admitted: &Admitted) {
    for ((topic, partition), wanted) in records {
        let seen = &target.partitions[&(topic.clone(), *partition)];
        let back = &seen.committed;
        let plain = |record: &Record| Record { offset: 0, ..record.clone() };
        // Without its marker nobody knows whether a transaction was committed.
        let all_back = back.len() == wanted.len() || admitted.markerless > 0;
        let mut left = wanted.iter();
        let same = all_back && back.iter().all(|record| left.any(|wanted| plain(wanted) == plain(record)));
        let state = &captured.partitions[&(topic.clone(), *partition)].state;
        assert!(same, "{topic}-{partition}: {} records came back of {}; {state:?}", back.len(), wanted.len());
        let bounds = seen.bounds;
        assert_eq!(bounds[1], bounds[3], "{topic}-{partition}: a transaction is left open");
    }
    for (group, offsets) in &captured.groups {
        for ((topic, partition), offset) in offsets {
            let Some(wanted) = records.get(&(topic.clone(), *partition)) else { continue };
            let name = format!("{topic}-{partition}");
            if admitted.positions.contains(&(group.clone(), name.clone())) {
                continue;
            }
            let is = target.groups.get(group).and_then(|all| all.get(&(topic.clone(), *partition)));
            let Some(is) = is else { panic!("{group} lost its position in {name}, in silence") };
            let left = wanted.iter().filter(|record| record.offset >= *offset).count();
            let back = &target.partitions[&(topic.clone(), *partition)].committed;
            if back.len() != wanted.len() {
                continue;
            }
            let ahead = back.iter().filter(|record| record.offset >= *is).count();
            assert_eq!(ahead, left, "{group} goes on at another record of {name}: {is} for {offset}");
        }
    }
}
