//! How long until retention takes what is not saved yet.
//!
//! Kafka deletes whole segments, the oldest first, and stops at the first that stays (Kafka class `UnifiedLog`). So the
//! first record that is not saved goes first, and not before all segments up to its own are due:
//!
//! - by `retention.ms` when the largest time in each of them is old enough. That is at least the largest time of any record
//!   up to the first unsaved one, which is the last time for which the leader names an offset that is not after it. It is
//!   found by halving, with the leaders' own time index, all partitions at once.
//! - by `retention.bytes` when as many bytes lie behind it. How soon is estimated from how much came since the last backup.
//!
//! Both are the earliest possible moment: a segment also holds later records, and brokers look only now and then.

use std::collections::BTreeMap;

use super::report::{RetentionState, TopicLeft};
use super::repository::Saved;
use crate::backup::Chooser;
use crate::cluster::{Cluster, ClusterError, Each, OffsetSpec, PartitionOffset, TopicConfig};
use crate::model::{OffsetRange, Timestamp, TopicName, TopicPartition};

/// Halvings at most: enough for any time to a second.
const ROUNDS: usize = 48;
/// Milliseconds below which a time is known well enough.
const FINE: i64 = 1_000;
/// A time left is known well enough when it is off by less than one such part of it.
const PART: i64 = 64;

/// What deletes data of a topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Limits {
    /// `retention.ms`, if anything is deleted for its age.
    millis: Option<i64>,
    /// `retention.bytes`, if anything is deleted for the size of its partition.
    bytes: Option<i64>,
}

impl Limits {
    fn of(configs: &[TopicConfig]) -> Self {
        let text = |name: &str| configs.iter().find(|config| config.name == name)?.value.as_deref();
        if !text("cleanup.policy").is_none_or(|policy| policy.contains("delete")) {
            return Self::default();
        }
        let number = |name: &str| text(name)?.trim().parse::<i64>().ok().filter(|number| *number >= 0);
        Self { millis: number("retention.ms"), bytes: number("retention.bytes") }
    }
}

/// One partition with something that is not saved.
#[derive(Debug, Clone)]
struct Unsaved {
    at: TopicPartition,
    /// First offset that is not saved and still there.
    first: i64,
    log_start: i64,
    high_watermark: i64,
    limits: Limits,
    /// The last snapshot has the partition.
    known: bool,
    /// Milliseconds until `retention.ms` and `retention.bytes` may take `first`.
    by_time: Option<i64>,
    by_size: Option<i64>,
}

/// Asks the cluster what the snapshot does not have, and how long it stays there. `ahead` is how many milliseconds the
/// brokers' clocks are ahead of ours.
pub(super) async fn look(
    cluster: &Cluster,
    chooser: &Chooser,
    saved: &Saved,
    ahead: i64,
) -> Result<RetentionState, ClusterError> {
    let current = cluster.metadata().await?;
    let metadata = cluster.refresh(&current).await?;
    let mut state = RetentionState::default();
    let taken: Vec<&TopicName> =
        metadata.topics.iter().filter(|(name, meta)| chooser.takes(name, meta)).map(|(name, _)| name).collect();
    let names: Vec<TopicName> = taken.iter().map(|name| (*name).clone()).collect();
    let mut limits = BTreeMap::new();
    for (name, answer) in cluster.describe_topic_configs(&names).await {
        match answer {
            Ok(configs) => {
                limits.insert(name, Limits::of(&configs));
            }
            Err(error) => state.unknown.push((name.to_string(), format!("its settings cannot be read: {error}"))),
        }
    }
    let partitions: Vec<TopicPartition> = taken
        .iter()
        .filter_map(|name| metadata.topics.get(*name).map(|meta| (*name, meta)))
        .flat_map(|(name, meta)| meta.partitions.keys().map(|one| TopicPartition::new(name.clone(), *one)))
        .collect();
    let ends = Ends::ask(cluster, &partitions, &mut state).await?;
    state.held_back_offsets = ends.held_back();

    let now = Timestamp::now().0.saturating_add(ahead);
    let mut lost: BTreeMap<TopicName, BTreeMap<i32, OffsetRange>> = BTreeMap::new();
    let mut unsaved = Vec::new();
    for (at, (log_start, high_watermark)) in &ends.bounds {
        let limits = limits.get(&at.topic).copied().unwrap_or_default();
        let id = metadata.topics.get(&at.topic).map(|meta| meta.id);
        let topic = saved.topics.get(&at.topic).filter(|topic| Some(topic.id) == id);
        let next = topic.and_then(|topic| topic.next.get(&at.partition)).copied();
        let deletes = limits.millis.is_some() || limits.bytes.is_some();
        if let Some(next) = next.filter(|next| next < log_start && deletes) {
            let range = OffsetRange { base: next, next: *log_start };
            lost.entry(at.topic.clone()).or_default().insert(at.partition, range);
        }
        let first = next.unwrap_or(*log_start).max(*log_start);
        if first < *high_watermark {
            unsaved.push(Unsaved {
                at: at.clone(),
                first,
                log_start: *log_start,
                high_watermark: *high_watermark,
                limits,
                known: next.is_some(),
                by_time: None,
                by_size: None,
            });
        }
    }
    by_time(cluster, &mut unsaved, saved.fences_taken, now).await;
    state.needed_bytes = by_size(cluster, &mut unsaved, saved.fences_taken, now).await;
    state.fill(unsaved, lost);
    Ok(state)
}

