//! List: which snapshots a repository holds.

use std::collections::HashMap;

use serde::Serialize;

use crate::model::Timestamp;
use crate::repository::format::{FormatVersion, SnapshotHead};
use crate::repository::{Repository, RepositoryError, Snapshot};

/// The snapshots of a repository.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListReport {
    /// The repository's id.
    pub repository_id: String,
    /// Where it lies.
    pub location: String,
    /// Its format.
    pub format: FormatVersion,
    /// When `init` made it.
    pub created: Timestamp,
    /// The snapshots, ascending.
    pub snapshots: Vec<ListedSnapshot>,
    /// How fast it grows; none where that cannot be told from two snapshots of different times.
    pub growth: Option<Growth>,
    /// Snapshots whose head cannot be read, ascending.
    pub unreadable: Vec<UnreadableSnapshot>,
}

/// How much was added after the first snapshot of the list.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Growth {
    /// Milliseconds from the fences of the first snapshot to those of the last.
    pub over_ms: u64,
    /// Plain bytes that were new in those after the first.
    pub new_bytes: u64,
    /// The same for a day of 24 hours.
    pub new_bytes_per_day: u64,
}

impl Growth {
    fn of(snapshots: &[ListedSnapshot]) -> Option<Self> {
        let (first, rest) = snapshots.split_first()?;
        let over_ms = u64::try_from(rest.last()?.fences_taken.0.checked_sub(first.fences_taken.0)?).ok()?;
        let new_bytes = rest.iter().fold(0_u64, |sum, one| sum.saturating_add(one.new_bytes));
        let per_day = u128::from(new_bytes) * 86_400_000 / u128::from(over_ms).max(1);
        let new_bytes_per_day = u64::try_from(per_day).ok()?;
        (over_ms > 0).then_some(Self { over_ms, new_bytes, new_bytes_per_day })
    }
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedSnapshot {
    /// Number.
    pub sequence: u64,
    /// Id: digest of the head.
    pub id: String,
    /// When its run began.
    pub started: Timestamp,
    /// When it was committed.
    pub committed: Timestamp,
    /// Milliseconds in between.
    pub duration_ms: u64,
    /// When its data ends: the fences were taken.
    pub fences_taken: Timestamp,
    /// Cluster it was taken from.
    pub cluster_id: String,
    /// Number of the snapshot it continues, if any.
    pub parent: Option<u64>,
    /// Topics.
    pub topics: u64,
    /// Partitions.
    pub partitions: u64,
    /// Consumer groups.
    pub groups: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of record batches.
    pub bytes: u64,
    /// Bytes that its parent did not have.
    pub new_bytes: u64,
    /// How much larger it is than its parent, which may be negative: retention deletes; none where the parent is gone.
    pub growth_bytes: Option<i64>,
    /// Records that its parent did not have.
    pub new_records: u64,
    /// Whether it is all that it should be.
    pub complete: bool,
    /// How many reasons there are why it is not; `show` lists them.
    pub losses: usize,
}

/// A snapshot whose head cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreadableSnapshot {
    /// Number.
    pub sequence: u64,
    /// Why.
    pub problem: String,
}

impl ListedSnapshot {
    /// The first eight digits of the id.
    pub fn short_id(&self) -> &str {
        self.id.get(..8).unwrap_or(&self.id)
    }
}

impl From<Snapshot> for ListedSnapshot {
    fn from(snapshot: Snapshot) -> Self {
        let Snapshot { id, head } = snapshot;
        let SnapshotHead { sequence, started, committed, fences_taken, cluster_id, parent, incomplete, totals, .. } =
            head;
        Self {
            sequence,
            id,
            started,
            committed,
            duration_ms: committed.0.saturating_sub(started.0).max(0) as u64,
            fences_taken,
            cluster_id,
            parent: parent.map(|parent| parent.sequence),
            growth_bytes: None,
            topics: totals.topics,
            partitions: totals.partitions,
            groups: totals.groups,
            segments: totals.segments,
            bytes: totals.bytes,
            new_bytes: totals.new_bytes,
            new_records: totals.new_records,
            complete: incomplete.is_empty(),
            losses: incomplete.len(),
        }
    }
}

