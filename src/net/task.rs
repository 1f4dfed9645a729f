//! The task that owns a connection's socket: it writes requests in the order they come and hands out answers by
//! correlation id. When it ends, for whatever reason, everybody who waits is told.

use std::collections::{HashMap, VecDeque};
use std::io::IoSlice;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::Poison;
use super::reader::{FrameLimit, FrameReader};
use super::session::Session;
use super::transport::{Outgoing, Transport};
use crate::wire::request::correlation;

/// What a waiting request is told: its answer, or why there is none and whether it may have reached the peer.
pub(super) type Reply = Result<Answer, (Poison, bool)>;

/// So long after a pause the next one is expected.
const LATELY: Duration = Duration::from_secs(30);

/// A request on its way to the task.
#[derive(Debug)]
pub(super) struct Call {
    /// Comes back with the answer.
    pub(super) correlation: i32,
    /// The request in pieces, its length first.
    pub(super) pieces: Pieces,
    /// Whether it was begun or given up.
    pub(super) stage: Arc<Stage>,
    /// Who waits for it.
    pub(super) reply: oneshot::Sender<Reply>,
}

/// A request is either begun by the task or given up by its caller, never both.
#[derive(Debug, Default)]
pub(super) struct Stage(AtomicU8);

const QUEUED: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Stage {
    fn begin(&self) -> bool {
        self.0.compare_exchange(QUEUED, BEGUN, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Gives the request up; false if it was begun before.
    pub(super) fn give_up(&self) -> bool {
        self.0.compare_exchange(QUEUED, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire) != Err(BEGUN)
    }

    /// Whether the request still stands in the queue.
    pub(super) fn is_queued(&self) -> bool {
        self.0.load(Ordering::Acquire) == QUEUED
    }
}

/// What the task and the handles share.
#[derive(Debug)]
pub(super) struct Shared {
    waiting: Mutex<Waiting>,
    muted: Mutex<Option<Instant>>,
    stop: Notify,
    empty: Notify,
    unread: AtomicUsize,
    /// How large an answer may be.
    pub(super) limit: FrameLimit,
    known: AtomicBool,
}

#[derive(Debug)]
enum Waiting {
    Open(HashMap<i32, oneshot::Sender<Reply>>),
    Poisoned(Poison),
}

impl Shared {
    /// Answers of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            waiting: Mutex::new(Waiting::Open(HashMap::new())),
            muted: Mutex::new(None),
            stop: Notify::new(),
            empty: Notify::new(),
            unread: AtomicUsize::new(0),
            limit: FrameLimit::new(limit),
            known: AtomicBool::new(false),
        }
    }

    /// The greeting is over: from now on any answer may come.
    pub(super) fn begin(&self) {
        self.known.store(false, Ordering::Release);
        self.limit.widen();
    }

    /// Whether the peer answered anything since the greeting.
    pub(super) fn has_answered(&self) -> bool {
        self.known.load(Ordering::Acquire)
    }

    /// Returns once no answer is under way.
    pub(super) async fn drained(&self) {
        while matches!(&*self.lock(), Waiting::Open(requests) if !requests.is_empty()) {
            self.empty.notified().await;
        }
    }

    /// Returns once every answer was read by who asked, who may have found there that the peer wants to be left alone.
    pub(super) async fn all_read(&self) {
        while self.unread.load(Ordering::Acquire) > 0 {
            self.empty.notified().await;
        }
    }

    /// Why the connection is of no more use, if it is not.
    pub(super) fn poison(&self) -> Option<Poison> {
        match &*self.lock() {
            Waiting::Open(_) => None,
            Waiting::Poisoned(reason) => Some(reason.clone()),
        }
    }

    /// Ends the connection and tells everybody who waits; the first reason stays.
    pub(super) fn end(&self, reason: &Poison) {
        let mut guard = self.lock();
        if matches!(*guard, Waiting::Poisoned(_)) {
            return;
        }
        let before = std::mem::replace(&mut *guard, Waiting::Poisoned(reason.clone()));
        drop(guard);
        self.stop.notify_one();
        if let Waiting::Open(requests) = before {
            for reply in requests.into_values() {
                let _ = reply.send(Err((reason.clone(), true)));
            }
        }
    }

    /// Sends nothing before `until` (KIP-219).
    pub(super) fn mute(&self, until: Instant) {
        let mut muted = self.muted.lock().unwrap_or_else(PoisonError::into_inner);
        *muted = (*muted).max(Some(until));
    }

    /// Until when nothing is sent, if that is still to come.
    pub(super) fn muted_until(&self) -> Option<Instant> {
        let muted = *self.muted.lock().unwrap_or_else(PoisonError::into_inner);
        muted.filter(|until| *until > Instant::now())
    }

    /// Returns once the peer does not want to be left alone any more.
    pub(super) async fn unmuted(&self) {
        while let Some(until) = self.muted_until() {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Whether the peer wanted to be left alone a short time ago.
    pub(super) fn was_throttled(&self) -> bool {
        let muted = *self.muted.lock().unwrap_or_else(PoisonError::into_inner);
        muted.is_some_and(|until| until + LATELY > Instant::now())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect_answer(&self, correlation: i32, reply: oneshot::Sender<Reply>) {
        match &mut *self.lock() {
            Waiting::Open(requests) => {
                requests.insert(correlation, reply);
            }
            Waiting::Poisoned(reason) => {
                let _ = reply.send(Err((reason.clone(), false)));
            }
        }
    }

    fn answer(self: &Arc<Self>, frame: Bytes) -> Result<(), Poison> {
        let correlation = correlation(&frame).map_err(|_| Poison::Correlation(0))?;
        let (reply, last) = match &mut *self.lock() {
            Waiting::Open(requests) => (requests.remove(&correlation), requests.is_empty()),
            Waiting::Poisoned(_) => return Ok(()),
        };
        self.known.store(true, Ordering::Release);
        if last {
            self.empty.notify_one();
        }
        let reply = reply.ok_or(Poison::Correlation(correlation))?;
        // A caller that has gone does not want its answer any more.
        let _ = reply.send(Ok(Answer::new(frame, self)));
        Ok(())
    }
}

/// A frame that answers a request. As long as it is there, its reader may still find something in it that matters for
/// the next request.
#[derive(Debug)]
pub struct Answer {
    frame: Bytes,
    shared: Arc<Shared>,
}

impl Answer {
    fn new(frame: Bytes, shared: &Arc<Shared>) -> Self {
        shared.unread.fetch_add(1, Ordering::AcqRel);
        Self { frame, shared: Arc::clone(shared) }
    }
}

impl Deref for Answer {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.frame
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.shared.unread.fetch_sub(1, Ordering::AcqRel);
        self.shared.empty.notify_one();
    }
}

/// Runs until the socket fails, somebody ends it, or the last handle is dropped. A session that has to be renewed
/// comes once the first proof was given.
pub(super) async fn run(
    shared: Arc<Shared>,
    transport: Transport,
    mut queue: mpsc::Receiver<Call>,
    session: oneshot::Receiver<Session>,
) {
    let (incoming, outgoing) = transport.split();
    let reason = tokio::select! {
        reason = read(&shared, FrameReader::new(incoming, &shared.limit)) => reason,
        reason = write(&shared, Writer(outgoing), &mut queue, session) => reason,
        () = shared.stop.notified() => Poison::GivenUp,
    };
    shared.end(&reason);
    let reason = shared.poison().unwrap_or(reason);
    queue.close();
    while let Ok(call) = queue.try_recv() {
        let _ = call.reply.send(Err((reason.clone(), false)));
    }
}

async fn read(shared: &Arc<Shared>, mut frames: FrameReader<'_>) -> Poison {
    loop {
        let answered = frames.next().await.and_then(|frame| shared.answer(frame));
        if let Err(reason) = answered {
            return reason;
        }
    }
}

async fn write(
    shared: &Shared,
    mut writer: Writer,
    queue: &mut mpsc::Receiver<Call>,
    mut coming: oneshot::Receiver<Session>,
) -> Poison {
    let mut session: Option<Session> = None;
    while let Some(call) = queue.recv().await {
        shared.unmuted().await;
        if session.is_none() {
            session = coming.try_recv().ok();
        }
        if let Some(session) = session.as_mut()
            && let Err(reason) = session.before_request(shared, &mut writer).await
        {
            shared.end(&reason);
            let _ = call.reply.send(Err((reason.clone(), false)));
            return reason;
        }
        if let Err(reason) = writer.send(shared, call).await {
            return reason;
        }
    }
    Poison::GivenUp
}

/// The writing side of the socket.
pub(super) struct Writer(Outgoing);

impl Writer {
    /// Sends a request, unless it was given up meanwhile.
    pub(super) async fn send(&mut self, shared: &Shared, mut call: Call) -> Result<(), Poison> {
        if !call.stage.begin() {
            return Ok(());
        }
        shared.expect_answer(call.correlation, call.reply);
        self.put(&mut call.pieces).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset => Poison::Closed,
            _ => Poison::Io(Arc::new(error)),
        })
    }

    /// TLS keeps what the socket does not take at once, until it is flushed.
    async fn put(&mut self, pieces: &mut Pieces) -> std::io::Result<()> {
        self.0.write_all_buf(pieces).await?;
        self.0.flush().await
    }
}

