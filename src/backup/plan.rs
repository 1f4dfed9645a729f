//! What a run will do: topics, groups, fences, and where each partition goes on.
//! Order matters: groups first, then fences; the data comes last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::configs::{self, TopicConfigs};
use super::error::BackupError;
use super::fences::{self, Bounds};
use super::groups::{self, Captured};
use super::hanging;
use super::history::History;
use super::options::BackupOptions;
use super::past::OwnRun;
use super::report::{AdoptedFrom, Note};
use super::resume::{Continuation, Now};
use super::selection::Chooser;
use super::settings::{self, Settings};
use super::view::{self, View};
use crate::cluster::{Cluster, Metadata, TopicMeta};
use crate::model::{GroupId, Timestamp, TopicId, TopicName, TopicPartition};
use crate::progress::Progress;
use crate::repository::Repository;
use crate::repository::format::{ConfigEntry, Incomplete, IncompleteKind, Parent};

/// Everything that is decided before the first byte of data is fetched.
#[derive(Debug)]
pub struct BackupPlan {
    /// Cluster it is about.
    pub cluster_id: String,
    /// Snapshot it continues.
    pub parent: Option<Parent>,
    /// Runs up to this id need not be looked at by later runs.
    pub run_horizon: Option<String>,
    /// Topics to back up, ascending.
    pub topics: Vec<PlannedTopic>,
    /// Topics that are left out, ascending.
    pub excluded_topics: Vec<String>,
    /// Groups as they were read.
    pub groups: Captured,
    /// The cluster's own settings.
    pub settings: Settings,
    /// When groups were read and fences taken.
    pub groups_captured: Timestamp,
    /// See `groups_captured`.
    pub fences_taken: Timestamp,
    /// What is known to be lacking so far.
    pub incomplete: Vec<Incomplete>,
    /// Topics that are not what they were at the last snapshot.
    pub changes: Vec<Note>,
    /// Transactions that have been open for long and hold nothing back.
    pub open_transactions: Vec<Note>,
    /// The cluster that the repository belonged to before.
    pub adopted: Option<AdoptedFrom>,
}

impl BackupPlan {
    /// Bytes to fetch, if brokers tell.
    pub fn estimated_bytes(&self) -> Option<u64> {
        let partitions = self.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.filter(|partition| partition.offsets_to_fetch() > 0).map(|partition| partition.estimated_bytes).sum()
    }
}

/// One topic.
#[derive(Debug)]
pub struct PlannedTopic {
    /// Its name.
    pub name: TopicName,
    /// Its id.
    pub id: TopicId,
    /// Replicas of partition 0.
    pub replication_factor: i16,
    /// Configs set on it.
    pub configs: Vec<ConfigEntry>,
    /// Effective configs that matter.
    pub effective: Vec<ConfigEntry>,
    /// Its partitions, ascending.
    pub partitions: Vec<PlannedPartition>,
}

/// One partition.
#[derive(Debug)]
pub struct PlannedPartition {
    /// Its number.
    pub partition: i32,
    /// The broker's bounds; `None` where no leader told them.
    pub bounds: Option<Bounds>,
    /// Where it goes on.
    pub continuation: Continuation,
    /// When its stored data was last known to be the log as it was.
    pub fenced: Option<Timestamp>,
    /// Bytes to fetch, estimated from the size of the leader's log; `None` where brokers do not tell.
    pub estimated_bytes: Option<u64>,
}

impl PlannedPartition {
    /// Offsets between what is stored and the fence.
    pub fn offsets_to_fetch(&self) -> i64 {
        self.bounds.map_or(0, |bounds| (bounds.fence - self.continuation.next).max(0))
    }
}

