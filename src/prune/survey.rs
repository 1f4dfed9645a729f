//! What there is: heads of snapshots, runs that may be under way, restores that have not ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::policy::{Dated, KeepReason};
use crate::model::{Selection, Timestamp};
use crate::repository::format::{Parent, SealBatch};
use crate::repository::{Repository, RepositoryError, Seen, Snapshot, layout};
use crate::store::{Key, ObjectInfo};

/// What is remembered of a head.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) dated: Dated,
    pub(super) id: String,
    pub(super) run: String,
    pub(super) cluster_id: String,
    pub(super) selection: Selection,
    pub(super) bytes: u64,
    horizon: String,
}

impl Head {
    fn new(snapshot: Snapshot) -> Self {
        let Snapshot { id, head } = snapshot;
        let dated = Dated { sequence: head.sequence, taken: head.fences_taken, complete: head.incomplete.is_empty() };
        Self {
            dated,
            id,
            run: head.run,
            cluster_id: head.cluster_id,
            selection: head.selection,
            bytes: head.totals.bytes,
            horizon: head.run_horizon,
        }
    }

    pub(super) fn sequence(&self) -> u64 {
        self.dated.sequence
    }

    /// How what builds on it names it.
    pub(super) fn as_parent(&self) -> Parent {
        Parent { sequence: self.sequence(), id: self.id.clone() }
    }
}

/// All heads, ascending. One that cannot be read is an error: nobody knows what it names.
pub(super) fn heads(repository: &Repository) -> Result<Vec<Head>, RepositoryError> {
    let mut heads = Vec::new();
    for sequence in repository.snapshots()? {
        match repository.head(sequence) {
            Ok(snapshot) => heads.push(Head::new(snapshot)),
            Err(RepositoryError::NoSuchSnapshot { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(heads)
}

/// What must stay besides snapshots, and why some of these must.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Snapshots that runs or restores under way need.
    pub(super) snapshots: BTreeMap<(u64, String), BTreeSet<KeepReason>>,
    /// Objects that runs have sealed and no snapshot names yet.
    objects: Seen,
    /// What was written from then on may be a run's that is under way, by the store's clock.
    pub(super) since: Option<Timestamp>,
    /// Runs that may be under way and build on what is gone, or say something that cannot be read.
    pub(super) unclear: Vec<String>,
    /// Journals of runs that are of no use to anybody.
    pub(super) done: Vec<ObjectInfo>,
}

impl Held {
    pub(super) fn holds(&self, object: &str) -> bool {
        self.objects.contains(object)
    }

    /// Why a snapshot is held.
    pub(super) fn reasons(&self, head: &Head) -> Option<&BTreeSet<KeepReason>> {
        self.snapshots.get(&(head.sequence(), head.id.clone()))
    }

    fn hold(&mut self, parent: Parent, reason: KeepReason) {
        self.snapshots.entry((parent.sequence, parent.id)).or_default().insert(reason);
    }
}

/// Looks at runs and restores. `now` is the store's clock.
pub(super) fn held(
    repository: &Repository,
    heads: &[Head],
    patience: Duration,
    now: Timestamp,
) -> Result<Held, RepositoryError> {
    let mut held = Held::default();
    restores(repository, &mut held)?;
    let committed: BTreeSet<&str> = heads.iter().map(|head| head.run.as_str()).collect();
    let newest_run = heads.iter().map(|head| head.run.as_str()).max();
    // What the newest snapshot of a cluster took into account, as the next backup sees it.
    let horizons: BTreeMap<&str, &str> =
        heads.iter().map(|head| (head.cluster_id.as_str(), head.horizon.as_str())).collect();
    for run in repository.store().children(Some(&layout::folder(layout::RUNS)?))? {
        if committed.contains(run.as_str()) {
            continue;
        }
        let journal = repository.store().list(Some(&layout::run(&run)?))?;
        let Some(newest) = journal.iter().map(|info| info.modified).max() else { continue };
        let young = now.0.saturating_sub(newest.0) < i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        // The clock may have jumped since it began. Run ids rise whatever the clock does: as long as no snapshot is of a later
        // run, this one may be under way however old it looks.
        let alive = young || newest_run.is_none_or(|newest| run.as_str() > newest);
        let run = Journal::read(repository, &run, &journal)?;
        let pending = horizons.get(run.cluster_id.as_str()).is_none_or(|horizon| run.id.as_str() > *horizon);
        if alive || (pending && !run.seals.is_empty()) {
            run.seals.iter().for_each(|object| {
                held.objects.insert(object.as_str());
            });
        } else {
            held.done.extend(journal);
            continue;
        }
        if alive {
            let began = journal.iter().map(|info| info.modified).min();
            held.since = held.since.into_iter().chain(began).min();
            let known = |parent: &Parent| heads.iter().any(|head| head.as_parent() == *parent);
            if run.damaged || !run.continues.iter().all(known) {
                held.unclear.push(run.id);
            }
            run.continues.into_iter().for_each(|parent| held.hold(parent, KeepReason::Run));
        }
    }
    Ok(held)
}

/// A restore that has not ended goes on with its snapshot. One whose snapshot is gone holds nothing.
fn restores(repository: &Repository, held: &mut Held) -> Result<(), RepositoryError> {
    for restore in repository.restore_states().all()? {
        match restore.done().and_then(|done| if done.is_some() { Ok(None) } else { restore.plan().map(Some) }) {
            Ok(None) => {}
            Ok(Some(plan)) => {
                held.hold(Parent { sequence: plan.snapshot, id: plan.key.snapshot_id }, KeepReason::Restore);
            }
            Err(error) if error.is_damage() => held.unclear.push(restore.path().to_owned()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What a run wrote down.
#[derive(Debug, Default)]
struct Journal {
    id: String,
    cluster_id: String,
    seals: Vec<String>,
    continues: Vec<Parent>,
    damaged: bool,
}

impl Journal {
    fn read(repository: &Repository, id: &str, journal: &[ObjectInfo]) -> Result<Self, RepositoryError> {
        let mut read = Self { id: id.to_owned(), ..Self::default() };
        for info in journal {
            match repository.seal_batch(&info.key) {
                Ok(batch) => read.add(batch),
                Err(error) if error.is_damage() => read.damaged = true,
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn add(&mut self, batch: SealBatch) {
        self.cluster_id = batch.cluster_id;
        self.seals.extend(batch.seals.into_iter().map(|seal| seal.object));
        // The last word counts.
        if !batch.continues.is_empty() {
            self.continues = batch.continues;
        }
    }
}

/// The store's clock: when an object that is written now was written.
pub(super) fn clock(repository: &Repository) -> Result<Timestamp, RepositoryError> {
    let key: Key = layout::clock()?;
    repository.store().put(&key, b"{}")?;
    let info = repository.store().info(&key)?.ok_or_else(|| RepositoryError::Missing { object: key.to_string() })?;
    Ok(info.modified)
}
