//! Whether a cluster holds what a snapshot had.

use std::collections::BTreeMap;

use ktape::restore::RestoreReport;
use protocol_tests::fake::{Fake, Record};

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

/// The same records in the same order, and every group before the same one.
pub fn assert_back(target: &Fake, records: &Records, captured: &Captured, report: &RestoreReport) {
    for ((topic, partition), wanted) in records {
        let back = target.committed_records(topic, *partition);
        let plain = |record: &Record| Record { offset: 0, ..record.clone() };
        // Without its marker, which was lost, nobody knows whether a transaction was committed.
        let all_back = back.len() == wanted.len() || report.admitted.dropped_lost > 0;
        let mut left = wanted.iter();
        let same = all_back && back.iter().all(|record| left.any(|wanted| plain(wanted) == plain(record)));
        let state = &captured.partitions[&(topic.clone(), *partition)].state;
        assert!(same, "{topic}-{partition}: {} records came back of {}; {state:?}", back.len(), wanted.len());
        let open = target.bounds(topic, *partition).unwrap();
        assert_eq!(open[1], open[3], "{topic}-{partition}: a transaction is left open");
    }
    let positions = target.positions();
    for (group, offsets) in &captured.groups {
        for ((topic, partition), offset) in offsets {
            let Some(wanted) = records.get(&(topic.clone(), *partition)) else { continue };
            let name = format!("{topic}-{partition}");
            if report.lost.iter().any(|lost| &lost.group == group && lost.partition == name) {
                continue;
            }
            let is = positions.get(group).and_then(|all| all.get(&(topic.clone(), *partition)));
            let Some(is) = is else { panic!("{group} lost its position in {name}, in silence") };
            let left = wanted.iter().filter(|record| record.offset >= *offset).count();
            let back = target.committed_records(topic, *partition);
            if back.len() != wanted.len() {
                continue;
            }
            let ahead = back.iter().filter(|record| record.offset >= is.offset).count();
            assert_eq!(ahead, left, "{group} goes on at another record of {name}: {} for {offset}", is.offset);
        }
    }
}