/// Asks the cluster and the repository, and decides. Changes nothing on either, but that a real run says in its journal
/// what it builds on.
pub(super) async fn plan(
    cluster: &Cluster,
    repository: &Repository,
    options: &BackupOptions,
    own_run: &OwnRun<'_>,
    progress: &dyn Progress,
) -> Result<BackupPlan, BackupError> {
    let chooser = Chooser::new(&options.selection)?;
    let mut history = History::load(repository, cluster, options, &chooser, own_run)?;
    let metadata = cluster.metadata().await?;
    if let Err(error) = choose_topics(&metadata, &chooser) {
        return Err(or_hidden(cluster, error, gone(&metadata, &chooser, &history)).await);
    }
    let view = View::ask(cluster).await?;

    progress.note("reading consumer groups");
    let groups_captured = Timestamp::now();
    let mut groups = groups::capture(cluster, &chooser, &history.groups, view).await?;
    check_group_patterns(&chooser, &mut groups, view)?;
    progress.note("reading the cluster's settings");
    let ids: Vec<GroupId> = groups.groups.iter().map(|group| group.id.clone()).collect();
    let before = history.settings.as_ref();
    let reading = settings::capture(cluster, &chooser, &ids, before, view, options.accept_settings);
    let settings = Box::pin(reading).await;

    // What groups have committed may lie in topics and partitions that are younger than the first look.
    let metadata = cluster.refresh(&metadata).await?;
    let (taken, excluded_topics) = choose_topics(&metadata, &chooser)?;
    let hidden = view::hidden(cluster, gone(&metadata, &chooser, &history)).await;
    let mut changes = changes(&metadata, &taken, &chooser, &history, &hidden);
    changes.extend(settings.changes.iter().cloned());
    let configs = configs::read(cluster, &taken).await;

    progress.note("taking fences");
    let fences_taken = Timestamp::now();
    let partitions = all_partitions(&metadata, &taken);
    let (bounds, mut incomplete) = fences::take(cluster, &partitions, options.fence).await?;
    incomplete.extend(configs.incomplete.iter().cloned());
    incomplete.extend(groups.incomplete.iter().cloned());
    incomplete.extend(settings.incomplete.iter().cloned());
    incomplete.extend(view.of_topics(metadata.topics.len()));
    incomplete.extend(hidden.iter().filter_map(|name| invisible(name, &history)));
    let views = incomplete.iter_mut().filter(|one| one.kind == IncompleteKind::PartialView);
    views.for_each(|one| one.accepted = options.accept_partial_view);

    let mut topics = Vec::with_capacity(taken.len());
    for name in taken {
        let Some(meta) = metadata.topics.get(&name) else { continue };
        if let Some(error) = &meta.error {
            incomplete.push(unreadable(&name, &error.to_string()));
        }
        let configs = configs.of(&name);
        topics.push(plan_topic(name, meta, configs, &bounds, &mut history, fences_taken));
    }
    let mut plan = BackupPlan {
        cluster_id: cluster.cluster_id(),
        parent: history.parent.clone(),
        run_horizon: history.run_horizon.clone(),
        topics,
        excluded_topics,
        groups,
        settings,
        groups_captured,
        fences_taken,
        incomplete,
        changes,
        open_transactions: Vec::new(),
        adopted: history.adopted.clone(),
    };
    let mut hanging = hanging::find(cluster, &plan.topics, &history, options, fences_taken).await?;
    plan.incomplete.append(&mut hanging.incomplete);
    plan.open_transactions.append(&mut hanging.notes);
    fences::check_epochs(cluster, &mut plan.topics).await;
    estimate(cluster, &mut plan.topics).await;
    Ok(plan)
}

