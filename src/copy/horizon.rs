//! Up to which run of the target nothing is left to take over, once a copy is committed.

use super::select::Selected;
use super::{Context, journal};
use crate::repository::{Repository, RepositoryError, layout};

/// The horizon for the head of the copy that `own` made: runs that ended with a snapshot, and copies from this source,
/// of which no other is alive, are done with. Any other may be a backup under way.
pub(super) fn after(context: Context<'_>, selected: &Selected, own: &str) -> Result<String, RepositoryError> {
    let tag = journal::tag(context.source);
    let mut after = selected.run_horizon.clone();
    for run in context.target.store().children(Some(&layout::folder(layout::RUNS)?))? {
        if run.as_str() <= after.as_str() || run.as_str() >= own {
            continue;
        }
        if !selected.runs.contains(&run) && !is_tagged(context.target, &run, &tag)? {
            return Ok(after);
        }
        after = run;
    }
    Ok(after.max(own.to_owned()))
}

/// Whether a run is a copy with this tag. One that cannot be read may be anything.
fn is_tagged(target: &Repository, run: &str, tag: &str) -> Result<bool, RepositoryError> {
    let Some(first) = target.store().list(Some(&layout::run(run)?))?.into_iter().next() else { return Ok(false) };
    match target.seal_batch(&first.key) {
        Err(error) if error.is_damage() => Ok(false),
        batch => Ok(batch?.cluster_id == tag),
    }
}
