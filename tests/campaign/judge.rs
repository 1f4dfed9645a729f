//! Whether a new snapshot is what the cluster was, or says where it is not.

use std::collections::BTreeSet;

use protocol_tests::fake::batch::Header;

use super::captured::{Captured, Data};
use super::history::{Moment, Seen};

/// `before` and `after` are the cluster when the backup began, and when it was over.
pub fn judge(captured: &Captured, before: &Moment, after: &Moment) {
    for topic in before.topics().intersection(&after.topics()) {
        let there = captured.partitions.keys().any(|(name, _)| name == topic);
        let told = &captured.incomplete;
        assert!(there || captured.tells_of(topic), "topic {topic} is missing in silence; {told:?}");
    }
    for ((topic, partition), data) in &captured.partitions {
        let name = format!("{topic}-{partition}");
        let told = captured.tells_of(&name) || captured.tells_of(topic);
        let at = (topic.clone(), *partition);
        let (Some(was), Some(is)) = (before.partitions.get(&at), after.partitions.get(&at)) else {
            assert!(told, "{name} is no more, in silence");
            continue;
        };
        // A partition that was not reached keeps what an earlier snapshot had of it, and that is told.
        if data.state.fenced.is_none() || !told {
            // Retention took the batches that would have proved what lay before them, and that is told.
            let proved = data.state.missing.iter().filter(|one| one.gap && before.without_epochs);
            let proved_from = proved.map(|one| one.range.next).max().unwrap_or(0);
            assert_verbatim(&name, data, was, is, proved_from);
            assert_whole(&format!("{name}, told {:?}", captured.incomplete), data, was, is, told);
        }
    }
    assert_positions(captured, before, after);
}

/// Every batch is the one that lay there.
fn assert_verbatim(name: &str, data: &Data, was: &Seen, is: &Seen, proved_from: i64) {
    for (base, batch) in data.batches.range(proved_from..) {
        // What was trimmed before this backup was compared by the one that took it.
        if *base >= was.bounds[0] {
            let there = was.batches.get(base).or_else(|| is.batches.get(base));
            let header = Header::read;
            let (is, was) = (header(batch), there.and_then(|batch| header(batch)));
            assert!(there == Some(batch), "{name}: the batch at {base} is {is:?}, not {was:?} of {:?}", data.state);
        }
    }
}

/// Nothing below the fence is missing unless somebody is told.
fn assert_whole(name: &str, data: &Data, was: &Seen, is: &Seen, told: bool) {
    let state = &data.state;
    assert!(state.fence >= was.bounds[1] || told, "{name}: the fence {} is below {}", state.fence, was.bounds[1]);
    assert!(state.next == state.fence || told, "{name}: ends at {} before {} in silence", state.next, state.fence);
    let missing = |offset: i64| state.missing.iter().any(|one| (one.range.base..one.range.next).contains(&offset));
    for (base, batch) in &is.batches {
        let last = Header::read(batch).unwrap().last_offset();
        if last >= state.next || data.batches.contains_key(base) || last < is.bounds[0] {
            continue;
        }
        assert!(missing(*base) && told, "{name}: the batch at {base} is missing in silence; {state:?}");
    }
    // Taken while it was read.
    for (base, batch) in was.batches.range(..state.next).filter(|(base, _)| !data.batches.contains_key(base)) {
        let last = Header::read(batch).unwrap().last_offset();
        if last < was.bounds[0] || last >= state.next {
            continue;
        }
        assert!(last < is.bounds[0], "{name}: the batch at {base} is missing; {state:?}");
        assert!(last < state.log_start || told, "{name}: {base} went while it was read, in silence; {state:?}");
    }
}

fn assert_positions(captured: &Captured, before: &Moment, after: &Moment) {
    let partial = captured.incomplete.iter().any(|one| {
        one.subject == "consumer groups" || one.subject.starts_with("broker ") || one.subject.starts_with("group")
    });
    let names: BTreeSet<&String> = before.groups.keys().filter(|name| after.groups.contains_key(*name)).collect();
    for group in names {
        if partial || captured.tells_of(group) {
            continue;
        }
        let is = captured.groups.get(group);
        let (was, told) = (&before.groups[group], &captured.incomplete);
        assert!(is == Some(was), "{group}: {is:?} instead of {was:?}; {told:?}");
    }
}
