//! Threads that check, digest and write what was fetched, so that fetching goes on meanwhile.
//! Each partition belongs to one thread, which keeps its batches in order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::error::BackupError;
use crate::memory::{Memory, Room};
use crate::model::{Timestamp, describe};
use crate::repository::Journal;
use crate::repository::format::Seal;
use crate::repository::{Repository, RepositoryError, SegmentStart, SegmentWriter};

/// Number of a partition within the run.
pub(super) type Slot = usize;

/// Answers waiting to be written, by thread: with [`THREADS`] this bounds what fetching may run ahead.
const QUEUE: usize = 4;
const THREADS: usize = 2;

/// What a thread is asked to do.
#[derive(Debug)]
enum Job {
    /// Begin a partition.
    Open(Slot, Box<SegmentStart>),
    /// Append whole batches, ascending.
    Append(Slot, Bytes, Timestamp, Room),
    /// Seal what there is; further batches come after offsets that were never read.
    Gap(Slot),
    /// Seal what there is and hand over the seals.
    Finish(Slot),
}

/// What a thread tells.
#[derive(Debug)]
pub(super) enum Written {
    /// The partition's seals of this run, ascending.
    Finished(Slot, Vec<Seal>),
    /// A batch is not what it must be: the partition ends before it. Its seals follow with `Finished`.
    Damaged(Slot, String),
    /// The repository cannot be written: the run is over.
    Failed(BackupError),
}

/// The threads.
#[derive(Debug)]
pub(super) struct Writers {
    queues: Vec<mpsc::Sender<Job>>,
    results: mpsc::UnboundedReceiver<Written>,
    threads: Vec<JoinHandle<()>>,
    journal: Arc<Mutex<Journal>>,
    memory: Memory,
}

impl Writers {
    /// Starts the threads. Seals are journaled as they are made, and a segment is rolled at `segment_bytes`. What waits to
    /// be written takes at most `memory` bytes, or is one answer.
    pub(super) fn start(repository: &Repository, journal: Journal, segment_bytes: u64, memory: usize) -> Self {
        let (told, results) = mpsc::unbounded_channel();
        let journal = Arc::new(Mutex::new(journal));
        let mut writers = Self {
            queues: Vec::new(),
            results,
            threads: Vec::new(),
            journal: Arc::clone(&journal),
            memory: Memory::new(memory),
        };
        for _ in 0..THREADS {
            let (queue, jobs) = mpsc::channel(QUEUE);
            let thread = Thread {
                repository: repository.clone(),
                journal: Arc::clone(&journal),
                segment_bytes,
                told: told.clone(),
                open: HashMap::new(),
            };
            writers.queues.push(queue);
            writers.threads.push(std::thread::spawn(move || thread.run(jobs)));
        }
        writers
    }

    /// Begins a partition.
    pub(super) async fn open(&self, slot: Slot, start: SegmentStart) -> Result<(), BackupError> {
        self.send(slot, Job::Open(slot, Box::new(start))).await
    }

    /// Appends whole batches; waits while the thread is behind, and until there is room for them.
    pub(super) async fn append(&self, slot: Slot, batches: Bytes) -> Result<(), BackupError> {
        let room = self.memory.room(batches.len()).await;
        let room = room.ok_or(BackupError::Thread { doing: "writes segments" })?;
        self.send(slot, Job::Append(slot, batches, Timestamp::now(), room)).await
    }

    /// Offsets are skipped that were never read: the current segment ends, and whatever transaction was open has no
    /// outcome that could be known.
    pub(super) async fn gap(&self, slot: Slot) -> Result<(), BackupError> {
        self.send(slot, Job::Gap(slot)).await
    }

    /// Ends the partition; `Finished` follows.
    pub(super) async fn finish(&self, slot: Slot) -> Result<(), BackupError> {
        self.send(slot, Job::Finish(slot)).await
    }

