//! Segments that were copied, written down: what the next copy takes over after a kill.

use std::time::{Duration, Instant};

use crate::repository::format::Seal;
use crate::repository::{Repository, RepositoryError, Run};

/// A batch is written when it holds this many seals or bytes, or is this old: that much at most is copied again
/// after a kill.
const SEALS: usize = 256;
const BYTES: u64 = 256 << 20;
const AGE: Duration = Duration::from_secs(5);

/// What stands in the place of a cluster's id in a copy's seals: no backup takes them over.
pub(super) fn tag(source: &Repository) -> String {
    format!("copy:{}", source.document().repository_id)
}

/// Collects seals and writes them down.
#[derive(Debug)]
pub(super) struct Journal {
    run: Run,
    seals: Vec<Seal>,
    bytes: u64,
    written: Instant,
}

impl Journal {
    /// An empty journal of the run.
    pub(super) fn new(run: Run) -> Self {
        Self { run, seals: Vec::new(), bytes: 0, written: Instant::now() }
    }

    /// Id of the run.
    pub(super) fn run(&self) -> &str {
        self.run.id()
    }

    /// Adds a seal and writes the batch down if it is due.
    pub(super) fn add(&mut self, seal: Seal) -> Result<(), RepositoryError> {
        self.bytes += seal.length;
        self.seals.push(seal);
        if self.seals.len() < SEALS && self.bytes < BYTES && self.written.elapsed() < AGE {
            return Ok(());
        }
        self.flush()
    }

    /// Writes down what is left.
    pub(super) fn flush(&mut self) -> Result<(), RepositoryError> {
        self.run.record(std::mem::take(&mut self.seals))?;
        self.bytes = 0;
        self.written = Instant::now();
        Ok(())
    }
}