/// Pieces of a request, written in one system call as far as the system allows.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pieces: VecDeque<Bytes>,
    left: usize,
}

impl From<Vec<Bytes>> for Pieces {
    /// Empty pieces are left out: they would read as the end.
    fn from(pieces: Vec<Bytes>) -> Self {
        let pieces: VecDeque<Bytes> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        Self { left: pieces.iter().map(Bytes::len).sum(), pieces }
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.left
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map(Bytes::as_ref).unwrap_or_default()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pairs = slices.iter_mut().zip(&self.pieces);
        pairs.map(|(slice, piece)| *slice = IoSlice::new(piece)).count()
    }

    fn advance(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        let mut count = count;
        while let Some(front) = self.pieces.front_mut() {
            if count < front.len() {
                front.advance(count);
                return;
            }
            count -= front.len();
            self.pieces.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_written_as_one_stream() {
        let parts = [&b"ab"[..], b"", b"cde", b"f"].map(Bytes::from_static);
        for step in 1..7 {
            let mut pieces = Pieces::from(parts.to_vec());
            let mut seen = Vec::new();
            while pieces.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 8];
                let count = pieces.chunks_vectored(&mut slices);
                let flat: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
                assert_eq!(flat.len(), pieces.remaining());
                let taken = step.min(flat.len());
                seen.extend_from_slice(&flat[..taken]);
                pieces.advance(taken);
            }
            assert_eq!(seen, b"abcdef");
        }
    }

    #[test]
    fn a_request_is_begun_or_given_up_never_both() {
        let stage = Stage::default();
        assert!(stage.give_up());
        assert!(!stage.begin());
        let stage = Stage::default();
        assert!(stage.begin());
        assert!(!stage.give_up());
    }
}