    /// The next thing a thread tells. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Written, BackupError> {
        self.results.recv().await.ok_or(BackupError::Thread { doing: "writes segments" })
    }

    /// The error that made a thread end, if that is what `error` comes from.
    pub(super) fn cause(&mut self, error: BackupError) -> BackupError {
        while let Ok(written) = self.results.try_recv() {
            if let Written::Failed(first) = written {
                return first;
            }
        }
        error
    }

    /// Waits for the threads to end and writes the rest of the journal; everything must have been finished before.
    pub(super) fn join(self) -> Result<(), BackupError> {
        drop(self.queues);
        for thread in self.threads {
            thread.join().map_err(|_| BackupError::Thread { doing: "writes segments" })?;
        }
        Ok(self.journal.lock().map_err(|_| BackupError::Thread { doing: "journals seals" })?.flush()?)
    }

    async fn send(&self, slot: Slot, job: Job) -> Result<(), BackupError> {
        let queue = &self.queues[slot % self.queues.len()];
        queue.send(job).await.map_err(|_| BackupError::Thread { doing: "writes segments" })
    }
}

struct Thread {
    repository: Repository,
    journal: Arc<Mutex<Journal>>,
    segment_bytes: u64,
    told: mpsc::UnboundedSender<Written>,
    open: HashMap<Slot, Partition>,
}

struct Partition {
    start: SegmentStart,
    writer: Option<SegmentWriter>,
    seals: Vec<Seal>,
    damaged: bool,
}

impl Thread {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.blocking_recv() {
            if let Err(error) = self.work(job) {
                // Nobody listens only when the run has already failed.
                let _ = self.told.send(Written::Failed(error));
                return;
            }
        }
    }

    fn work(&mut self, job: Job) -> Result<(), BackupError> {
        match job {
            Job::Open(slot, start) => {
                let partition = Partition { start: *start, writer: None, seals: Vec::new(), damaged: false };
                self.open.insert(slot, partition);
                Ok(())
            }
            Job::Append(slot, batches, observed, _room) => self.append(slot, &batches, observed),
            Job::Gap(slot) => {
                self.roll(slot)?;
                if let Some(partition) = self.open.get_mut(&slot) {
                    partition.start.open.clear();
                }
                Ok(())
            }
            Job::Finish(slot) => {
                self.roll(slot)?;
                let seals = self.open.remove(&slot).map(|partition| partition.seals).unwrap_or_default();
                let _ = self.told.send(Written::Finished(slot, seals));
                Ok(())
            }
        }
    }

    fn append(&mut self, slot: Slot, batches: &Bytes, observed: Timestamp) -> Result<(), BackupError> {
        let Some(partition) = self.open.get_mut(&slot) else { return Ok(()) };
        if partition.damaged {
            return Ok(());
        }
        let writer = match &mut partition.writer {
            Some(writer) => writer,
            empty => empty.insert(self.repository.create_segment(partition.start.clone())?),
        };
        let taken = match writer.append_run(batches, i64::MAX, observed) {
            Ok(taken) => taken,
            Err(error @ (RepositoryError::RefusedBatch { .. } | RepositoryError::OutOfOrder { .. })) => {
                partition.damaged = true;
                let _ = self.told.send(Written::Damaged(slot, describe(&error)));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let full = taken < batches.len();
        if full || writer.should_roll(self.segment_bytes) {
            self.roll(slot)?;
        }
        if full { self.append(slot, &batches.slice(taken..), observed) } else { Ok(()) }
    }

    fn roll(&mut self, slot: Slot) -> Result<(), BackupError> {
        let Some(partition) = self.open.get_mut(&slot) else { return Ok(()) };
        let Some(writer) = partition.writer.take().filter(|writer| !writer.is_empty()) else { return Ok(()) };
        let seal = writer.seal()?;
        partition.start.open.clone_from(&seal.open);
        partition.seals.push(seal.clone());
        let mut journal = self.journal.lock().map_err(|_| BackupError::Thread { doing: "journals seals" })?;
        Ok(journal.add(seal)?)
    }
}