/// Takes the bytes to fetch for the same part of the log as the offsets to fetch are of all its offsets.
async fn estimate(cluster: &Cluster, topics: &mut [PlannedTopic]) {
    let mut wanted: BTreeMap<TopicPartition, &mut PlannedPartition> = BTreeMap::new();
    for topic in topics {
        for partition in topic.partitions.iter_mut().filter(|partition| partition.offsets_to_fetch() > 0) {
            wanted.insert(TopicPartition::new(topic.name.clone(), partition.partition), partition);
        }
    }
    let partitions: Vec<TopicPartition> = wanted.keys().cloned().collect();
    for (at, answer) in cluster.log_sizes(&partitions).await {
        let (Ok(Some(size)), Some(partition)) = (answer, wanted.get_mut(&at)) else { continue };
        let Some(bounds) = partition.bounds else { continue };
        let all = (bounds.high_watermark - bounds.log_start).max(1);
        let part = partition.offsets_to_fetch().min(all);
        partition.estimated_bytes = Some((size as f64 * part as f64 / all as f64) as u64);
    }
}

fn choose_topics(metadata: &Metadata, chooser: &Chooser) -> Result<(Vec<TopicName>, Vec<String>), BackupError> {
    let (taken, excluded): (Vec<_>, Vec<_>) =
        metadata.topics.iter().partition::<Vec<_>, _>(|(name, meta)| chooser.takes(name, meta));
    let taken: Vec<TopicName> = taken.into_iter().map(|(name, _)| name.clone()).collect();
    let names: Vec<&str> = taken.iter().map(TopicName::as_str).collect();
    if let Some(pattern) = chooser.unmatched_topics(&names).first() {
        return Err(BackupError::NothingMatches { noun: "topic", pattern: (*pattern).to_owned() });
    }
    Ok((taken, excluded.into_iter().map(|(name, _)| name.to_string()).collect()))
}

/// A pattern that matches nothing may be one for topics that are hidden: the one it spells out, or those that the last
/// snapshot holds.
async fn or_hidden(cluster: &Cluster, error: BackupError, gone: Vec<TopicName>) -> BackupError {
    let BackupError::NothingMatches { noun: "topic", pattern } = &error else { return error };
    let candidates = TopicName::new(pattern).into_iter().chain(gone).collect();
    match view::hidden(cluster, candidates).await.into_iter().next() {
        Some(topic) => BackupError::Hidden { topic },
        None => error,
    }
}

/// Topics of the last snapshot that are wanted and not shown.
fn gone(metadata: &Metadata, chooser: &Chooser, history: &History) -> Vec<TopicName> {
    let known = history.topics.keys().chain(&history.hidden);
    let wanted = known.filter(|name| chooser.takes_topic(name.as_str(), false));
    wanted.filter(|name| !metadata.topics.contains_key(*name)).cloned().collect()
}

fn invisible(name: &TopicName, history: &History) -> Option<Incomplete> {
    let sequence = history.parent.as_ref()?.sequence;
    let held = if history.topics.contains_key(name) {
        format!("snapshot {sequence} holds it")
    } else {
        "an earlier snapshot holds it".to_owned()
    };
    let detail = format!(
        "{held}, and it is not shown now: this client needs Read on topic {name}; if it was deleted, leave it out with \
         --exclude-topics"
    );
    Some(Incomplete::new(IncompleteKind::NotReached, name.to_string(), detail))
}

/// Topics of the last snapshot that are gone, are others under the same name, or have more partitions.
fn changes(
    metadata: &Metadata,
    taken: &[TopicName],
    chooser: &Chooser,
    history: &History,
    hidden: &[TopicName],
) -> Vec<Note> {
    let Some(parent) = &history.parent else { return Vec::new() };
    let wanted = history.topics.iter().filter(|(name, _)| chooser.takes_topic(name.as_str(), false));
    let wanted = wanted.filter(|(name, _)| !hidden.contains(name));
    let changed = wanted.filter_map(|(name, (id, partitions))| {
        let found = metadata.topics.get(name).filter(|_| taken.contains(name));
        let detail = match found {
            None => format!("is not there any more; snapshot {} holds it", parent.sequence),
            Some(meta) if meta.id != *id => {
                format!("was deleted and created anew; snapshot {} holds the old one", parent.sequence)
            }
            Some(meta) if meta.partitions.len() > *partitions => {
                format!(
                    "grew from {partitions} to {} partitions since snapshot {}",
                    meta.partitions.len(),
                    parent.sequence
                )
            }
            Some(_) => return None,
        };
        Some(Note { subject: name.to_string(), detail })
    });
    changed.collect()
}