/// Lists the snapshots. Reads heads only; one that is damaged or too new is listed as such.
pub fn list(repository: &Repository) -> Result<ListReport, RepositoryError> {
    let document = repository.document();
    let mut report = ListReport {
        repository_id: document.repository_id.clone(),
        location: repository.location().to_owned(),
        format: document.format,
        created: document.created,
        snapshots: Vec::new(),
        growth: None,
        unreadable: Vec::new(),
    };
    for sequence in repository.snapshots()? {
        match repository.head(sequence) {
            Ok(snapshot) => report.snapshots.push(snapshot.into()),
            Err(error) if error.is_damage() || matches!(error, RepositoryError::NewerFormat { .. }) => {
                report.unreadable.push(UnreadableSnapshot { sequence, problem: error.to_string() });
            }
            // Pruned since it was listed.
            Err(RepositoryError::NoSuchSnapshot { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    compare(&mut report.snapshots);
    report.growth = Growth::of(&report.snapshots);
    Ok(report)
}

/// Each with its parent, which stands before it.
fn compare(snapshots: &mut [ListedSnapshot]) {
    let sizes: HashMap<u64, u64> = snapshots.iter().map(|one| (one.sequence, one.bytes)).collect();
    for one in snapshots {
        let before = one.parent.and_then(|parent| sizes.get(&parent));
        one.growth_bytes = before.and_then(|before| i64::try_from(i128::from(one.bytes) - i128::from(*before)).ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::layout;
    use crate::repository::testing::{self, CLUSTER};
    use crate::store::{MemoryStore, Store};

    #[test]
    fn snapshots_are_listed_and_a_damaged_one_is_told() {
        let store = MemoryStore::new();
        let repository = testing::repository(store.clone());
        assert!(list(&repository).unwrap().snapshots.is_empty());
        let run = repository.begin_run(CLUSTER).unwrap();
        let first = testing::commit(&repository, &run, None, vec![testing::topic("orders", Vec::new())]);
        testing::commit(&repository, &run, Some(&first), Vec::new());
        store.put(&layout::snapshot(3).unwrap(), b"{}").unwrap();
        let report = list(&repository).unwrap();
        let [one, two] = report.snapshots.as_slice() else { panic!("{report:?}") };
        assert_eq!((one.sequence, one.topics, one.groups, one.complete), (1, 1, 1, true));
        assert_eq!((one.growth_bytes, two.growth_bytes, report.growth), (None, Some(0), None));
        assert_eq!((two.sequence, two.parent, one.short_id()), (2, Some(1), &first.id[..8]));
        assert_eq!(report.unreadable.len(), 1);
        assert!(report.unreadable[0].problem.starts_with("snapshots/0000000003.json is damaged"));
    }

    #[test]
    fn growth_is_told_for_a_day() {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(CLUSTER).unwrap();
        let mut parent = None;
        for (hours, new_bytes) in [(0, 1000), (6, 300), (12, 200)] {
            let snapshot = testing::commit_with(&repository, &run, parent.as_ref(), Vec::new(), |head| {
                (head.started, head.fences_taken) = (Timestamp(0), Timestamp(hours * 3_600_000));
                (head.totals.new_bytes, head.totals.bytes) = (new_bytes, 2_000 - new_bytes);
            });
            parent = Some(snapshot);
        }
        let report = list(&repository).unwrap();
        let growth = report.growth.unwrap();
        assert_eq!((growth.over_ms, growth.new_bytes, growth.new_bytes_per_day), (12 * 3_600_000, 500, 1000));
        let compared: Vec<_> = report.snapshots.iter().map(|one| one.growth_bytes).collect();
        assert_eq!(compared, [None, Some(700), Some(100)]);
        assert!(report.snapshots[2].duration_ms > 1_700_000_000_000);
    }
}
