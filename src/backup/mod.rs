//! Takes a snapshot of a cluster: plan -> execute -> report.
//!
//! Invariants: groups are read before fences are taken, fences before data is fetched; a segment is sealed and
//! journaled before a snapshot names it; the snapshot's head is the last thing written. A killed run leaves whole,
//! journaled segments, which the next one takes over, and unfinished files, which nothing refers to.
//! Nothing on the cluster is changed, and no record is decoded but what tells the offsets in wrappers of formats v0 and v1.

mod configs;
mod error;
mod execute;
mod fences;
mod fetch;
mod groups;
mod hanging;
mod history;
mod lane;
mod options;
mod partition;
mod past;
mod plan;
mod report;
mod resume;
mod selection;
mod settings;
mod view;
mod writers;

pub use error::BackupError;
pub use options::{BackupOptions, FenceAt};
pub use report::{
    AdoptedFrom, BackupReport, CommittedSnapshot, Note, PlanReport, PlannedTopicReport, SettingsReport, StopReason,
};
pub use selection::Chooser;

use crate::model::Timestamp;
use crate::verb;

/// What a backup works with.
pub type Context<'a> = verb::Context<'a, BackupOptions>;

/// Backs up what the options select. Holds the lock of its selection while it runs.
pub async fn backup(context: Context<'_>) -> Result<BackupReport, BackupError> {
    let started = Timestamp::now();
    must_be_possible(context)?;
    let _lock = context.repository.lock("backup", &context.options.selection)?;
    let run = context.repository.begin_run(&context.cluster.cluster_id())?;
    let own = past::OwnRun::Real(&run);
    let plan = plan::plan(context.cluster, context.repository, context.options, &own, context.progress).await?;
    execute::execute(context, plan, run, started).await
}

/// What a backup would do.
pub async fn dry_run(context: Context<'_>) -> Result<PlanReport, BackupError> {
    must_be_possible(context)?;
    let run = context.repository.begin_run(&context.cluster.cluster_id())?;
    let own = past::OwnRun::Dry(run.id());
    let plan = plan::plan(context.cluster, context.repository, context.options, &own, context.progress).await?;
    Ok(PlanReport::new(&plan, context.repository.free_space()))
}

/// Before anything is fetched that could not be signed in the end.
fn must_be_possible(context: Context<'_>) -> Result<(), BackupError> {
    let key = context.options.sign_key.as_ref();
    Ok(key.map_or(Ok(()), |_| context.repository.must_be_signable())?)
}
