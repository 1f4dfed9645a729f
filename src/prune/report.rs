//! What prune did, or would do.

use std::collections::BTreeSet;

use serde::Serialize;

use super::policy::{KeepReason, Policy};
use super::survey::Head;
use crate::model::{Selection, Timestamp};
use crate::repository::Repository;

/// Objects that are listed one by one; more are only counted.
const LISTED_MAX: usize = 1000;

/// The result of a prune.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PruneReport {
    /// The repository's id.
    pub repository_id: String,
    /// Where it lies.
    pub location: String,
    /// Nothing was changed: this is what would be done.
    pub dry_run: bool,
    /// False where it was stopped before the end.
    pub complete: bool,
    /// The rules.
    pub policy: Policy,
    /// Unnamed objects younger than this stay, in seconds.
    pub grace_seconds: u64,
    /// Snapshots that stay, ascending, and why.
    pub kept: Vec<KeptSnapshot>,
    /// Snapshots that are removed, ascending.
    pub removed: Vec<RemovedSnapshot>,
    /// Objects removed.
    pub freed: Freed,
    /// Objects that nothing names and that stay for now: too young, or a backup under way may need them.
    pub waiting: Count,
    /// What was merged.
    pub merged: Merged,
    /// Objects that could not be removed, and why.
    pub stuck: Vec<Stuck>,
    /// How many there are in all.
    pub stuck_total: u64,
    /// Worth knowing.
    pub remarks: Vec<String>,
}

/// A snapshot that stays.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptSnapshot {
    /// Its number.
    pub sequence: u64,
    /// Its id.
    pub id: String,
    /// When its data ends.
    pub taken: Timestamp,
    /// Cluster it was taken from.
    pub cluster_id: String,
    /// What it was asked to take: the rules hold for each selection apart.
    pub selection: Selection,
    /// Why it stays.
    pub reasons: BTreeSet<KeepReason>,
}

/// A snapshot that is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemovedSnapshot {
    /// Its number.
    pub sequence: u64,
    /// Its id.
    pub id: String,
    /// When its data ends.
    pub taken: Timestamp,
    /// Bytes of its logs, most of which other snapshots may share.
    pub bytes: u64,
}

/// Objects and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How many.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Objects removed, by what they were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Freed {
    /// Segments that no snapshot names.
    pub segments: Count,
    /// Segments that lie in a merged object as well, and merged objects that were merged again, with their documents.
    pub merged: Count,
    /// Parts that no snapshot names.
    pub parts: Count,
    /// Journals of runs, and signatures of snapshots that are gone.
    pub others: Count,
}

/// What was merged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Segments whose bytes were copied.
    pub pieces: u64,
    /// Objects they lay in before.
    pub from: u64,
    /// Objects they lie in now.
    pub into: u64,
    /// Bytes copied.
    pub bytes: u64,
}

/// An object that could not be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stuck {
    /// Its name.
    pub object: String,
    /// What the store said.
    pub reason: String,
}

impl Count {
    pub(super) fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

impl Freed {
    /// All of it.
    pub fn total(&self) -> Count {
        let all = [self.segments, self.merged, self.parts, self.others];
        all.iter().fold(Count::default(), |sum, one| Count {
            objects: sum.objects + one.objects,
            bytes: sum.bytes.saturating_add(one.bytes),
        })
    }
}

impl PruneReport {
    pub(super) fn new(repository: &Repository, policy: Policy, grace_seconds: u64, dry_run: bool) -> Self {
        Self {
            repository_id: repository.document().repository_id.clone(),
            location: repository.location().to_owned(),
            dry_run,
            complete: false,
            policy,
            grace_seconds,
            kept: Vec::new(),
            removed: Vec::new(),
            freed: Freed::default(),
            waiting: Count::default(),
            merged: Merged::default(),
            stuck: Vec::new(),
            stuck_total: 0,
            remarks: Vec::new(),
        }
    }

    pub(super) fn keep(&mut self, head: &Head, reasons: BTreeSet<KeepReason>) {
        self.kept.push(KeptSnapshot {
            sequence: head.sequence(),
            id: head.id.clone(),
            taken: head.dated.taken,
            cluster_id: head.cluster_id.clone(),
            selection: head.selection.clone(),
            reasons,
        });
        self.kept.sort_by_key(|one| one.sequence);
    }

    pub(super) fn remove(&mut self, head: &Head) {
        let (sequence, id) = (head.sequence(), head.id.clone());
        self.removed.push(RemovedSnapshot { sequence, id, taken: head.dated.taken, bytes: head.bytes });
        self.removed.sort_by_key(|one| one.sequence);
    }

    pub(super) fn stick(&mut self, object: &str, reason: String) {
        self.stuck_total += 1;
        if self.stuck.len() < LISTED_MAX {
            self.stuck.push(Stuck { object: object.to_owned(), reason });
        }
    }

    pub(super) fn remark(&mut self, remark: impl Into<String>) {
        let remark = remark.into();
        if self.remarks.len() < LISTED_MAX && !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
}
