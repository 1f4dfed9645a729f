//! Seals of the run under way, written down in batches: what the next run takes over after a kill.

use std::time::{Duration, Instant};

use super::error::BackupError;
use crate::repository::Run;
use crate::repository::format::Seal;

/// A batch is written when it holds this many seals or bytes, or is this old: that much at most is fetched again
/// after a kill.
const SEALS: usize = 256;
const BYTES: u64 = 64 << 20;
const AGE: Duration = Duration::from_secs(5);

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

    /// Adds a seal and writes the batch down if it is due.
    pub(super) fn add(&mut self, seal: Seal) -> Result<(), BackupError> {
        self.bytes += seal.size;
        self.seals.push(seal);
        if self.seals.len() < SEALS && self.bytes < BYTES && self.written.elapsed() < AGE {
            return Ok(());
        }
        self.flush()
    }

    /// Writes down what is left.
    pub(super) fn flush(&mut self) -> Result<(), BackupError> {
        if !self.seals.is_empty() {
            self.run.record(std::mem::take(&mut self.seals))?;
        }
        self.bytes = 0;
        self.written = Instant::now();
        Ok(())
    }
}
