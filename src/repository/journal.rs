//! Seals of a run under way, written down in batches: what the next run takes over after a kill.

use std::time::{Duration, Instant};

use super::format::Seal;
use super::{RepositoryError, Run};

/// A batch is written when it holds this many seals, or is this old.
const SEALS: usize = 256;
const AGE: Duration = Duration::from_secs(5);

/// Collects seals and writes them down.
#[derive(Debug)]
pub struct Journal {
    run: Run,
    seals: Vec<Seal>,
    bytes: u64,
    bytes_max: u64,
    written: Instant,
}

impl Journal {
    /// An empty journal of the run. A batch is written when its segments have `bytes_max` bytes of plain
    /// log, if not before: that much at most is fetched or copied again after a kill.
    pub fn new(run: Run, bytes_max: u64) -> Self {
        Self { run, seals: Vec::new(), bytes: 0, bytes_max, written: Instant::now() }
    }

    /// Id of the run.
    pub fn run(&self) -> &str {
        self.run.id()
    }

    /// Adds a seal and writes the batch down if it is due.
    pub fn add(&mut self, seal: Seal) -> Result<(), RepositoryError> {
        self.bytes = self.bytes.saturating_add(seal.size);
        self.seals.push(seal);
        if self.seals.len() < SEALS && self.bytes < self.bytes_max && self.written.elapsed() < AGE {
            return Ok(());
        }
        self.flush()
    }

    /// Writes down what is left.
    pub fn flush(&mut self) -> Result<(), RepositoryError> {
        self.run.record(std::mem::take(&mut self.seals))?;
        self.bytes = 0;
        self.written = Instant::now();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Repository;
    use crate::repository::testing::{self, CLUSTER, batch};
    use crate::store::MemoryStore;

    const BYTES: u64 = 1000;

    /// A journal, and a seal to put into it.
    fn journal() -> (Repository, Journal, Seal) {
        let repository = testing::repository(MemoryStore::new());
        let other = testing::repository(MemoryStore::new());
        let run = other.begin_run(CLUSTER).unwrap();
        let seal = testing::segment(&other, &run, testing::start("a", 0, &run, None), &[batch(0, 1)]);
        let run = repository.begin_run(CLUSTER).unwrap();
        let id = run.id().to_owned();
        let journal = Journal::new(run, BYTES);
        assert_eq!(journal.run(), id);
        (repository, journal, seal)
    }

    fn written(repository: &Repository) -> usize {
        repository.all_run_seals().unwrap().len()
    }

    #[test]
    fn seals_are_written_down_when_their_segments_are_large_enough() {
        let (repository, mut journal, seal) = journal();
        let of = |size| Seal { size, ..seal.clone() };
        journal.add(of(BYTES - 1)).unwrap();
        assert_eq!(written(&repository), 0);
        journal.add(of(1)).unwrap();
        assert_eq!(written(&repository), 2);
        journal.add(of(BYTES - 1)).unwrap();
        assert_eq!(written(&repository), 2, "it counts from the batch before");
        journal.flush().unwrap();
        assert_eq!(written(&repository), 3);
        journal.add(of(BYTES + 1)).unwrap();
        assert_eq!(written(&repository), 4);
    }

    #[test]
    fn seals_are_written_down_when_there_are_many() {
        let (repository, mut journal, seal) = journal();
        let empty = Seal { size: 0, ..seal };
        for _ in 1..SEALS {
            journal.add(empty.clone()).unwrap();
        }
        assert_eq!(written(&repository), 0);
        journal.add(empty).unwrap();
        assert_eq!(written(&repository), SEALS);
    }

    #[test]
    fn seals_are_written_down_when_they_are_old() {
        let (repository, mut journal, seal) = journal();
        let Some(long_ago) = Instant::now().checked_sub(AGE + Duration::from_secs(1)) else { return };
        journal.written = long_ago;
        journal.add(Seal { size: 0, ..seal.clone() }).unwrap();
        assert_eq!(written(&repository), 1);
        journal.add(Seal { size: 0, ..seal }).unwrap();
        assert_eq!(written(&repository), 1, "the next batch is young");
    }
}