/// Where the partitions' logs begin and end.
struct Ends {
    bounds: BTreeMap<TopicPartition, (i64, i64)>,
    last_stable: BTreeMap<TopicPartition, i64>,
}

impl Ends {
    async fn ask(
        cluster: &Cluster,
        partitions: &[TopicPartition],
        state: &mut RetentionState,
    ) -> Result<Self, ClusterError> {
        let mut ends = Self { bounds: BTreeMap::new(), last_stable: BTreeMap::new() };
        if partitions.is_empty() {
            return Ok(ends);
        }
        ends.last_stable = offsets(cluster.list_offsets(partitions, OffsetSpec::LastStable).await?, state);
        let there: Vec<TopicPartition> = ends.last_stable.keys().cloned().collect();
        let high = offsets(cluster.list_offsets(&there, OffsetSpec::HighWatermark).await?, state);
        let there: Vec<TopicPartition> = high.keys().cloned().collect();
        for (at, start) in offsets(cluster.list_offsets(&there, OffsetSpec::Earliest).await?, state) {
            let end = high.get(&at).copied().unwrap_or(start);
            ends.bounds.insert(at, (start, end.max(start)));
        }
        Ok(ends)
    }

    fn held_back(&self) -> u64 {
        let of = |(at, (_, high)): (&TopicPartition, &(i64, i64))| {
            let stable = self.last_stable.get(at)?;
            u64::try_from(high.saturating_sub(*stable)).ok()
        };
        self.bounds.iter().filter_map(of).sum()
    }
}

fn offsets(
    answers: Each<TopicPartition, PartitionOffset>,
    state: &mut RetentionState,
) -> BTreeMap<TopicPartition, i64> {
    let mut found = BTreeMap::new();
    for (at, answer) in answers {
        match answer {
            Ok(offset) => {
                found.insert(at, offset.offset);
            }
            Err(error) => state.unknown.push((at.to_string(), format!("its bounds cannot be read: {error}"))),
        }
    }
    found
}

/// What is known so far of the time of one partition's first unsaved record: a record up to it is as late as `low`, none is
/// known to be as late as `high`.
#[derive(Debug, Clone, Copy)]
struct Search {
    index: usize,
    /// What is older than this is due.
    floor: i64,
    low: i64,
    high: i64,
}

impl Search {
    fn is_done(&self) -> bool {
        let span = self.high - self.low;
        span <= FINE || span <= (self.low - self.floor) / PART
    }

    fn middle(&self) -> i64 {
        self.low + (self.high - self.low) / 2
    }
}

