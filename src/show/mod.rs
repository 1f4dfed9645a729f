//! Show: what one snapshot holds.

mod before;
mod report;

pub use report::{ShowReport, ShownHold, ShownPartition, ShownTopic};

use before::{Before, Objects};

use crate::model::{Patterns, Timestamp};
use crate::repository::format::{Excluded, PartitionState, TopicState};
use crate::repository::{Repository, RepositoryError, RestoreStates, Snapshot};

/// What to show of a snapshot.
#[derive(Debug, Clone, Default)]
pub struct ShowOptions {
    /// Only topics whose name matches; without patterns, all.
    pub topics: Patterns,
    /// Only groups whose id matches; without patterns, all.
    pub groups: Patterns,
}

/// Reads everything about a snapshot but its segments.
pub fn show(
    repository: &Repository,
    snapshot: &Snapshot,
    states: &RestoreStates,
    options: &ShowOptions,
) -> Result<ShowReport, RepositoryError> {
    let head = &snapshot.head;
    let mut report = ShowReport::new(repository, snapshot);
    let before = Before::of(repository, head)?;
    for topic in repository.topics(head)? {
        let topic = topic?;
        if is_wanted(&options.topics, topic.name.as_str()) {
            report.topics.push(shown_topic(repository, topic, before.as_ref())?);
        }
    }
    report.topics.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    let groups = repository.groups(head)?;
    report.groups = groups.groups.into_iter().filter(|group| is_wanted(&options.groups, group.id.as_str())).collect();
    report.settings = head.settings.as_ref().map(|part| repository.private_part(part)).transpose()?;
    if let Some(excluded) = &head.excluded {
        report.excluded = repository.part::<Excluded>(excluded)?;
    }
    report.held = held(states, &options.topics)?;
    Ok(report)
}

fn held(states: &RestoreStates, topics: &Patterns) -> Result<Vec<ShownHold>, RepositoryError> {
    let mut shown = Vec::new();
    for folder in states.all()? {
        let Some(done) = folder.done()? else { continue };
        let plan = folder.plan()?;
        let held = folder.held()?.into_iter().filter(|one| is_wanted(topics, one.topic.as_str()));
        shown.extend(held.map(|held| ShownHold {
            cluster_id: plan.key.target_cluster_id.clone(),
            snapshot: plan.snapshot,
            finished: done.finished,
            held,
        }));
    }
    Ok(shown)
}

fn is_wanted(patterns: &Patterns, name: &str) -> bool {
    patterns.texts().is_empty() || patterns.matches(name)
}

fn shown_topic(
    repository: &Repository,
    topic: TopicState,
    before: Option<&Before>,
) -> Result<ShownTopic, RepositoryError> {
    let partitions: Vec<ShownPartition> = topic
        .partitions
        .into_iter()
        .map(|partition| {
            let old = before
                .map(|before| before.objects(repository, &topic.name, topic.id, partition.partition))
                .transpose()?;
            shown_partition(repository, partition, old.as_ref())
        })
        .collect::<Result<_, _>>()?;
    Ok(ShownTopic {
        name: topic.name,
        id: topic.id,
        replication_factor: topic.replication_factor,
        configs: topic.configs,
        effective: topic.effective,
        bytes: sum(partitions.iter().map(|partition| Some(partition.bytes))).unwrap_or_default(),
        stored_bytes: sum(partitions.iter().map(|partition| Some(partition.stored_bytes))).unwrap_or_default(),
        new_bytes: sum(partitions.iter().map(|partition| partition.new_bytes)),
        new_records: sum(partitions.iter().map(|partition| partition.new_records)),
        records: sum(partitions.iter().map(|partition| Some(partition.records))).unwrap_or_default(),
        partitions,
    })
}

/// What seals say may be anything: the sum ends at the largest number. `None` where one is not known.
fn sum(numbers: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    numbers.into_iter().try_fold(0, |sum: u64, number| Some(sum.saturating_add(number?)))
}

