//! Brings a snapshot into a cluster: plan -> execute -> report.
//!
//! Invariants: nothing is changed before the plan stands and is written down; a record is produced once, under one
//! producer id whose sequence is the count of records; every acknowledged batch lies where the plan has it; offsets
//! are committed after the data is complete and read back; the topics' own settings come last.

mod begin;
mod coalesce;
mod configs;
mod cut;
mod error;
mod execute;
mod former;
mod groups;
mod hold;
mod limits;
mod link;
mod log_end;
mod options;
mod plan;
mod preserve;
mod produce;
mod readers;
mod records;
mod release;
mod rename;
mod report;
mod reposition;
mod rights;
mod sending;
mod settings;
mod source;
mod state;
mod target;
mod topics;
mod translate;
mod wide;

pub use crate::repository::format::RestoreCut;
pub use cut::PartitionCut;
pub use error::RestoreError;
pub use options::{OutOfRange, RestoreOptions, SnapshotChoice, TopicConfigOverride};
pub use preserve::{Need, PreservePartition, PreservePlan, Preserving};
pub use release::{ReleaseReport, ReleasedTopic, release};
pub use rename::{InvalidRename, Rename, Renames};
pub use report::{
    Adjusted, ConfigLeftOut, Lost, PlannedGroupReport, PlannedTopicReport, RestorePlanReport, RestoreReport,
    RestoredGroup, RestoredTopic,
};
pub use source::Admitted;
pub use wide::{SettingLine, SettingsChoice, SettingsOnlyReport, SettingsReport, Standing, settings_only};

use former::Former;

use crate::model::Timestamp;
use crate::verb;

/// What a restore works with.
pub type Context<'a> = verb::Context<'a, RestoreOptions>;

/// Restores what the options select: begins, goes on where an earlier attempt was cut off, or says that it is done.
pub async fn restore(context: Context<'_>) -> Result<RestoreReport, RestoreError> {
    let Context { cluster, repository, options, .. } = context;
    let started = Timestamp::now();
    let mut plan = plan::read(cluster, repository, options).await?;
    let states = state::states(repository, options);
    let key = state::key(&plan, options);
    let _lock = states.lock(&key)?;
    let state = match former::find(cluster, &states, &key).await? {
        Former::Finished(former) => {
            let report = former::report(&former.0, former.1)?;
            wide::covered(&report.settings, options.settings)?;
            return Ok(report);
        }
        Former::Unfinished(state) => {
            begin::go_on(context, &states, &mut plan, &state, &key).await?;
            *state
        }
        Former::None => begin::begin(context, &states, &mut plan, key, started).await?,
    };
    execute::execute(context, plan, state).await
}

/// What a restore would do.
pub async fn dry_run(context: Context<'_>) -> Result<RestorePlanReport, RestoreError> {
    let Context { cluster, repository, options, .. } = context;
    let mut plan = plan::read(cluster, repository, options).await?;
    let states = state::states(repository, options);
    let key = state::key(&plan, options);
    match former::find(cluster, &states, &key).await? {
        Former::Finished(former) => {
            plan.notes.insert(0, format!("it was finished at {}: nothing would be changed", former.1.finished));
        }
        Former::Unfinished(state) => {
            begin::go_on(context, &states, &mut plan, &state, &key).await?;
            plan.notes.insert(0, format!("it was begun at {} and not finished: it would go on", state.started()));
        }
        Former::None => begin::check(context, &states, &mut plan, &key).await?,
    }
    Ok(RestorePlanReport::new(&plan))
}
