//! Partitions being read on blocking threads, each a bounded way ahead of what is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::error::RestoreError;
use super::source::{Admitted, Prepared, Sink, Source};
use crate::model::{MapPiece, Positions};
use crate::repository::{MapWriter, Repository};

/// Number of a partition within the restore.
pub(super) type Slot = usize;

/// Batches of one partition that may wait to be sent.
const AHEAD: usize = 4;
/// Memory is counted in units of this many bytes.
const UNIT: usize = 1024;

/// What a reading thread tells.
#[derive(Debug)]
pub(super) enum Read {
    /// The next batch. Its room is given back when `Room` is dropped.
    Batch(Slot, Prepared, Room),
    /// The partition is read to its end.
    End(Slot, Box<Ended>),
    /// It cannot be read.
    Failed(RestoreError),
}

/// What is known once a partition is read.
#[derive(Debug)]
pub(super) struct Ended {
    /// What was admitted.
    pub admitted: Admitted,
    /// Target offset after its last record.
    pub log_end: i64,
    /// Target offsets of the positions that were asked for.
    pub positions: BTreeMap<i64, i64>,
}

/// Room for one batch.
#[derive(Debug)]
pub(super) struct Room {
    _memory: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

/// Starts reading threads.
#[derive(Debug)]
pub(super) struct Readers {
    repository: Repository,
    memory: Arc<Semaphore>,
    units: u32,
    told: mpsc::UnboundedSender<Read>,
    results: mpsc::UnboundedReceiver<Read>,
}

impl Readers {
    /// Readers that together hold at most `memory_bytes` of batches, or one batch if that is larger.
    pub(super) fn new(repository: &Repository, memory_bytes: usize) -> Self {
        let units = u32::try_from(memory_bytes / UNIT).unwrap_or(u32::MAX >> 4).max(1);
        let (told, results) = mpsc::unbounded_channel();
        let memory = Arc::new(Semaphore::new(units as usize));
        Self { repository: repository.clone(), memory, units, told, results }
    }

    /// Begins to read a partition.
    pub(super) fn start(&self, slot: Slot, source: Source, positions: Positions, map: MapWriter) {
        let mut sink = Ahead {
            slot,
            runtime: Handle::current(),
            memory: Arc::clone(&self.memory),
            units: self.units,
            places: Arc::new(Semaphore::new(AHEAD)),
            told: self.told.clone(),
            positions,
            map,
            log_end: source.target_base,
        };
        let repository = self.repository.clone();
        tokio::task::spawn_blocking(move || {
            let told = sink.told.clone();
            let read = source.read(&repository, &mut sink).and_then(|admitted| sink.end(admitted));
            // Nobody listens only when the restore has already failed.
            let _ = told.send(match read {
                Ok(ended) => Read::End(slot, Box::new(ended)),
                Err(error) => Read::Failed(error),
            });
        });
    }

    /// The next thing a thread tells. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Read, RestoreError> {
        self.results.recv().await.ok_or(RestoreError::Thread { doing: "reads segments" })
    }

    /// Makes every thread end at its next batch.
    pub(super) fn stop(&mut self) {
        self.memory.close();
        self.results.close();
    }
}

struct Ahead {
    slot: Slot,
    runtime: Handle,
    memory: Arc<Semaphore>,
    units: u32,
    places: Arc<Semaphore>,
    told: mpsc::UnboundedSender<Read>,
    positions: Positions,
    map: MapWriter,
    log_end: i64,
}

impl Ahead {
    fn room(&self, bytes: usize) -> Option<Room> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, self.units);
        self.runtime.block_on(async {
            let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
            let memory = Arc::clone(&self.memory).acquire_many_owned(units).await.ok()?;
            Some(Room { _memory: memory, _place: place })
        })
    }

    fn end(self, admitted: Admitted) -> Result<Ended, RestoreError> {
        self.map.publish(self.log_end, serde_json::to_value(admitted).unwrap_or_default())?;
        Ok(Ended { admitted, log_end: self.log_end, positions: self.positions.finish(self.log_end) })
    }
}

impl Sink for Ahead {
    fn batch(&mut self, batch: Prepared) -> bool {
        let Some(room) = self.room(batch.size()) else { return false };
        self.told.send(Read::Batch(self.slot, batch, room)).is_ok()
    }

    fn passed(&mut self, piece: MapPiece) {
        self.log_end = piece.target + piece.count;
        self.positions.pass(piece);
    }

    fn piece(&mut self, piece: MapPiece) -> Result<(), RestoreError> {
        Ok(self.map.piece(piece)?)
    }
}
