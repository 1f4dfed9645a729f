//! Prune: removes snapshots that no rule keeps, then what nothing names any more; and merges small segments.
//!
//! Heads go first, oldest first, so that at any moment every head that exists has all it names. Then everything is looked
//! at anew, and what is neither named nor young goes. Safe beside backups, copies and restores without any lock:
//! - whoever builds on a snapshot writes that down (a run's journal, a restore's plan) and then looks whether the snapshot
//!   is still there; prune removes a head and then looks whether anybody wrote it down, and if so puts the head back. So one
//!   of the two always sees the other;
//! - what a run under way has written is younger than its first line in its journal, and is left alone;
//! - a run shares only parts of the snapshots it builds on; any other part it writes under a name of its own.
//!
//! Whatever cannot be read might name anything: then nothing is removed.

mod groups;
mod merge;
mod options;
mod policy;
mod references;
mod remover;
mod report;
mod survey;
mod sweep;

use std::collections::{BTreeMap, BTreeSet};

pub use options::PruneOptions;
pub use policy::{Dated, KeepReason, Policy};
pub use report::{Count, Freed, KeptSnapshot, Merged, PruneReport, RemovedSnapshot, Stuck};

use self::merge::Merge;
use self::references::References;
use self::remover::Remover;
use self::survey::Head;
use self::sweep::Sweep;
use crate::cancel::Cancel;
use crate::model::Timestamp;
use crate::progress::Progress;
use crate::repository::{Repository, RepositoryError, layout};
use crate::store::Key;

/// Heads removed before anybody is asked again who needs them.
const HEADS_AT_ONCE: usize = 64;

