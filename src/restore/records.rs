//! Brings the records over, and makes sure that the logs end where they should.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Context;
use super::configs;
use super::error::RestoreError;
use super::groups::Translations;
use super::options::RestoreOptions;
use super::plan::RestorePlan;
use super::preserve::{self, Preserver};
use super::produce::{Produce, Produced, Work};
use super::readers::{self, Ended};
use super::source::{Preserve, Source};
use super::state::State;
use super::target;
use crate::cluster::{Cluster, OffsetSpec};
use crate::model::{Timestamp, TopicPartition};
use crate::repository::format::{RestoreRecords, RestoreTopics};

/// Passes over all partitions when logs fall back behind what was acknowledged.
const PASSES_MAX: u32 = 3;
/// How often topics are begun again in one run.
const REDONE_MAX: usize = 5;
/// How long the last records may take until all replicas have them.
const DEADLINE: Duration = Duration::from_secs(60);
/// Pause between two looks at log ends.
const PAUSE: Duration = Duration::from_millis(100);

/// One restored partition.
#[derive(Debug)]
pub(super) struct Restored {
    /// In the source.
    pub source: TopicPartition,
    /// What came of it.
    pub ended: Ended,
}

/// All restored partitions.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// In the order of the plan.
    pub restored: Vec<Restored>,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl Records {
    /// Target offsets of the groups' positions.
    pub(super) fn translations(&self) -> Translations {
        let of = |one: &Restored| ((one.source.topic.clone(), one.source.partition), one.ended.positions.clone());
        self.restored.iter().map(of).collect()
    }
}

/// Brings over what is not there yet. Once all of it was there, the offset maps answer: the topics have their own
/// settings since, and what retention and compaction do with the records is right.
pub(super) async fn restore(
    context: Context<'_>,
    plan: &mut RestorePlan,
    state: &mut State,
) -> Result<Records, RestoreError> {
    begin_again(context.cluster, plan, state).await?;
    let mut work = work(plan, state, context.options)?;
    let (ended, notes) = if let Some(records) = &state.records {
        (from_maps(state, &work).await?, records.notes.clone())
    } else {
        let produced = produce_or_begin_again(context, &mut work, plan, state).await?;
        let notes = produced.notes.clone();
        state.put_records(RestoreRecords { checked: Timestamp::now(), notes })?;
        (produced.ended, produced.notes)
    };
    let restored = work.into_iter().zip(ended).map(|(work, ended)| Restored { source: work.source.at, ended });
    Ok(Records { restored: restored.collect(), notes })
}

/// All partitions, as the first attempt wrote them down.
fn work(plan: &mut RestorePlan, state: &State, options: &RestoreOptions) -> Result<Vec<Work>, RestoreError> {
    let none = RestoreTopics::default();
    let topics = &state.topics.as_ref().unwrap_or(&none).topics;
    let mut positions = positions(plan);
    let mut work = Vec::new();
    for topic in &mut plan.topics {
        let other = || RestoreError::OtherPlan { state: state.folder().path().to_owned(), topic: topic.target.clone() };
        let target = topics.iter().find(|one| one.source == topic.state.name && one.target == topic.target);
        let target = target.ok_or_else(other)?;
        let batch_max = configs::largest_batch(topic, &options.topic_configs).min(options.request_bytes);
        for partition in &mut topic.partitions {
            let source = TopicPartition::new(topic.state.name.clone(), partition.partition);
            let planned = target.partitions.iter().find(|one| one.partition == partition.partition);
            let planned = planned.ok_or_else(other)?;
            work.push(Work {
                at: TopicPartition::new(target.target.clone(), partition.partition),
                topic_id: target.id,
                positions: positions.remove(&source).unwrap_or_default(),
                bytes: partition.bytes,
                source: Source {
                    at: source,
                    segments: std::mem::take(&mut partition.segments),
                    keep: planned.keep,
                    producer: state.producer(),
                    target_codecs: state.target_codecs(),
                    batch_max,
                    target_base: if planned.preserved { 0 } else { planned.base },
                    from: if planned.preserved { 0 } else { planned.base },
                    preserve: planned.preserved.then(|| Preserve {
                        producers: state.producers(),
                        looked: false,
                        last: None,
                    }),
                },
            });
        }
    }
    Ok(work)
}

/// Source offsets to translate, by partition.
fn positions(plan: &RestorePlan) -> HashMap<TopicPartition, Vec<i64>> {
    let mut positions: HashMap<TopicPartition, Vec<i64>> = HashMap::new();
    for commit in plan.groups.iter().flat_map(|group| &group.commits) {
        let at = TopicPartition::new(commit.offset.topic.clone(), commit.offset.partition);
        positions.entry(at).or_default().push(commit.offset.committed.offset);
    }
    positions
}

async fn from_maps(state: &State, work: &[Work]) -> Result<Vec<Ended>, RestoreError> {
    let (folder, work) = (state.folder().clone(), work.to_vec());
    let read = move || work.iter().map(|one| readers::whole_map(&folder, &one.source.at, &one.positions)).collect();
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|_| RestoreError::Thread { doing: "reads offset maps" })?
}

