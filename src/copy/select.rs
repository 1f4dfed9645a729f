//! Which snapshots to copy, and which the target has already.

use std::collections::{BTreeSet, HashMap};

use super::known::{Killed, identity};
use super::{Context, CopyError, journal};
use crate::repository::format::{Origin, SnapshotHead};
use crate::repository::{Repository, RepositoryError, Snapshot};

/// What there is to do.
#[derive(Debug, Default)]
pub(super) struct Selected {
    /// Numbers of the source's snapshots that the target lacks, ascending.
    pub(super) to_copy: Vec<u64>,
    /// How many of the selection it has.
    pub(super) already_there: u64,
    /// Numbers of the copies that it has of snapshots of the source, by the numbers of these.
    pub(super) copies: HashMap<u64, u64>,
    /// Newest snapshot of the target.
    pub(super) newest: Option<u64>,
    /// Runs of the target that ended with a snapshot.
    pub(super) runs: BTreeSet<String>,
    /// The largest horizon of runs that they name.
    pub(super) run_horizon: String,
    /// What copies from this source that were cut off had written down.
    pub(super) killed: Killed,
}

/// Where a snapshot comes from, itself if it is no copy.
pub(super) fn origin_of(snapshot: &Snapshot) -> Origin {
    let head = &snapshot.head;
    head.origin.clone().unwrap_or_else(|| Origin {
        repository_id: head.repository_id.clone(),
        sequence: head.sequence,
        id: snapshot.id.clone(),
    })
}

/// Compares the heads of both repositories.
pub(super) fn select(context: Context<'_>) -> Result<Selected, CopyError> {
    let Context { source, target, options, .. } = context;
    let (from, to) = (source.location().to_owned(), target.location().to_owned());
    let repository_id = &source.document().repository_id;
    if *repository_id == target.document().repository_id {
        return Err(CopyError::SameRepository { from, to, repository_id: repository_id.clone() });
    }
    let of_source = |error| CopyError::source(source, error);
    let all = source.snapshots().map_err(of_source)?;
    let wanted = match options.snapshot {
        None => all.clone(),
        Some(choice) => source.choose(choice).map_err(of_source)?.map(|one| one.head.sequence).into_iter().collect(),
    };
    if wanted.is_empty() {
        return Err(CopyError::NoSnapshot { location: from });
    }
    let held = held(target).map_err(|error| CopyError::target(target, error))?;
    let mut selected = Selected { newest: held.newest.as_ref().map(|head| head.sequence), ..Selected::default() };
    let (mut clusters, mut last_run) = (BTreeSet::new(), String::new());
    for sequence in all {
        let origin = match source.head(sequence) {
            // It is named when it shall be copied.
            Err(error) if error.is_damage() => continue,
            Err(RepositoryError::NoSuchSnapshot { .. }) => continue,
            snapshot => {
                let snapshot = snapshot.map_err(of_source)?;
                clusters.insert(snapshot.head.cluster_id.clone());
                origin_of(&snapshot)
            }
        };
        if let Some((copy, run)) = held.copies.get(&(origin.repository_id, origin.sequence, origin.id)) {
            selected.copies.insert(sequence, *copy);
            last_run = last_run.max(run.clone());
        }
    }
    if let Some(newest) = held.newest.filter(|newest| !clusters.contains(&newest.cluster_id)) {
        return Err(CopyError::OtherCluster { from, to, found: newest.cluster_id });
    }
    let left = target.left_over_seals(&journal::tag(source), &last_run, "");
    let (seals, _) = left.map_err(|error| CopyError::target(target, error))?;
    selected.killed = seals.into_iter().map(|seal| (identity(&seal), seal)).collect();
    (selected.runs, selected.run_horizon) = (held.runs, held.run_horizon);
    let (there, lacking): (Vec<u64>, Vec<u64>) =
        wanted.into_iter().partition(|sequence| selected.copies.contains_key(sequence));
    (selected.to_copy, selected.already_there) = (lacking, there.len() as u64);
    Ok(selected)
}

/// Repository, number and id of an original.
type OriginKey = (String, u64, String);

/// What the heads of the target say.
struct Held {
    /// Number of each copy and the run that made it, by its original.
    copies: HashMap<OriginKey, (u64, String)>,
    newest: Option<SnapshotHead>,
    runs: BTreeSet<String>,
    run_horizon: String,
}

/// Reads one head after the other. One that is damaged is no copy of anything.
fn held(target: &Repository) -> Result<Held, RepositoryError> {
    let mut held = Held { copies: HashMap::new(), newest: None, runs: BTreeSet::new(), run_horizon: String::new() };
    for sequence in target.snapshots()? {
        let snapshot = match target.head(sequence) {
            Err(error) if error.is_damage() => continue,
            Err(RepositoryError::NoSuchSnapshot { .. }) => continue,
            snapshot => snapshot?,
        };
        let Origin { repository_id, sequence: number, id } = origin_of(&snapshot);
        held.copies.insert((repository_id, number, id), (sequence, snapshot.head.run.clone()));
        held.runs.insert(snapshot.head.run.clone());
        held.run_horizon = held.run_horizon.max(snapshot.head.run_horizon.clone());
        held.newest = Some(snapshot.head);
    }
    Ok(held)
}
