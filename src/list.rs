//! List: which snapshots a repository holds.

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
    /// Snapshots whose head cannot be read, ascending.
    pub unreadable: Vec<UnreadableSnapshot>,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedSnapshot {
    /// Number.
    pub sequence: u64,
    /// Id: digest of the head.
    pub id: String,
    /// When it was committed.
    pub committed: Timestamp,
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
        let SnapshotHead { sequence, committed, fences_taken, cluster_id, parent, incomplete, totals, .. } = head;
        Self {
            sequence,
            id,
            committed,
            fences_taken,
            cluster_id,
            parent: parent.map(|parent| parent.sequence),
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
        unreadable: Vec::new(),
    };
    for sequence in repository.snapshots()? {
        match repository.head(sequence) {
            Ok(snapshot) => report.snapshots.push(snapshot.into()),
            Err(error) if error.is_damage() || matches!(error, RepositoryError::NewerFormat { .. }) => {
                report.unreadable.push(UnreadableSnapshot { sequence, problem: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(report)
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
        assert_eq!((two.sequence, two.parent, one.short_id()), (2, Some(1), &first.id[..8]));
        assert_eq!(report.unreadable.len(), 1);
        assert!(report.unreadable[0].problem.starts_with("snapshots/0000000003.json is damaged"));
    }
}