/// Brings everything over. A topic whose offsets are preserved and whose log got longer than planned is made anew.
async fn produce_or_begin_again(
    context: Context<'_>,
    work: &mut [Work],
    plan: &RestorePlan,
    state: &mut State,
) -> Result<Produced, RestoreError> {
    let mut notes = Vec::new();
    loop {
        let again = state.resumed || !notes.is_empty();
        let (at, planned, found) = match produce(context, work, state, again).await {
            Err(RestoreError::OutOfPlace { partition, planned, found }) if notes.len() < REDONE_MAX => {
                (partition, planned, found)
            }
            Ok(mut produced) => {
                produced.notes.splice(0..0, notes);
                return Ok(produced);
            }
            failed => return failed,
        };
        let mut topics = state.topics.clone().unwrap_or_default();
        preserve::mark(context.cluster, &mut topics, state.producers(), (&at, planned, found)).await?;
        state.put_topics(topics)?;
        begin_again(context.cluster, plan, state).await?;
        notes.push(format!(
            "topic {}: the log of partition {} got longer than planned, as markers landed late; the topic was deleted \
             and begun again",
            at.topic, at.partition
        ));
        let mut topics = state.topics.iter().flat_map(|topics| &topics.topics);
        let id = topics.find(|topic| topic.target == at.topic).map(|topic| topic.id);
        for one in work.iter_mut().filter(|one| one.at.topic == at.topic) {
            one.topic_id = id.unwrap_or(one.topic_id);
            one.source.target_base = 0;
            one.source.from = 0;
        }
    }
}

/// Makes topics anew that are marked for it, now or by an attempt that was cut off over it.
async fn begin_again(cluster: &Cluster, plan: &RestorePlan, state: &mut State) -> Result<(), RestoreError> {
    let mut topics = state.topics.clone().unwrap_or_default();
    if topics.topics.iter().all(|topic| !topic.again) {
        return Ok(());
    }
    for topic in topics.topics.iter_mut().filter(|topic| topic.again) {
        let other = || RestoreError::OtherPlan { state: state.folder().path().to_owned(), topic: topic.target.clone() };
        let new = target::new_topic(plan, &topic.target).ok_or_else(other)?;
        preserve::begin_again(cluster, topic, new).await?;
    }
    state.put_topics(topics)
}

/// What fills offsets that have no records, if any are to be preserved.
fn preserver(context: Context<'_>, work: &[Work], state: &State) -> Result<Option<Preserver>, RestoreError> {
    if work.iter().all(|one| one.source.preserve.is_none()) {
        return Ok(None);
    }
    let run = state.begin_marking()?;
    Ok(Some(Preserver::new(context.cluster, state.producers(), run, context.options.stall_timeout)))
}

async fn produce(context: Context<'_>, work: &[Work], state: &State, again: bool) -> Result<Produced, RestoreError> {
    context.progress.total(work.iter().map(|one| one.bytes).sum(), work.len() as u64);
    let preserver = preserver(context, work, state)?;
    let mut notes = Vec::new();
    for pass in 1.. {
        let mut produce = Produce::new(context, state.folder(), work, again || pass > 1).await?;
        produce.preserver.clone_from(&preserver);
        let mut produced = produce.run().await?;
        notes.append(&mut produced.notes);
        let Some(fallen) = check_log_ends(context.cluster, work, &produced.ended).await? else {
            return Ok(Produced { notes, ..produced });
        };
        if pass == PASSES_MAX {
            let cause = format!("its log fell back to offset {} again and again", fallen.1);
            return Err(RestoreError::Partition { partition: fallen.0, offset: -1, cause });
        }
        notes.push(format!("partition {}: its log fell back to offset {} after all was sent", fallen.0, fallen.1));
    }
    Err(RestoreError::Thread { doing: "produces" })
}

/// What the leaders hold must be what was sent, all of it decided and on all replicas. Gives a partition that holds less
/// than was acknowledged.
async fn check_log_ends(
    cluster: &Cluster,
    work: &[Work],
    ended: &[Ended],
) -> Result<Option<(TopicPartition, i64)>, RestoreError> {
    let partitions: Vec<TopicPartition> = work.iter().map(|one| one.at.clone()).collect();
    let ends = target::offsets(cluster, &partitions, OffsetSpec::LogEnd).await?;
    let preserved = |at: &TopicPartition| work.iter().any(|one| one.at == *at && one.source.preserve.is_some());
    for (at, planned) in partitions.iter().zip(ended.iter().map(|one| one.log_end)) {
        let found = ends.get(at).copied().unwrap_or(-1);
        if found > planned {
            let partition = at.clone();
            return Err(if preserved(at) {
                RestoreError::OutOfPlace { partition, planned, found }
            } else {
                RestoreError::ForeignWriter { partition, planned, found }
            });
        }
        if found < planned {
            return Ok(Some((at.clone(), found)));
        }
    }
    let deadline = Instant::now() + DEADLINE;
    loop {
        let stable = target::offsets(cluster, &partitions, OffsetSpec::LastStable).await?;
        let behind = partitions.iter().find(|at| stable.get(at) < ends.get(at));
        let Some(at) = behind else { return Ok(None) };
        if Instant::now() >= deadline {
            let cause = format!("its records are not on all replicas after {} s", DEADLINE.as_secs());
            return Err(RestoreError::Partition { partition: at.clone(), offset: -1, cause });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
