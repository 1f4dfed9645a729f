//! Which snapshot a run continues, and whose left-over seals it may take over. `prune` may be at work meanwhile: what a run
//! builds on is written down before it is read, and looked at again; then it stays.

use std::collections::{BTreeMap, BTreeSet};

use super::error::BackupError;
use crate::model::{Selection, Timestamp};
use crate::repository::format::{Parent, Seal, SnapshotHead};
use crate::repository::{Repository, RepositoryError, Run, TAKE_OVER_FOR, began};

/// How many snapshots back a run looks for one with its own selection.
const LOOK_BACK: usize = 64;
/// How often a snapshot may be pruned while a run is about to continue it.
const ATTEMPTS: usize = 8;

/// The run that asks.
#[derive(Debug)]
pub(super) enum OwnRun<'a> {
    /// It will write.
    Real(&'a Run),
    /// It only looks: its id.
    Dry(&'a str),
}

impl OwnRun<'_> {
    /// Its id.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Real(run) => run.id(),
            Self::Dry(id) => id,
        }
    }

    fn announce(&self, continues: Vec<Parent>) -> Result<bool, RepositoryError> {
        match self {
            Self::Real(run) => run.announce(continues),
            Self::Dry(_) => Ok(true),
        }
    }
}

/// The newest snapshots of one cluster.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// The newest with the run's selection, or the newest at all.
    pub(super) parent: Option<(Parent, SnapshotHead)>,
    /// Runs of the snapshots that were looked at.
    pub(super) runs: BTreeMap<String, Parent>,
    /// Runs up to this one were taken into account by one of them.
    horizon: String,
}

impl Past {
    /// Finds the snapshot to continue and writes down that it is continued.
    pub(super) fn find(
        repository: &Repository,
        cluster_id: &str,
        selection: &Selection,
        run: &OwnRun<'_>,
    ) -> Result<Self, BackupError> {
        repository.forget_parts();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let past = Self::look(repository, cluster_id, selection)?;
            let parent: Vec<Parent> = past.parent.iter().map(|(parent, _)| parent.clone()).collect();
            if run.announce(parent)? {
                return Ok(past);
            }
            if attempts == ATTEMPTS {
                let (sequence, location) =
                    (past.parent.map_or(0, |(parent, _)| parent.sequence), repository.location().to_owned());
                return Err(RepositoryError::NoSuchSnapshot { sequence, location }.into());
            }
        }
    }

    /// Only snapshots of this cluster count: another one may have given its topics the same names, or no ids at all.
    fn look(repository: &Repository, cluster_id: &str, selection: &Selection) -> Result<Self, BackupError> {
        let mut past = Self::default();
        for sequence in repository.snapshots()?.into_iter().rev().take(LOOK_BACK) {
            let snapshot = match repository.head(sequence) {
                // Pruned since it was listed.
                Err(RepositoryError::NoSuchSnapshot { .. }) => continue,
                snapshot => snapshot?,
            };
            let parent = snapshot.as_parent();
            let head = snapshot.head;
            if head.cluster_id != cluster_id {
                continue;
            }
            past.runs.insert(head.run.clone(), parent.clone());
            if head.run_horizon > past.horizon {
                past.horizon.clone_from(&head.run_horizon);
            }
            let same = head.selection == *selection;
            if same || past.parent.is_none() {
                past.parent = Some((parent, head));
            }
            if same {
                break;
            }
        }
        Ok(past)
    }

    /// Left-over seals that stay although `prune` may be at work: of snapshots, which are written down as continued; of
    /// runs that none of them took into account; and of runs that were cut off not long ago.
    pub(super) fn usable(&self, seals: Vec<Seal>, run: &OwnRun<'_>) -> Result<Vec<Seal>, BackupError> {
        if seals.is_empty() {
            return Ok(seals);
        }
        let now = Timestamp::now();
        let recent = |run: &str| {
            let age = began(run).map_or(i64::MAX, |began| now.0.saturating_sub(began.0));
            // One that seems to begin later than now is as old as nobody knows.
            (0..TAKE_OVER_FOR.as_millis() as i64).contains(&age)
        };
        let mut seals = seals;
        seals.retain(|seal| {
            let run = seal.writer.run.as_str();
            self.runs.contains_key(run) || run > self.horizon.as_str() || recent(run)
        });
        let of: BTreeSet<&str> = seals.iter().map(|seal| seal.writer.run.as_str()).collect();
        let parent: Vec<Parent> = self.parent.iter().map(|(parent, _)| parent.clone()).collect();
        let snapshots: Vec<Parent> = of.iter().filter_map(|run| self.runs.get(*run)).cloned().collect();
        if !snapshots.is_empty() && !run.announce([parent.clone(), snapshots].concat())? {
            // One of them was pruned this moment: what is fetched again costs time only. The last word counts.
            run.announce(parent)?;
            seals.retain(|seal| !self.runs.contains_key(seal.writer.run.as_str()));
        }
        if let OwnRun::Real(run) = run {
            seals.chunks(RECORDED).try_for_each(|seals| run.record(seals.to_vec()))?;
        }
        Ok(seals)
    }
}

/// Seals in one batch of the journal.
const RECORDED: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing::{self, CLUSTER};
    use crate::store::MemoryStore;

    #[test]
    fn of_a_run_that_seems_to_begin_later_than_now_nobody_knows_how_old_it_is() {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(CLUSTER).unwrap();
        let seal =
            testing::segment(&repository, &run, testing::start("orders", 0, &run, None), &[testing::batch(0, 1)]);
        let past = Past { horizon: "9999".to_owned(), ..Past::default() };
        let usable = |run: &str| {
            let mut seal = seal.clone();
            seal.writer.run = run.to_owned();
            past.usable(vec![seal], &OwnRun::Dry("other")).unwrap().len()
        };
        assert_eq!(usable(run.id()), 1, "it was cut off just now");
        assert_eq!(usable("20361122T170000123Z-1a2b3c4d"), 0);
        assert_eq!(usable("20161122T170000123Z-1a2b3c4d"), 0);
    }

    #[test]
    fn a_run_continues_its_own_cluster_and_selection() {
        let repository = testing::repository(MemoryStore::new());
        let selections =
            ["all", "some"].map(|topic| Selection { topics: vec![topic.to_owned()], ..Selection::default() });
        let commit = |cluster: &str, selection: &Selection| {
            let head = testing::head("20261122T170000123Z-1a2b3c4d");
            let head = SnapshotHead { cluster_id: cluster.to_owned(), selection: selection.clone(), ..head };
            repository.commit(head).unwrap();
        };
        let parent = |cluster: &str, selection: &Selection| {
            Past::look(&repository, cluster, selection).unwrap().parent.map(|(parent, _)| parent.sequence)
        };
        let [all, some] = &selections;
        assert_eq!(parent("old", all), None);
        commit("old", all);
        commit("old", some);
        assert_eq!((parent("old", all), parent("old", some)), (Some(1), Some(2)));
        assert_eq!(parent("new", all), None, "another cluster's snapshot is nobody's parent");
        commit("new", some);
        assert_eq!(parent("new", all), Some(3), "though that one has the same selection");
        assert_eq!(parent("old", all), Some(1), "an old cluster that is adopted again goes on where it was");
    }
}