/// A pattern that matches nothing is most likely a slip; not where groups are hidden.
fn check_group_patterns(chooser: &Chooser, groups: &mut Captured, view: View) -> Result<(), BackupError> {
    let ids: BTreeSet<&str> = groups.groups.iter().map(|group| group.id.as_str()).collect();
    let unread: BTreeSet<&str> = groups.incomplete.iter().map(|one| one.subject.as_str()).collect();
    let ids: Vec<&str> = ids.union(&unread).copied().collect();
    let unmatched = chooser.unmatched_groups(&ids);
    match unmatched.first() {
        Some(pattern) if view.may_describe_cluster() => {
            Err(BackupError::NothingMatches { noun: "group", pattern: (*pattern).to_owned() })
        }
        _ => {
            groups.incomplete.extend(unmatched.into_iter().map(view::unseen_group));
            Ok(())
        }
    }
}

fn unreadable(name: &TopicName, cause: &str) -> Incomplete {
    Incomplete::new(IncompleteKind::NotReached, name.to_string(), cause.to_owned())
}

fn all_partitions(metadata: &Arc<Metadata>, taken: &[TopicName]) -> Vec<TopicPartition> {
    let of = |name: &TopicName| metadata.topics.get(name).map(|meta| meta.partitions.keys().copied());
    taken
        .iter()
        .flat_map(|name| of(name).into_iter().flatten().map(|partition| TopicPartition::new(name.clone(), partition)))
        .collect()
}

fn plan_topic(
    name: TopicName,
    meta: &TopicMeta,
    configs: TopicConfigs,
    bounds: &fences::Fences,
    history: &mut History,
    time: Timestamp,
) -> PlannedTopic {
    let past = history.configs_of(&name);
    let retention = configs.delete_retention_ms(past);
    let mut partitions = Vec::with_capacity(meta.partitions.len());
    for partition in meta.partitions.keys().copied() {
        let bounds = bounds.get(&TopicPartition::new(name.clone(), partition)).copied();
        let stored = history.take(&name, meta.id, partition);
        let fenced = stored.as_ref().and_then(|stored| stored.fenced);
        let continuation = go_on(stored, bounds, time, retention);
        // Where an older snapshot ended at the high watermark this one does not end before it.
        let bounds = bounds.map(|bounds| Bounds { fence: bounds.fence.max(continuation.next), ..bounds });
        partitions.push(PlannedPartition { partition, bounds, continuation, fenced, estimated_bytes: None });
    }
    let replicas = meta.partitions.values().next().map_or(1, |partition| partition.replicas.len());
    PlannedTopic {
        name,
        id: meta.id,
        replication_factor: i16::try_from(replicas).unwrap_or(i16::MAX),
        configs: configs.set_on_topic,
        effective: configs.effective,
        partitions,
    }
}

/// A partition whose bounds are unknown keeps what is stored of it and gets nothing new.
fn go_on(
    stored: Option<super::resume::Stored>,
    bounds: Option<Bounds>,
    time: Timestamp,
    delete_retention_ms: Option<i64>,
) -> Continuation {
    let now = match (bounds, &stored) {
        (Some(Bounds { log_start, last_stable, high_watermark, .. }), _) => {
            Now { log_start, last_stable, high_watermark, time, delete_retention_ms }
        }
        (None, stored) => {
            let (first, next) = stored.as_ref().map_or((0, 0), |stored| (stored.first, stored.next));
            Now { log_start: first, last_stable: next, high_watermark: next, time, delete_retention_ms: None }
        }
    };
    Continuation::new(stored, now)
}
