//! Copies snapshots into another repository: select -> plan -> execute -> report.
//!
//! A copy is a snapshot of its own in the target: its head is made anew and says where it comes from, and its lists of
//! segments mirror those of the original, part by part. So what the next copy may share is found by comparing the
//! original with the one that was copied before, and a copy costs what is new.
//!
//! Invariants: bytes are compared with their digest on the way and read back once they have their name; segments are
//! durable and written down in `runs/` before a part names them, parts before the head names them; what is damaged in
//! the source is named and no snapshot that needs it is copied. Nothing is written to the source. Calls block.

mod error;
mod execute;
#[cfg(test)]
mod form_tests;
mod forms;
mod heads;
mod horizon;
mod journal;
mod known;
mod options;
mod pairs;
mod plan;
mod pool;
mod report;
mod segment;
mod select;
#[cfg(test)]
mod tests;
mod topics;

use std::fmt;

pub use error::CopyError;
pub use options::CopyOptions;
pub use report::{CopiedSnapshot, CopyPlan, CopyReport, NotCopied, PlannedSnapshot};

use crate::cancel::Cancel;
use crate::model::Timestamp;
use crate::progress::Progress;
use crate::repository::Repository;

/// What a copy works with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where the snapshots are.
    pub source: &'a Repository,
    /// Where they shall be too.
    pub target: &'a Repository,
    /// Which.
    pub options: &'a CopyOptions,
    /// Who watches.
    pub progress: &'a dyn Progress,
    /// Who may stop it.
    pub cancel: &'a Cancel,
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("source", self.source).field("target", self.target).finish_non_exhaustive()
    }
}

/// Copies what the options select and the target lacks. Holds locks in the target while it runs: of this
/// source, and the one of `prune`.
pub fn copy(context: Context<'_>) -> Result<CopyReport, CopyError> {
    let started = Timestamp::now();
    let to_target = |source| CopyError::target(context.target, source);
    let _lock = context.target.lock("copy", &context.source.document().repository_id).map_err(to_target)?;
    // What is shared must not be pruned before it is named again.
    let _no_prune = context.target.lock("prune", &()).map_err(to_target)?;
    let selected = select::select(context)?;
    context.progress.note("comparing the repositories");
    let plan = plan::plan(context, &selected)?;
    context.progress.total(plan.stored_bytes, plan.partitions);
    context.progress.note("copying");
    execute::execute(context, selected, started)
}

/// What a copy would do.
pub fn dry_run(context: Context<'_>) -> Result<CopyPlan, CopyError> {
    let selected = select::select(context)?;
    plan::plan(context, &selected)
}