async fn by_time(cluster: &Cluster, unsaved: &mut [Unsaved], fences_taken: Option<Timestamp>, now: i64) {
    let limited = |(index, one): (usize, &Unsaved)| {
        let floor = now.saturating_sub(one.limits.millis?).max(0);
        Some(Search { index, floor, low: floor, high: now.max(floor) })
    };
    let begun: Vec<Search> = unsaved.iter().enumerate().filter_map(limited).collect();
    // Is anything up to there young enough to stay? Where nothing is, has anything a time at all?
    let (mut open, due) = ask(cluster, unsaved, begun, |search| search.floor).await;
    let (due, timeless) = ask(cluster, unsaved, due, |_| 0).await;
    for search in due {
        unsaved[search.index].by_time = Some(0);
    }
    for search in timeless {
        // Then the time counts at which a segment was written last, and that was after the last fence.
        let one = &mut unsaved[search.index];
        let written = fences_taken.filter(|_| one.known).map(|fences| fences.0);
        one.by_time = written.zip(one.limits.millis).map(|(written, millis)| (written + millis - now).max(0));
    }
    for _ in 0..ROUNDS {
        let (done, rest): (Vec<_>, Vec<_>) = open.into_iter().partition(Search::is_done);
        for search in done {
            unsaved[search.index].by_time = Some(search.low - search.floor);
        }
        if rest.is_empty() {
            return;
        }
        let (later, earlier) = ask(cluster, unsaved, rest, Search::middle).await;
        let later = later.into_iter().map(|search| Search { low: search.middle(), ..search });
        let earlier = earlier.into_iter().map(|search| Search { high: search.middle(), ..search });
        open = later.chain(earlier).collect();
    }
    for search in open {
        unsaved[search.index].by_time = Some(search.low - search.floor);
    }
}

/// Whether a record up to the first unsaved one is as late as the time asked for: those where one is, and where none is. A
/// partition that does not answer is left out.
async fn ask(
    cluster: &Cluster,
    unsaved: &[Unsaved],
    searches: Vec<Search>,
    time: impl Fn(&Search) -> i64,
) -> (Vec<Search>, Vec<Search>) {
    let questions: Vec<_> = searches.iter().map(|search| (unsaved[search.index].at.clone(), time(search))).collect();
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    if questions.is_empty() {
        return (yes, no);
    }
    let answers: BTreeMap<TopicPartition, _> = cluster.offsets_at(questions).await.into_iter().collect();
    for search in searches {
        let one = &unsaved[search.index];
        match answers.get(&one.at) {
            Some(Ok(found)) if (0..=one.first).contains(&found.offset) => yes.push(search),
            Some(Ok(_)) => no.push(search),
            _ => {}
        }
    }
    (yes, no)
}

/// Gives the bytes that are not saved in all partitions, if brokers tell.
async fn by_size(cluster: &Cluster, unsaved: &mut [Unsaved], fences_taken: Option<Timestamp>, now: i64) -> Option<u64> {
    let partitions: Vec<TopicPartition> = unsaved.iter().map(|one| one.at.clone()).collect();
    if partitions.is_empty() {
        return Some(0);
    }
    let sizes: BTreeMap<TopicPartition, _> = cluster.log_sizes(&partitions).await.into_iter().collect();
    let mut all = Some(0_u64);
    for one in unsaved {
        let Some(Ok(Some(size))) = sizes.get(&one.at) else {
            all = None;
            continue;
        };
        let bytes = one.bytes_of(*size);
        all = all.map(|sum| sum.saturating_add(bytes));
        let since = fences_taken.filter(|_| one.known).map(|fences| now.saturating_sub(fences.0));
        one.by_size = one.limits.bytes.and_then(|limit| until_full(limit, bytes, since));
    }
    all
}

impl Unsaved {
    /// The unsaved part of a log of so many bytes, by its part of the offsets.
    fn bytes_of(&self, size: u64) -> u64 {
        let all = (self.high_watermark - self.log_start).max(1);
        let part = (self.high_watermark - self.first).clamp(0, all);
        (size as f64 * part as f64 / all as f64) as u64
    }

    /// The earlier of the two, and which it is.
    fn left(&self) -> Option<(i64, &'static str)> {
        let limits = [(self.by_time, "retention.ms"), (self.by_size, "retention.bytes")];
        limits.into_iter().filter_map(|(left, name)| Some((left?, name))).min()
    }
}

/// Milliseconds until `bytes`, which came in `since` milliseconds, have grown to `limit`.
fn until_full(limit: i64, bytes: u64, since: Option<i64>) -> Option<i64> {
    let room = limit.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX));
    if room <= 0 {
        return Some(0);
    }
    let since = since.filter(|since| *since > 0)?;
    let left = room as f64 / bytes.max(1) as f64 * since as f64;
    (bytes > 0 && left < i64::MAX as f64).then_some(left as i64)
}

