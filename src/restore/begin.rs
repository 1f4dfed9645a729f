//! The step from a plan to a restore that is under way: the target is asked, other restores are looked at, and the plan
//! is written down.

use std::time::{Duration, Instant};

use super::Context;
use super::error::RestoreError;
use super::former;
use super::plan::RestorePlan;
use super::preserve::{self, Producers};
use super::state::State;
use super::target::{self, SoFar};
use crate::batch::{Codec, CodecSet};
use crate::cluster::{Cluster, ProducerIdentity};
use crate::model::{Timestamp, TopicName};
use crate::repository::format::RestoreKey;
use crate::repository::{Lock, RepositoryError, RestoreStates};

/// How long another restore may take to write its plan down.
const DEADLINE: Duration = Duration::from_secs(30);
/// Pause between two attempts at the lock.
const PAUSE: Duration = Duration::from_millis(50);

/// Checks the target, and writes the plan down. Restores that begin at the same time do so one after the other, so each
/// sees what the others are about to do.
pub(super) async fn begin(
    context: Context<'_>,
    states: &RestoreStates,
    plan: &mut RestorePlan,
    key: RestoreKey,
    started: Timestamp,
) -> Result<State, RestoreError> {
    check(context, states, plan, &key).await?;
    let producer = context.cluster.init_producer_id().await?;
    let producers = producers(context, producer).await?;
    let codecs = target_codecs(context.cluster);
    let _one_at_a_time = alone(states, &key.target_cluster_id).await?;
    owned(context.cluster, states, &key, &targets(plan)).await?;
    let state = State::begin(states, key, plan, context.options, (producer, producers, codecs), started)?;
    // From now on `prune` sees that the snapshot is needed; it may have been removed a moment before.
    context.repository.head(plan.snapshot.head.sequence)?;
    Ok(state)
}

/// Asks the target whether it can take what the plan holds.
pub(super) async fn check(
    context: Context<'_>,
    states: &RestoreStates,
    plan: &mut RestorePlan,
    key: &RestoreKey,
) -> Result<(), RestoreError> {
    let checked = target::check(context.cluster, context.options, plan, SoFar::default()).await;
    if let Err(RestoreError::NotEmpty { topic, .. }) = &checked {
        owned(context.cluster, states, key, &[topic]).await?;
    }
    checked?;
    if context.options.preserve_offsets {
        preserve::decide(context.cluster, &mut plan.topics, |topic| topic.exists).await?;
    }
    owned(context.cluster, states, key, &targets(plan)).await
}

/// The same for a restore that goes on: what it has done itself is no hindrance.
pub(super) async fn go_on(
    context: Context<'_>,
    states: &RestoreStates,
    plan: &mut RestorePlan,
    state: &State,
    key: &RestoreKey,
) -> Result<(), RestoreError> {
    let so_far = SoFar { topics: state.topics.is_some(), groups: state.groups.is_some() };
    target::check(context.cluster, context.options, plan, so_far).await?;
    if context.options.preserve_offsets {
        match &state.topics {
            Some(topics) => preserve::recall(&mut plan.topics, topics),
            None => preserve::decide(context.cluster, &mut plan.topics, |topic| state.existed(&topic.target)).await?,
        }
    }
    if so_far.topics {
        return Ok(());
    }
    owned(context.cluster, states, key, &targets(plan)).await
}

/// A producer of its own for each part of a log whose offsets are preserved.
async fn producers(context: Context<'_>, data: ProducerIdentity) -> Result<Producers, RestoreError> {
    let mut producers = Producers { data: data.producer_id, filler: -1, markers: -1 };
    if context.options.preserve_offsets {
        producers.filler = context.cluster.init_producer_id().await?.producer_id;
        producers.markers = context.cluster.init_producer_id().await?.producer_id;
    }
    Ok(producers)
}

fn targets(plan: &RestorePlan) -> Vec<&TopicName> {
    plan.topics.iter().map(|topic| &topic.target).collect()
}

/// Refuses topics that another restore counts as its own.
async fn owned(
    cluster: &Cluster,
    states: &RestoreStates,
    key: &RestoreKey,
    targets: &[&TopicName],
) -> Result<(), RestoreError> {
    let metadata = cluster.refresh(&*cluster.metadata().await?).await?;
    former::owner(states, key, &metadata, targets)?.map_or(Ok(()), Err)
}

async fn alone(states: &RestoreStates, target_cluster_id: &str) -> Result<Lock, RestoreError> {
    let begun = Instant::now();
    loop {
        match states.lock_beginnings(target_cluster_id) {
            Err(RepositoryError::Locked { .. }) if begun.elapsed() < DEADLINE => tokio::time::sleep(PAUSE).await,
            lock => return Ok(lock?),
        }
    }
}

fn target_codecs(cluster: &Cluster) -> CodecSet {
    if cluster.features().zstd { CodecSet::ALL } else { CodecSet::ALL.without(Codec::Zstd) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_restore_that_begins_waits_for_one_that_is_about_to() {
        let folder = tempfile::tempdir().unwrap();
        let states = RestoreStates::in_folder(folder.path());
        let other = states.lock_beginnings("cluster-b").unwrap();
        let mine = alone(&states, "cluster-b");
        let begun = tokio::join!(mine, async {
            tokio::time::sleep(2 * PAUSE).await;
            drop(other);
        });
        assert!(begun.0.is_ok(), "{begun:?}");
    }
}
