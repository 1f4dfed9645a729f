//! A rehearsal of a restore: a snapshot is restored under a scratch prefix, compared record by record and group by
//! group, and what was made is removed again.
//!
//! Invariants: nothing is deleted but topics that a drill created, by their ids as its restore wrote them down, and
//! groups that had nothing committed before under that prefix. What a drill that was killed left is removed by the next one
//! into the same cluster; only one works there at a time. What was made is removed on every way out.

mod error;
mod names;
mod options;
mod remove;
mod report;

pub use error::DrillError;
pub use options::DrillOptions;
pub use report::{DrillReport, DrillResult, Former, Left, Removed, Restored};

use std::time::Instant;

use crate::compare::{self, CompareOptions};
use crate::model::Timestamp;
use crate::repository::{RestoreFolder, RestoreStates, SnapshotChoice};
use crate::restore::{self, RestoreOptions, TopicConfigOverride};
use crate::verb;

/// What a drill works with.
pub type Context<'a> = verb::Context<'a, DrillOptions>;

/// Rehearses. An error means that nothing was made; what went wrong later is in the report.
pub async fn drill(context: Context<'_>) -> Result<DrillReport, DrillError> {
    let Context { cluster, repository, options, progress, .. } = context;
    let started = Timestamp::now();
    let states = match &options.state {
        Some(folder) => RestoreStates::in_folder(folder),
        None => repository.restore_states(),
    };
    let _alone = states.lock_drills(&cluster.cluster_id())?;
    let snapshot = names::snapshot(context)?;
    let mut report = DrillReport::begin(&snapshot, cluster.cluster_id(), &options.prefix, started);
    names::are_legal(context, &snapshot)?;
    progress.note("looking for what earlier drills left");
    report.former = remove::former(cluster, &states, progress).await?;
    names::are_free(context).await?;
    let error = rehearse(context, &states, snapshot.head.sequence, &mut report).await.err();
    report.finish(error);
    Ok(report)
}

/// Restores and compares, and removes what was made whatever came of it.
async fn rehearse(
    context: Context<'_>,
    states: &RestoreStates,
    snapshot: u64,
    report: &mut DrillReport,
) -> Result<(), DrillError> {
    let tried = restore_and_compare(context, states, snapshot, report).await;
    let Some(folder) = mine(states, &context.options.prefix, report)? else { return tried };
    if context.options.keep {
        remove::write_kept(&folder)?;
        report.kept = true;
        return tried;
    }
    context.progress.note("removing the scratch topics and groups");
    let began = Instant::now();
    let removed = remove::remove(context.cluster, &folder, true).await;
    report.remove_ms = millis(began);
    // What went wrong first is the cause.
    tried.and(removed.map(|removed| report.removed = removed))
}

async fn restore_and_compare(
    context: Context<'_>,
    states: &RestoreStates,
    snapshot: u64,
    report: &mut DrillReport,
) -> Result<(), DrillError> {
    let Context { cluster, repository, options, progress, cancel } = context;
    let began = Instant::now();
    let restoring = restoring(options, snapshot);
    let restored =
        restore::restore(restore::Context { cluster, repository, options: &restoring, progress, cancel }).await;
    report.restore_ms = millis(began);
    report.restored(&restored?);
    let Some(folder) = mine(states, &options.prefix, report)? else { return Ok(()) };
    let began = Instant::now();
    let comparing = CompareOptions {
        snapshot: SnapshotChoice::Number(snapshot),
        selection: options.selection.clone(),
        state: options.state.clone(),
        restore: Some(folder.path().to_owned()),
        ..CompareOptions::default()
    };
    let compared =
        compare::compare(compare::Context { cluster, repository, options: &comparing, progress, cancel }).await;
    report.compare_ms = millis(began);
    report.comparison = Some(compared?);
    Ok(())
}

/// As a restore in earnest, under other names; and nothing is deleted or compacted before it was compared.
fn restoring(options: &DrillOptions, snapshot: u64) -> RestoreOptions {
    let keep =
        |name: &str, value: &str| TopicConfigOverride { topic: None, name: name.to_owned(), value: value.to_owned() };
    RestoreOptions {
        snapshot: SnapshotChoice::Number(snapshot),
        selection: options.selection.clone(),
        renames: names::renames(&options.prefix),
        replication_factor: options.replication_factor,
        topic_configs: vec![
            keep("cleanup.policy", "delete"),
            keep("retention.ms", "-1"),
            keep("retention.bytes", "-1"),
        ],
        group_prefix: Some(options.prefix.clone()),
        state: options.state.clone(),
        drill: true,
        ..RestoreOptions::default()
    }
}

/// The folder of this drill's restore; `None` if it was not even begun.
fn mine(states: &RestoreStates, prefix: &str, report: &DrillReport) -> Result<Option<RestoreFolder>, DrillError> {
    for folder in states.all()?.into_iter().rev() {
        let plan = folder.plan()?;
        let here = plan.key.target_cluster_id == report.cluster_id && plan.started >= report.started;
        if plan.drill && here && plan.key.group_prefix.as_deref() == Some(prefix) {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

fn millis(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
