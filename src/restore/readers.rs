//! Partitions being read on blocking threads, each a bounded way ahead of what is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::coalesce::Coalescing;
use super::error::RestoreError;
use super::source::{Admitted, Passed, Prepared, Sink, Source};
use crate::memory::{self, Memory};
use crate::model::{MapPiece, Positions, TopicPartition};
use crate::repository::{MapReader, MapWriter, Repository, RepositoryError, RestoreFolder};

/// Number of a partition within the restore.
pub(super) type Slot = usize;

/// Batches of one partition that may wait to be sent.
const AHEAD: usize = 4;

/// What a reading thread tells, and in which pass over its partition.
#[derive(Debug)]
pub(super) struct Read {
    /// The partition.
    pub slot: Slot,
    /// The pass.
    pub pass: u32,
    /// The news.
    pub news: News,
}

/// What a reading thread tells.
#[derive(Debug)]
pub(super) enum News {
    /// The next batch. Its room is given back when `Room` is dropped.
    Batch(Prepared, Room),
    /// The partition is read to its end.
    End(Box<Ended>),
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
    /// Bytes of stored batches after the last one handed over.
    pub rest_bytes: u64,
}

/// Room for one batch.
#[derive(Debug)]
pub(super) struct Room {
    _memory: Option<memory::Room>,
    _place: Option<OwnedSemaphorePermit>,
}

#[cfg(test)]
impl Room {
    /// For a batch that takes none.
    pub(super) fn none() -> Self {
        Self { _memory: None, _place: None }
    }
}

/// A pass over a partition. Dropped, it ends at the next batch.
#[derive(Debug)]
pub(super) struct Reading {
    places: Arc<Semaphore>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.places.close();
    }
}

/// Starts reading threads.
#[derive(Debug)]
pub(super) struct Readers {
    repository: Repository,
    memory: Memory,
    told: mpsc::UnboundedSender<Read>,
    results: mpsc::UnboundedReceiver<Read>,
}

impl Readers {
    /// Readers that together hold at most `memory_bytes` of batches, or one batch if that is larger: half of that may wait
    /// to be sent, and large batches wait for the other half before they are read.
    pub(super) fn new(repository: &Repository, memory_bytes: usize) -> Self {
        let (told, results) = mpsc::unbounded_channel();
        let half = memory_bytes / 2;
        Self { repository: repository.bounded(half), memory: Memory::new(half), told, results }
    }

    /// Begins a pass over a partition. Where its offset map says that the target ends where it should, all is there and
    /// nothing is read.
    pub(super) fn start(
        &self,
        (slot, pass): (Slot, u32),
        source: Source,
        positions: Vec<i64>,
        folder: RestoreFolder,
    ) -> Reading {
        let places = Arc::new(Semaphore::new(AHEAD));
        let gate =
            Gate { slot, pass, memory: self.memory.clone(), places: Arc::clone(&places), told: self.told.clone() };
        let repository = self.repository.clone();
        tokio::task::spawn_blocking(move || {
            let told = gate.told.clone();
            let news = match read(&repository, &folder, source, positions, gate) {
                Ok(Some(ended)) => News::End(Box::new(ended)),
                Ok(None) => return,
                Err(error) => News::Failed(error),
            };
            // Nobody listens only when the restore has already failed.
            let _ = told.send(Read { slot, pass, news });
        });
        Reading { places }
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

/// One whole pass; nothing if it was ended before.
fn read(
    repository: &Repository,
    folder: &RestoreFolder,
    source: Source,
    positions: Vec<i64>,
    gate: Gate,
) -> Result<Option<Ended>, RestoreError> {
    let (topic, partition) = (source.at.topic.clone(), source.at.partition);
    if !source.may_hold_filler()
        && let Some(map) = folder.map(&topic, partition)?
        && let Some(ended) = from_map(map, source.from, &positions)?
    {
        return Ok(Some(ended));
    }
    let map = folder.map_writer(&topic, partition)?;
    let mut sink = Ahead { gate, positions: Positions::new(positions), map };
    let mut coalescing = Coalescing::new(&mut sink, source.batch_max);
    let Some(passed) = source.read(repository, &mut coalescing)? else { return Ok(None) };
    let Passed { admitted, log_end, rest_bytes } = passed;
    if !coalescing.finish() {
        return Ok(None);
    }
    tracing::debug!(phase = "map", %topic, partition, "offset map complete");
    sink.map.publish(log_end, serde_json::to_value(admitted).unwrap_or_default())?;
    Ok(Some(Ended { admitted, log_end, positions: sink.positions.finish(log_end), rest_bytes }))
}

/// What the map of a partition answers of which all is there.
pub(super) fn whole_map(folder: &RestoreFolder, at: &TopicPartition, positions: &[i64]) -> Result<Ended, RestoreError> {
    let missing =
        || RepositoryError::Missing { object: format!("{}/maps/{}/{}.jsonl", folder.path(), at.topic, at.partition) };
    let map = folder.map(&at.topic, at.partition)?.ok_or_else(missing)?;
    Ok(answers(map, positions)?)
}

/// What the map of a partition answers, if the target holds all that the map is about.
fn from_map(map: MapReader, log_end: i64, positions: &[i64]) -> Result<Option<Ended>, RestoreError> {
    Ok(Some(answers(map, positions)?).filter(|ended| ended.log_end == log_end))
}

fn answers(mut map: MapReader, positions: &[i64]) -> Result<Ended, RepositoryError> {
    let mut waiting = Positions::new(positions.iter().copied());
    for piece in map.by_ref() {
        waiting.pass(piece?);
    }
    let summary = map.summary()?;
    // Counts are for the report only.
    let admitted = serde_json::from_value(summary.admitted).unwrap_or_default();
    let log_end = summary.log_end;
    Ok(Ended { admitted, log_end, positions: waiting.finish(log_end), rest_bytes: 0 })
}

/// What a reading thread passes before it may hand something over.
struct Gate {
    slot: Slot,
    pass: u32,
    memory: Memory,
    places: Arc<Semaphore>,
    told: mpsc::UnboundedSender<Read>,
}

impl Gate {
    fn room(&self, bytes: usize) -> Option<Room> {
        memory::wait(async {
            let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
            let memory = self.memory.room(bytes).await?;
            Some(Room { _memory: Some(memory), _place: Some(place) })
        })
    }
}

struct Ahead {
    gate: Gate,
    positions: Positions,
    map: MapWriter,
}

impl Sink for Ahead {
    fn batch(&mut self, batch: Prepared) -> bool {
        let Some(room) = self.gate.room(batch.size()) else { return false };
        let (slot, pass) = (self.gate.slot, self.gate.pass);
        self.gate.told.send(Read { slot, pass, news: News::Batch(batch, room) }).is_ok()
    }

    fn passed(&mut self, piece: MapPiece) {
        self.positions.pass(piece);
    }

    fn piece(&mut self, piece: MapPiece) -> Result<(), RestoreError> {
        Ok(self.map.piece(piece)?)
    }
}
