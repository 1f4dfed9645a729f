//! What the heads of a repository say, read several at a time: each is a request of its own in an object store.

use std::thread;

use super::select::origin_of;
use crate::repository::format::Origin;
use crate::repository::{Repository, RepositoryError};

/// Heads read at the same time.
const THREADS: usize = 8;

/// What a copy wants to know of a snapshot.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) sequence: u64,
    pub(super) cluster_id: String,
    pub(super) run: String,
    pub(super) run_horizon: String,
    pub(super) origin: Origin,
}

/// Notes of these snapshots in their order, without those that are damaged or gone.
pub(super) fn notes(repository: &Repository, numbers: &[u64]) -> Result<Vec<Note>, RepositoryError> {
    let share = numbers.len().div_ceil(THREADS).max(1);
    let read: Vec<_> = thread::scope(|scope| {
        let begin = |numbers| scope.spawn(move || some(repository, numbers));
        let threads: Vec<_> = numbers.chunks(share).map(begin).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut notes = Vec::with_capacity(numbers.len());
    for read in read {
        notes.extend(read?);
    }
    Ok(notes)
}

fn some(repository: &Repository, numbers: &[u64]) -> Result<Vec<Note>, RepositoryError> {
    let mut notes = Vec::with_capacity(numbers.len());
    for sequence in numbers {
        let snapshot = match repository.head(*sequence) {
            // It is named when it shall be copied, and is a copy of nothing.
            Err(error) if error.is_damage() => continue,
            Err(RepositoryError::NoSuchSnapshot { .. }) => continue,
            snapshot => snapshot?,
        };
        let origin = origin_of(&snapshot);
        let head = snapshot.head;
        let (cluster_id, run, run_horizon) = (head.cluster_id, head.run, head.run_horizon);
        notes.push(Note { sequence: head.sequence, cluster_id, run, run_horizon, origin });
    }
    Ok(notes)
}
