//! Threads that copy segments, several at a time.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use super::segment::{self, Ends, Fault};
use crate::repository::format::Seal;

/// Segments copied at the same time unless told otherwise.
const THREADS: usize = 8;

/// Place of a seal within the work under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    /// Number of the list.
    pub(super) unit: u64,
    /// Which of it.
    pub(super) index: usize,
}

/// What became of a segment.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) ticket: Ticket,
    /// The target's seal.
    pub(super) outcome: Result<Seal, Fault>,
}

/// The threads, and what they have done. Dropped, they end.
#[derive(Debug)]
pub(super) struct Pool {
    jobs: SyncSender<(Ticket, Seal)>,
    answers: Receiver<Answer>,
}

impl Pool {
    /// Starts the threads; 0 means as many as is usual.
    pub(super) fn start<'scope, 'env>(scope: &'scope Scope<'scope, 'env>, ends: Ends<'env>, threads: usize) -> Self {
        let threads = if threads == 0 { THREADS } else { threads };
        let (jobs, waiting) = sync_channel(threads);
        let (answer, answers) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let (waiting, answer) = (Arc::clone(&waiting), answer.clone());
            scope.spawn(move || work(ends, &waiting, &answer));
        }
        Self { jobs, answers }
    }

    /// Hands a segment over; waits where all threads are busy.
    pub(super) fn begin(&self, ticket: Ticket, seal: Seal) -> Result<(), Fault> {
        self.jobs.send((ticket, seal)).map_err(|_| Fault::Thread)
    }

    /// An answer that is there.
    pub(super) fn ready(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }

    /// Waits for an answer.
    pub(super) fn wait(&self) -> Result<Answer, Fault> {
        self.answers.recv().map_err(|_| Fault::Thread)
    }
}

fn work(ends: Ends<'_>, waiting: &Mutex<Receiver<(Ticket, Seal)>>, answer: &Sender<Answer>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((ticket, seal)) = next else { return };
        let mut owed = Owed { ticket, outcome: Err(Fault::Thread), answer };
        owed.outcome = segment::copy(ends, &seal);
    }
}

/// An answer that is given however its thread ends: else somebody would wait for ever.
struct Owed<'a> {
    ticket: Ticket,
    outcome: Result<Seal, Fault>,
    answer: &'a Sender<Answer>,
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Err(Fault::Thread));
        // Nobody listens any more where the copy has failed elsewhere.
        let _ = self.answer.send(Answer { ticket: self.ticket, outcome });
    }
}
