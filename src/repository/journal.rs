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
