//! The repository's part: whether it can be written to, how much room there is, and what the newest snapshot holds.

use std::collections::BTreeMap;

use super::report::{RepositoryState, SnapshotState};
use crate::model::{GroupId, Selection, Timestamp, TopicId, TopicName};
use crate::repository::format::SnapshotHead;
use crate::repository::{Repository, RepositoryError, Snapshot};
use crate::store::Key;

/// How many snapshots back one with the same selection, or a complete one, is looked for.
const LOOK_BACK: usize = 64;
/// What is written to see whether it is possible.
const PROBE: &[u8] = b"ktape check";

/// What the newest snapshot has, as far as later looks want to know.
#[derive(Debug, Default)]
pub(super) struct Saved {
    /// When its fences were taken.
    pub fences_taken: Option<Timestamp>,
    /// Its topics.
    pub topics: BTreeMap<TopicName, SavedTopic>,
    /// Its groups, ascending.
    pub groups: Vec<GroupId>,
}

/// One topic of the newest snapshot.
#[derive(Debug)]
pub(super) struct SavedTopic {
    /// Its id then.
    pub id: TopicId,
    /// First offset of each partition that is not saved.
    pub next: BTreeMap<i32, i64>,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub state: RepositoryState,
    pub saved: Saved,
}

/// Looks at the repository. Blocks.
pub(super) fn look(
    repository: &Repository,
    cluster_id: Option<&str>,
    selection: &Selection,
    now: Timestamp,
) -> Result<Found, RepositoryError> {
    let numbers = repository.snapshots()?;
    let newest_of_all = repository.latest()?;
    let newest = newest(repository, &numbers, cluster_id, selection)?;
    let saved = newest.as_ref().map_or_else(|| Ok(Saved::default()), |newest| saved(repository, &newest.head))?;
    let state = RepositoryState {
        location: repository.location().to_owned(),
        repository_id: repository.document().repository_id.clone(),
        not_writable: not_writable(repository),
        free_bytes: repository.free_space(),
        snapshots: numbers.len(),
        newest_cluster_id: newest_of_all.map(|snapshot| snapshot.head.cluster_id),
        newest: newest.map(|newest| snapshot(newest, selection, now)),
        last_success: last_success(repository)?,
    };
    Ok(Found { state, saved })
}

/// When the newest snapshot that holds all it should was taken.
pub(super) fn last_success(repository: &Repository) -> Result<Option<Timestamp>, RepositoryError> {
    for sequence in repository.snapshots()?.into_iter().rev().take(LOOK_BACK) {
        let head = repository.head(sequence)?.head;
        if head.incomplete.iter().all(|one| one.accepted) {
            return Ok(Some(head.fences_taken));
        }
    }
    Ok(None)
}

/// The newest snapshot that the next backup would continue: of this cluster, with this selection if there is one.
fn newest(
    repository: &Repository,
    numbers: &[u64],
    cluster_id: Option<&str>,
    selection: &Selection,
) -> Result<Option<Snapshot>, RepositoryError> {
    let mut other = None;
    for sequence in numbers.iter().rev().take(LOOK_BACK) {
        let snapshot = repository.head(*sequence)?;
        if cluster_id.is_some_and(|id| id != snapshot.head.cluster_id) {
            continue;
        }
        if snapshot.head.selection == *selection {
            return Ok(Some(snapshot));
        }
        other.get_or_insert(snapshot);
    }
    Ok(other)
}

fn snapshot(snapshot: Snapshot, selection: &Selection, now: Timestamp) -> SnapshotState {
    let Snapshot { id, head } = snapshot;
    let age = now.0.saturating_sub(head.fences_taken.0).max(0);
    SnapshotState {
        sequence: head.sequence,
        id,
        fences_taken: head.fences_taken,
        committed: head.committed,
        age_seconds: age as u64 / 1_000,
        same_selection: head.selection == *selection,
        topics: head.totals.topics,
        partitions: head.totals.partitions,
        groups: head.totals.groups,
        bytes: head.totals.bytes,
        incomplete: head.incomplete,
    }
}

fn saved(repository: &Repository, head: &SnapshotHead) -> Result<Saved, RepositoryError> {
    let groups = repository.group_names(head)?.groups;
    let mut groups: Vec<GroupId> = groups.into_iter().map(|group| group.id).collect();
    groups.sort();
    let mut saved = Saved { fences_taken: Some(head.fences_taken), topics: BTreeMap::new(), groups };
    for topic in repository.topics(head)? {
        let topic = topic?;
        let next = topic.partitions.iter().map(|one| (one.partition, one.next)).collect();
        saved.topics.insert(topic.name, SavedTopic { id: topic.id, next });
    }
    Ok(saved)
}

/// Writes some bytes that never get a name. What is unfinished is removed at once, and by the next backup after a kill.
fn not_writable(repository: &Repository) -> Option<String> {
    let attempt =
        || -> Result<(), RepositoryError> { Ok(repository.store().try_writing(&Key::new(PROBE_FOLDER)?, PROBE)?) };
    attempt().err().map(|error| crate::model::describe(&error))
}

/// Where it would be, had it a name.
const PROBE_FOLDER: &str = "snapshots";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing::{self, CLUSTER};
    use crate::store::{MemoryStore, Store};

    fn look_at(repository: &Repository, cluster_id: &str) -> RepositoryState {
        look(repository, Some(cluster_id), &Selection::default(), Timestamp::now()).unwrap().state
    }

    #[test]
    fn a_repository_without_a_snapshot_says_so_and_stays_as_it_is() {
        let store = MemoryStore::new();
        let repository = testing::repository(store.clone());
        let before = store.list(None).unwrap();
        let state = look_at(&repository, CLUSTER);
        assert_eq!((state.snapshots, state.newest.is_none(), state.not_writable), (0, true, None));
        assert_eq!(store.list(None).unwrap(), before);
    }

    #[test]
    fn only_snapshots_of_the_cluster_count() {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(CLUSTER).unwrap();
        let made = testing::commit(&repository, &run, None, vec![testing::topic("orders", Vec::new())]);
        let state = look_at(&repository, CLUSTER);
        assert_eq!(state.newest.map(|newest| newest.id), Some(made.id));
        let other = look_at(&repository, "another");
        assert!(other.newest.is_none() && other.newest_cluster_id.as_deref() == Some(CLUSTER));
    }
}