/// What would be done.
pub fn dry_run(
    repository: &Repository,
    options: &PruneOptions,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<PruneReport, RepositoryError> {
    let mut prune = Prune::new(repository, options, progress, cancel, true);
    let (mut all, keep) = prune.choose(Timestamp::now())?;
    all.extend(keep.iter().cloned());
    prune.merge(&keep)?;
    prune.sweep(&all, &keep, Timestamp::now())?;
    Ok(prune.report)
}

/// Does it. Holds the lock `prune` meanwhile.
pub fn prune(
    repository: &Repository,
    options: &PruneOptions,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<PruneReport, RepositoryError> {
    let _lock = repository.lock("prune", &())?;
    let mut prune = Prune::new(repository, options, progress, cancel, false);
    let (remove, keep) = prune.choose(survey::clock(repository)?)?;
    for heads in remove.chunks(HEADS_AT_ONCE) {
        if cancel.is_cancelled() {
            return Ok(prune.report);
        }
        prune.remove_heads(heads)?;
    }
    prune.merge(&keep)?;
    // From here on heads are as they are in the repository, whoever wrote them.
    let now = survey::clock(repository)?;
    let heads = survey::heads(repository)?;
    prune.sweep(&heads, &heads, now)?;
    Ok(prune.report)
}

struct Prune<'a> {
    repository: &'a Repository,
    options: &'a PruneOptions,
    progress: &'a dyn Progress,
    cancel: &'a Cancel,
    dry_run: bool,
    references: References,
    report: PruneReport,
}

impl<'a> Prune<'a> {
    fn new(
        repository: &'a Repository,
        options: &'a PruneOptions,
        progress: &'a dyn Progress,
        cancel: &'a Cancel,
        dry_run: bool,
    ) -> Self {
        let report = PruneReport::new(repository, options.policy, options.grace.as_secs(), dry_run);
        Self { repository, options, progress, cancel, dry_run, references: References::default(), report }
    }

    /// Which snapshots go, oldest first, and which stay. All that the latter name is read: if it cannot be, nothing is
    /// removed at all.
    fn choose(&mut self, now: Timestamp) -> Result<(Vec<Head>, Vec<Head>), RepositoryError> {
        self.progress.note("reading snapshots");
        let heads = survey::heads(self.repository)?;
        let held = survey::held(self.repository, &heads, self.options.hold, now)?;
        let mut groups: BTreeMap<(String, String), Vec<Head>> = BTreeMap::new();
        for head in heads {
            let selection = format!("{:?}", head.selection);
            groups.entry((head.cluster_id.clone(), selection)).or_default().push(head);
        }
        let (mut remove, mut keep) = (Vec::new(), Vec::new());
        for heads in groups.into_values() {
            let dated: Vec<Dated> = heads.iter().map(|head| head.dated).collect();
            for (head, mut reasons) in heads.into_iter().zip(self.options.policy.reasons(&dated)) {
                reasons.extend(held.reasons(&head).into_iter().flatten());
                if reasons.is_empty() {
                    if self.dry_run {
                        self.report.remove(&head);
                    }
                    remove.push(head);
                } else {
                    self.report.keep(&head, reasons);
                    keep.push(head);
                }
            }
        }
        remove.sort_by_key(Head::sequence);
        self.refer_to(&keep)?;
        Ok((remove, keep))
    }

    fn refer_to(&mut self, heads: &[Head]) -> Result<(), RepositoryError> {
        for head in heads {
            match self.repository.head(head.sequence()) {
                Ok(snapshot) => self.references.add(self.repository, &snapshot.id, &snapshot.head)?,
                Err(RepositoryError::NoSuchSnapshot { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Removes heads, then looks whether somebody began to build on one of them, and puts that one back.
    fn remove_heads(&mut self, heads: &[Head]) -> Result<(), RepositoryError> {
        let remover = Remover { repository: self.repository, dry_run: false };
        let store = self.repository.store();
        let mut gone = Vec::new();
        for head in heads {
            let key = layout::snapshot(head.sequence())?;
            let bytes = store.get(&key)?;
            // The journal first: without a head it would look like that of a run under way.
            for journal in store.list(Some(&layout::run(&head.run)?))? {
                remover.remove(&journal.key, journal.size, &mut self.report, |report| &mut report.freed.others)?;
            }
            if remover.delete(&key, &mut self.report)? {
                gone.push((head, key, bytes));
            } else {
                self.report.keep(head, BTreeSet::new());
            }
        }
        let there = survey::heads(self.repository)?;
        let held = survey::held(self.repository, &there, self.options.hold, survey::clock(self.repository)?)?;
        for (head, key, bytes) in gone {
            match held.reasons(head) {
                Some(reasons) => {
                    put_back(self.repository, &key, &bytes)?;
                    self.report.keep(head, reasons.clone());
                }
                None => self.report.remove(head),
            }
        }
        Ok(())
    }

    fn merge(&mut self, heads: &[Head]) -> Result<(), RepositoryError> {
        let below = self.options.merge_below;
        if below == 0 || !self.repository.may_merge() {
            return Ok(());
        }
        self.progress.note("merging small segments");
        let (progress, cancel) = (self.progress, self.cancel);
        let mut merge = Merge::new(self.repository, &self.references, below, self.dry_run, progress, cancel);
        merge.run(heads, &mut self.report)
    }

    /// Removes what neither the heads that stay nor anybody under way names.
    fn sweep(&mut self, all: &[Head], heads: &[Head], now: Timestamp) -> Result<(), RepositoryError> {
        if self.cancel.is_cancelled() {
            return Ok(());
        }
        self.progress.note("looking for what nothing names");
        let held = survey::held(self.repository, all, self.options.hold, now)?;
        let heads = if self.dry_run { heads.to_vec() } else { survey::heads(self.repository)? };
        self.refer_to(&heads)?;
        if !held.unclear.is_empty() {
            let names = held.unclear.join(", ");
            self.report.remark(format!(
                "nothing is removed but snapshots: it cannot be told what {names} needs, which may be under way"
            ));
            self.report.complete = true;
            return Ok(());
        }
        let grace = i64::try_from(self.options.grace.as_millis()).unwrap_or(i64::MAX);
        let cutoff = Timestamp(now.0.saturating_sub(grace)).min(held.since.unwrap_or(Timestamp(i64::MAX)));
        let numbers: BTreeSet<u64> = heads.iter().map(Head::sequence).collect();
        let sweep = Sweep {
            remover: Remover { repository: self.repository, dry_run: self.dry_run },
            references: &self.references,
            held: &held,
            cutoff,
            stays: &|number| numbers.contains(&number),
            cancel: self.cancel,
        };
        sweep.run(&mut self.report)?;
        self.report.complete = !self.cancel.is_cancelled();
        Ok(())
    }
}

fn put_back(repository: &Repository, key: &Key, bytes: &[u8]) -> Result<(), RepositoryError> {
    match repository.store().put_if_absent(key, bytes) {
        Err(error) if error.is_already_exists() => Ok(()),
        result => Ok(result?),
    }
}

#[cfg(test)]
mod tests;
