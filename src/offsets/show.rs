//! The committed offsets of a snapshot, beside those of a restore of it.

use super::error::OffsetsError;
use super::options::ShowOptions;
use super::report::ShowReport;
use super::{position, restored, translate};
use crate::repository::{Repository, RestoreStates, SnapshotChoice};

/// Finds out. Blocks.
pub fn show(
    repository: &Repository,
    states: &RestoreStates,
    options: &ShowOptions,
) -> Result<ShowReport, OffsetsError> {
    let named = options.restore.as_deref().map(|id| restored::by_id(states, id)).transpose()?;
    let choice = match (&options.snapshot, &named) {
        (None, Some(restored)) => SnapshotChoice::Number(restored.plan.snapshot),
        (choice, _) => choice.unwrap_or(SnapshotChoice::Latest),
    };
    let snapshot = repository.choose(choice)?.ok_or(OffsetsError::NoSnapshot)?;
    let restored = match named {
        Some(named) if named.plan.key.snapshot_id != snapshot.id => {
            let (found, wanted) = (named.plan.snapshot, snapshot.head.sequence);
            return Err(OffsetsError::OtherSnapshot { restore: named.id().to_owned(), found, wanted });
        }
        Some(named) => Some(named),
        None => restored::newest(states, |plan| plan.key.snapshot_id == snapshot.id)?,
    };
    let mut positions = position::of_snapshot(repository, &snapshot, &options.selection)?;
    if let Some(restored) = &restored {
        translate::by_restore(restored, &mut positions)?;
    }
    Ok(ShowReport {
        snapshot: snapshot.head.sequence,
        snapshot_id: snapshot.id,
        captured: snapshot.head.groups_captured,
        source_cluster_id: snapshot.head.cluster_id,
        restore: restored.as_ref().map(|one| one.id().to_owned()),
        target_cluster_id: restored.map(|one| one.plan.key.target_cluster_id),
        offsets: positions,
    })
}