impl RetentionState {
    fn fill(&mut self, unsaved: Vec<Unsaved>, mut lost: BTreeMap<TopicName, BTreeMap<i32, OffsetRange>>) {
        let mut topics: BTreeMap<TopicName, TopicLeft> = BTreeMap::new();
        for one in unsaved {
            let offsets = u64::try_from(one.high_watermark - one.first).unwrap_or(0);
            self.unsaved_offsets = self.unsaved_offsets.saturating_add(offsets);
            let topic = topics.entry(one.at.topic.clone()).or_insert_with(|| TopicLeft::new(&one.at.topic));
            topic.partitions += 1;
            topic.unsaved_offsets = topic.unsaved_offsets.saturating_add(offsets);
            let Some((left, limit)) = one.left() else { continue };
            let seconds = u64::try_from(left / 1_000).unwrap_or(0);
            if topic.left_seconds.is_none_or(|least| seconds < least) {
                topic.left_seconds = Some(seconds);
                topic.partition = Some(one.at.partition);
                topic.limit = Some(limit);
            }
        }
        while let Some((name, partitions)) = lost.pop_first() {
            topics.entry(name.clone()).or_insert_with(|| TopicLeft::new(&name)).lost = partitions;
        }
        self.topics = topics.into_values().collect();
        self.left_seconds = self.topics.iter().filter_map(|topic| topic.left_seconds).min();
        self.unknown.sort();
    }
}

impl TopicLeft {
    fn new(topic: &TopicName) -> Self {
        Self {
            topic: topic.clone(),
            partitions: 0,
            unsaved_offsets: 0,
            left_seconds: None,
            partition: None,
            limit: None,
            lost: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configs(pairs: &[(&str, &str)]) -> Vec<TopicConfig> {
        let config = |(name, value): &(&str, &str)| TopicConfig {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
            set_on_topic: true,
            sensitive: false,
        };
        pairs.iter().map(config).collect()
    }

    #[test]
    fn only_deletion_by_age_or_size_limits() {
        let retention = [("retention.ms", "1000"), ("retention.bytes", "-1")];
        let limits =
            |policy: &'static str| Limits::of(&configs(&[&[("cleanup.policy", policy)], &retention[..]].concat()));
        assert_eq!(limits("delete"), Limits { millis: Some(1_000), bytes: None });
        assert_eq!(limits("compact,delete"), Limits { millis: Some(1_000), bytes: None });
        assert_eq!(limits("compact"), Limits::default());
        assert_eq!(Limits::of(&configs(&[("retention.ms", "-1"), ("retention.bytes", "7")])).bytes, Some(7));
    }

    #[test]
    fn what_came_since_the_last_backup_says_when_the_limit_is_reached() {
        assert_eq!(until_full(100, 25, Some(1_000)), Some(3_000));
        assert_eq!(until_full(100, 100, None), Some(0));
        assert_eq!(until_full(100, 25, None), None);
        assert_eq!(until_full(i64::MAX, 0, Some(5)), None);
    }

    #[test]
    fn the_partition_that_loses_first_is_named() {
        let orders = TopicName::new("orders").unwrap();
        let one = |partition, by_time, by_size| Unsaved {
            at: TopicPartition::new(orders.clone(), partition),
            first: 10,
            log_start: 0,
            high_watermark: 20,
            limits: Limits::default(),
            known: true,
            by_time,
            by_size,
        };
        let mut state = RetentionState::default();
        let partitions = vec![one(0, Some(90_000), None), one(3, Some(80_000), Some(41_999)), one(4, None, None)];
        state.fill(partitions, BTreeMap::new());
        assert_eq!((state.unsaved_offsets, state.left_seconds), (30, Some(41)));
        let topic = &state.topics[0];
        assert_eq!((topic.partition, topic.limit, topic.partitions), (Some(3), Some("retention.bytes"), 3));
    }

    #[test]
    fn halving_ends_for_every_span() {
        for span in [0, 1, 999, 60_000, 604_800_000, i64::MAX / 4] {
            let mut search = Search { index: 0, floor: 0, low: 0, high: span };
            let mut rounds = 0;
            while !search.is_done() {
                search.high = search.middle();
                rounds += 1;
            }
            assert!(rounds <= 62, "{span}: {rounds}");
        }
    }
}
