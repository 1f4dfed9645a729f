//! Which snapshots to copy, and which the target has already.

use std::collections::{BTreeSet, HashMap};

use super::heads::{self, Note};
use super::known::{Killed, identity};
use super::{Context, CopyError, journal};
use crate::repository::Snapshot;
use crate::repository::format::Origin;

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
    let (theirs, ours) = (source.document().digest, target.document().digest);
    if theirs != ours {
        return Err(CopyError::OtherDigests { from, to, theirs, ours });
    }
    if options.sign_key.is_some() {
        target.must_be_signable().map_err(|error| CopyError::target(target, error))?;
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
    let theirs = target.snapshots().and_then(|numbers| heads::notes(target, &numbers));
    let theirs = theirs.map_err(|error| CopyError::target(target, error))?;
    let ours = heads::notes(source, &all).map_err(of_source)?;
    if let Some(newest) = theirs.last()
        && newest.origin.repository_id != *repository_id
        && !ours.iter().any(|note| note.cluster_id == newest.cluster_id)
    {
        return Err(CopyError::OtherCluster { from, to, found: newest.cluster_id.clone() });
    }
    let mut selected = Selected { newest: theirs.last().map(|newest| newest.sequence), ..Selected::default() };
    let mut last_run = String::new();
    let copies: HashMap<&Origin, &Note> = theirs.iter().map(|note| (&note.origin, note)).collect();
    for note in &ours {
        if let Some(copy) = copies.get(&note.origin) {
            selected.copies.insert(note.sequence, copy.sequence);
            last_run = last_run.max(copy.run.clone());
        }
    }
    selected.run_horizon = theirs.iter().map(|note| note.run_horizon.clone()).max().unwrap_or_default();
    selected.runs = theirs.into_iter().map(|note| note.run).collect();
    let left = target.left_over_seals(&journal::tag(source), &last_run, "");
    let (seals, _) = left.map_err(|error| CopyError::target(target, error))?;
    selected.killed = seals.into_iter().map(|seal| (identity(&seal), seal)).collect();
    let (there, lacking): (Vec<u64>, Vec<u64>) =
        wanted.into_iter().partition(|sequence| selected.copies.contains_key(sequence));
    (selected.to_copy, selected.already_there) = (lacking, there.len() as u64);
    Ok(selected)
}
