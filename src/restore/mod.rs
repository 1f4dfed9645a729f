//! Brings a snapshot into a cluster: plan -> execute -> report.
//!
//! Invariants: nothing is changed before the plan stands and is written down; a record is produced once, under one
//! producer id whose sequence is the count of records; every acknowledged batch lies where the plan has it; offsets
//! are committed after the data is complete and read back; the topics' own settings come last.

mod configs;
mod cut;
mod error;
mod execute;
mod groups;
mod hold;
mod limits;
mod link;
mod log_end;
mod options;
mod plan;
mod produce;
mod readers;
mod release;
mod rename;
mod report;
mod reposition;
mod sending;
mod settings;
mod source;
mod state;
mod target;
mod translate;

pub use crate::repository::format::RestoreCut;
pub use cut::PartitionCut;
pub use error::RestoreError;
pub use options::{OutOfRange, RestoreOptions, SnapshotChoice, TopicConfigOverride};
pub use release::{ReleaseReport, ReleasedTopic, release};
pub use rename::{InvalidRename, Rename, Renames};
pub use report::{
    Adjusted, ConfigLeftOut, Lost, PlannedGroupReport, PlannedTopicReport, RestorePlanReport, RestoreReport,
    RestoredGroup, RestoredTopic,
};
pub use source::Admitted;

use crate::model::Timestamp;
use crate::verb;

/// What a restore works with.
pub type Context<'a> = verb::Context<'a, RestoreOptions>;

/// Restores what the options select.
pub async fn restore(context: Context<'_>) -> Result<RestoreReport, RestoreError> {
    let started = Timestamp::now();
    let _lock = context.repository.lock("restore", &context.cluster.cluster_id())?;
    let plan = plan::plan(context.cluster, context.repository, context.options).await?;
    execute::execute(context, plan, started).await
}

/// What a restore would do.
pub async fn dry_run(context: Context<'_>) -> Result<RestorePlanReport, RestoreError> {
    let plan = plan::plan(context.cluster, context.repository, context.options).await?;
    Ok(RestorePlanReport::new(&plan))
}
