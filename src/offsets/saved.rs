//! What commits wrote down: those of restores, and those of this verb.

use super::error::OffsetsError;
use crate::model::Timestamp;
use crate::repository::format::{OffsetsCommit, OffsetsUndone, SavedGroup, SavedGroups};
use crate::repository::{RestoreFolder, RestoreStates};

/// Documents of a restore: what the target had before, what was committed.
const RESTORE_BEFORE: &str = "groups-before.json";
const RESTORE_COMMITTED: &str = "groups.json";
const RESTORE_UNDONE: &str = "groups-undone.json";
/// Documents of a commit without a restore.
const COMMIT: &str = "commit.json";
const UNDONE: &str = "undone.json";

/// A commit of offsets that can be undone.
#[derive(Debug)]
pub(super) struct Commit {
    /// When what was there before was read.
    pub(super) saved: Timestamp,
    /// What was there before.
    pub(super) before: Vec<SavedGroup>,
    /// What was committed.
    pub(super) wanted: Vec<SavedGroup>,
    /// Whose it was, in words.
    pub(super) what: String,
    folder: RestoreFolder,
    undone: &'static str,
}

impl Commit {
    /// Writes down that it was undone.
    pub(super) fn put_undone(&self) -> Result<(), OffsetsError> {
        Ok(self.folder.put(self.undone, &OffsetsUndone { undone: Timestamp::now() })?)
    }
}

/// Writes down what a commit is about to replace. Gives the folder.
pub(super) fn begin(states: &RestoreStates, commit: &OffsetsCommit) -> Result<RestoreFolder, OffsetsError> {
    let folder = states.begin_offsets()?;
    folder.put(COMMIT, commit)?;
    Ok(folder)
}

/// The newest commit to a cluster that was not undone, or the newest that a restore's map was used for.
pub(super) fn newest(
    states: &RestoreStates,
    cluster: &str,
    restore: Option<&str>,
) -> Result<Option<Commit>, OffsetsError> {
    let mut commits = Vec::new();
    for folder in states.all()? {
        let fits = folder.plan()?.key.target_cluster_id == cluster && restore.is_none_or(|id| id == folder.id());
        if fits && folder.get::<OffsetsUndone>(RESTORE_UNDONE)?.is_none() {
            commits.extend(of_restore(folder)?);
        }
    }
    for folder in states.offsets()? {
        let Some(commit) = folder.get::<OffsetsCommit>(COMMIT)? else { continue };
        let fits =
            commit.target_cluster_id == cluster && restore.is_none_or(|id| commit.restore.as_deref() == Some(id));
        if fits && folder.get::<OffsetsUndone>(UNDONE)?.is_none() {
            let what = format!("the commit {}", folder.id());
            let OffsetsCommit { saved, before, wanted, .. } = commit;
            commits.push(Commit { saved, before, wanted, what, folder, undone: UNDONE });
        }
    }
    Ok(commits.into_iter().max_by_key(|one| one.saved))
}

/// A restore that was cut off while it committed ends that when it is run again; until then nobody knows what it did.
fn of_restore(folder: RestoreFolder) -> Result<Option<Commit>, OffsetsError> {
    let before = folder.get::<SavedGroups>(RESTORE_BEFORE)?;
    let committed = folder.get::<SavedGroups>(RESTORE_COMMITTED)?;
    let (Some(before), Some(committed)) = (before, committed) else { return Ok(None) };
    Ok(Some(Commit {
        saved: before.saved,
        before: before.groups,
        wanted: committed.groups,
        what: format!("restore {}", folder.id()),
        folder,
        undone: RESTORE_UNDONE,
    }))
}
