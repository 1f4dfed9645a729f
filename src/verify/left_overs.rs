//! What no snapshot names. Killed runs leave it; it does no harm, and only takes room.

use super::merged;
use super::report::{Finding, FindingKind, LeftOver, LeftOverKind, VerifyReport};
use crate::repository::format::SealBatch;
use crate::repository::{Repository, RepositoryError, Seen, Snapshot, layout};
use crate::store::{Key, ObjectInfo};

/// Lists what is there, one topic at a time, and names what is not referenced.
pub(super) fn find(
    repository: &Repository,
    referenced: &Seen,
    heads: &[Snapshot],
    report: &mut VerifyReport,
) -> Result<(), RepositoryError> {
    let store = repository.store();
    let resumable = resumable(repository, heads)?;
    for name in store.children(None)? {
        match name.as_str() {
            layout::REPOSITORY | layout::LOCKS | layout::RESTORES | layout::TOOL | "lost+found" => {}
            layout::TOPICS => {
                let folder = layout::folder(layout::TOPICS)?;
                for topic in store.children(Some(&folder))? {
                    let Ok(folder) = folder.join(&topic) else { continue };
                    for objects in merged::by_folder(objects(repository, &folder)?).into_values() {
                        let holding = holding(repository, &objects, referenced)?;
                        for object in objects.iter().filter(|object| !holding.contains(object.key.as_str())) {
                            leave(object, segment_kind(object, &resumable), referenced, report);
                        }
                    }
                }
            }
            layout::INDEX => leave_all(repository, &name, LeftOverKind::Part, referenced, report)?,
            layout::TEMPORARY => leave_all(repository, &name, LeftOverKind::Unfinished, referenced, report)?,
            layout::RUNS => check_runs(repository, report)?,
            layout::SNAPSHOTS => {
                for object in objects(repository, &layout::folder(&name)?)? {
                    if let Some(kind) = beside_heads(object.key.name(), heads) {
                        leave(&object, kind, referenced, report);
                    }
                }
            }
            _ => leave_all(repository, &name, LeftOverKind::Unknown, referenced, report)?,
        }
    }
    Ok(())
}

/// What lies among the heads and is neither a head nor a head's signature.
fn beside_heads(name: &str, heads: &[Snapshot]) -> Option<LeftOverKind> {
    if layout::snapshot_number(name).is_some() {
        return None;
    }
    match layout::signature_number(name) {
        Some(number) if heads.iter().any(|snapshot| snapshot.head.sequence == number) => None,
        Some(_) => Some(LeftOverKind::Signature),
        None => Some(LeftOverKind::Unknown),
    }
}

/// Merged objects that hold something a snapshot names, and their documents.
fn holding(repository: &Repository, objects: &[ObjectInfo], referenced: &Seen) -> Result<Seen, RepositoryError> {
    let mut holding = Seen::default();
    for object in repository.merged_objects(objects)?.0 {
        if object.document.pieces.iter().any(|piece| referenced.contains(piece.object.as_str())) {
            holding.insert(object.key.as_str());
            holding.insert(object.document_key.as_str());
        }
    }
    Ok(holding)
}

/// A folder's objects, or the one object of that name.
fn objects(repository: &Repository, key: &Key) -> Result<Vec<ObjectInfo>, RepositoryError> {
    let mut objects = repository.store().list(Some(key))?;
    objects.extend(repository.store().info(key)?);
    Ok(objects)
}

fn leave_all(
    repository: &Repository,
    name: &str,
    kind: LeftOverKind,
    referenced: &Seen,
    report: &mut VerifyReport,
) -> Result<(), RepositoryError> {
    let Ok(key) = layout::folder(name) else { return Ok(()) };
    for object in objects(repository, &key)? {
        leave(&object, kind, referenced, report);
    }
    Ok(())
}

fn leave(object: &ObjectInfo, kind: LeftOverKind, referenced: &Seen, report: &mut VerifyReport) {
    if !referenced.contains(object.key.as_str()) {
        report.leave(LeftOver { object: object.key.to_string(), size: object.size, kind });
    }
}

fn segment_kind(object: &ObjectInfo, resumable: &Seen) -> LeftOverKind {
    if resumable.contains(object.key.as_str()) {
        LeftOverKind::Resumable
    } else if layout::is_segment_name(object.key.name()) || layout::is_pieces_name(object.key.name()) {
        LeftOverKind::Segment
    } else {
        LeftOverKind::Unknown
    }
}

/// Segments of runs that no snapshot has looked at yet.
fn resumable(repository: &Repository, heads: &[Snapshot]) -> Result<Seen, RepositoryError> {
    let mut resumable = Seen::default();
    let mut clusters: Vec<&str> = heads.iter().map(|snapshot| snapshot.head.cluster_id.as_str()).collect();
    clusters.sort_unstable();
    clusters.dedup();
    for cluster in clusters {
        let of_cluster = heads.iter().filter(|snapshot| snapshot.head.cluster_id == cluster);
        let horizon = of_cluster.map(|snapshot| snapshot.head.run_horizon.as_str()).max().unwrap_or_default();
        for seal in repository.left_over_seals(cluster, horizon, "")?.0 {
            resumable.insert(seal.object.as_str());
        }
    }
    if heads.is_empty() {
        for seal in repository.all_run_seals()? {
            resumable.insert(seal.object.as_str());
        }
    }
    Ok(resumable)
}

/// A batch says whose journal it is part of.
fn belongs(key: &Key, batch: &SealBatch, report: &mut VerifyReport) {
    let folder = key.as_str().split('/').nth(1).unwrap_or_default();
    if let Some(run) = batch.run.as_ref().filter(|run| run.as_str() != folder) {
        let detail = format!("it is of the journal of run {run}");
        report.find(Finding::new(FindingKind::Contradiction, key.as_str(), detail));
    }
}

/// Batches of seals must be readable too.
fn check_runs(repository: &Repository, report: &mut VerifyReport) -> Result<(), RepositoryError> {
    for object in repository.store().list(Some(&layout::folder(layout::RUNS)?))? {
        match repository.seal_batch(&object.key) {
            // Pruned since it was listed.
            Err(RepositoryError::Missing { .. }) => {}
            Ok(batch) => belongs(&object.key, &batch, report),
            Err(error) => report.find_error(error)?,
        }
    }
    Ok(())
}