fn shown_partition(
    repository: &Repository,
    state: PartitionState,
    old: Option<&Objects>,
) -> Result<ShownPartition, RepositoryError> {
    let mut shown = ShownPartition {
        partition: state.partition,
        lineage: state.lineage,
        log_start: state.log_start,
        first: state.first,
        next: state.next,
        fence: state.fence,
        last_stable: state.last_stable,
        high_watermark: state.high_watermark,
        reached: state.next >= state.fence,
        segments: 0,
        bytes: 0,
        stored_bytes: 0,
        new_bytes: old.map(|_| 0),
        new_records: old.map(|_| 0),
        batches: 0,
        records: 0,
        min_timestamp: Timestamp(-1),
        max_timestamp: Timestamp(-1),
        aborted_transactions: 0,
        open_transactions: 0,
        missing: state.missing,
    };
    for seal in repository.seals(&state.segments) {
        let seal = seal?;
        shown.segments += 1;
        shown.bytes = shown.bytes.saturating_add(seal.size);
        shown.stored_bytes = shown.stored_bytes.saturating_add(seal.length);
        if old.is_some_and(|old| !old.contains(&seal)) {
            shown.new_bytes = shown.new_bytes.map(|sum| sum.saturating_add(seal.size));
            shown.new_records = shown.new_records.map(|sum| sum.saturating_add(seal.records));
        }
        shown.batches = shown.batches.saturating_add(seal.batches);
        shown.records = shown.records.saturating_add(seal.records);
        if seal.min_timestamp.0 >= 0 && (shown.min_timestamp.0 < 0 || seal.min_timestamp < shown.min_timestamp) {
            shown.min_timestamp = seal.min_timestamp;
        }
        shown.max_timestamp = shown.max_timestamp.max(seal.max_timestamp);
        shown.aborted_transactions += seal.aborted.len() as u64;
        shown.open_transactions = seal.open.len() as u64;
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::format::SegmentList;
    use crate::repository::testing::{self, CLUSTER, batch, marker, transactional};
    use crate::store::MemoryStore;

    #[test]
    fn a_snapshot_is_shown_with_its_ranges_and_groups() {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(CLUSTER).unwrap();
        let batches = [batch(5, 10), transactional(15, 1, 7), transactional(16, 1, 8), marker(17, 8, false)];
        let seal = testing::segment(&repository, &run, testing::start("orders", 0, &run, None), &batches);
        let list = repository.append_seals(SegmentList::default(), vec![seal.clone()]).unwrap();
        let orders = testing::topic("orders", vec![testing::partition(0, std::slice::from_ref(&seal), list)]);
        let snapshot = testing::commit(&repository, &run, None, vec![orders, testing::topic("audit", Vec::new())]);
        let report = show(&repository, &snapshot, &repository.restore_states(), &ShowOptions::default()).unwrap();
        let names: Vec<&str> = report.topics.iter().map(|topic| topic.name.as_str()).collect();
        assert_eq!(names, ["audit", "orders"]);
        let shown = &report.topics[1].partitions[0];
        assert_eq!((shown.first, shown.next, shown.records, shown.batches, shown.bytes), (5, 18, 13, 4, seal.size));
        assert_eq!((shown.aborted_transactions, shown.open_transactions, shown.reached), (1, 1, true));
        assert_eq!((shown.min_timestamp.0, shown.max_timestamp.0), (1_000_005, 1_000_017));
        assert_eq!(report.groups[0].id.as_str(), "billing");
        assert_eq!(report.totals.bytes, seal.size);
        // The first of all: everything is new.
        assert_eq!((shown.stored_bytes, shown.new_bytes, shown.new_records), (seal.length, Some(seal.size), Some(13)));

        let run = repository.begin_run(CLUSTER).unwrap();
        let next = testing::segment(&repository, &run, testing::start("orders", 0, &run, Some(&seal)), &[batch(18, 2)]);
        let both = [seal.clone(), next.clone()];
        let list = repository.append_seals(SegmentList::default(), both.to_vec()).unwrap();
        let topics = vec![testing::topic("orders", vec![testing::partition(0, &both, list)])];
        let second = testing::commit(&repository, &run, Some(&snapshot), topics);
        let later = show(&repository, &second, &repository.restore_states(), &ShowOptions::default()).unwrap();
        let orders = &later.topics[0];
        assert_eq!((orders.new_bytes, orders.new_records), (Some(next.size), Some(2)));
        assert_eq!(orders.bytes, seal.size + next.size);

        let options = ShowOptions { topics: Patterns::new(&["a*"]).unwrap(), groups: Patterns::new(&["x"]).unwrap() };
        let report = show(&repository, &snapshot, &repository.restore_states(), &options).unwrap();
        assert_eq!((report.topics.len(), report.groups.len()), (1, 0));
    }
}
