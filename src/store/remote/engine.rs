//! The one place of the repository tower that knows a runtime: whoever calls a store blocks, the network does not.
//!
//! Futures run on threads of their own, and the caller waits for a message. So a store may be called from anywhere, also
//! from a thread of another runtime, where starting one would panic.

use std::future::Future;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Threads that encrypt, checksum and wait for the network.
const THREADS: usize = 2;

/// Runs futures for callers that block. Clones share the threads.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Taken out only when it is dropped.
    runtime: Option<Runtime>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Dropping a runtime blocks, and panics on a thread of another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Engine {
    /// Starts the threads.
    pub(super) fn start() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(THREADS).thread_name("ktape-store").enable_all().build()?;
        Ok(Self { inner: Arc::new(Inner { runtime: Some(runtime) }) })
    }

    /// Begins work; it goes on whether or not somebody waits for it.
    pub(super) fn begin<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Task<T> {
        let (tell, told) = sync_channel(1);
        let ended = async move {
            // Nobody waits any more: fine.
            let _ = tell.send(work.await);
        };
        let abort = self.inner.runtime.as_ref().map(|runtime| runtime.spawn(ended).abort_handle());
        Task { told: Mutex::new(told), abort }
    }

    /// Does work and waits for it.
    pub(super) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
        self.begin(work).wait()
    }

    /// The same, given up after a time.
    pub(super) fn run_within<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<T> {
        let task = self.begin(work);
        let ended = task.wait_for(limit);
        if ended.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            task.stop();
        }
        ended
    }
}

/// Waits without keeping a thread.
pub(super) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Does what blocks where it may.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

/// A bounded way from the engine's threads to one that blocks.
pub(super) fn pipe<T: Send>(capacity: usize) -> (PipeEnd<T>, Pipe<T>) {
    let (send, receive) = tokio::sync::mpsc::channel(capacity);
    (PipeEnd(send), Pipe(receive))
}

/// Where values go in.
#[derive(Debug)]
pub(super) struct PipeEnd<T>(tokio::sync::mpsc::Sender<T>);

impl<T: Send> PipeEnd<T> {
    /// Waits for room; false where nobody reads any more.
    pub(super) async fn put(&self, value: T) -> bool {
        self.0.send(value).await.is_ok()
    }
}

/// Where values come out.
#[derive(Debug)]
pub(super) struct Pipe<T>(tokio::sync::mpsc::Receiver<T>);

impl<T: Send> Pipe<T> {
    /// The next value; `None` after the last.
    pub(super) fn take(&mut self) -> Option<T> {
        // Not `blocking_recv`, which panics on a thread of a runtime.
        futures_util::FutureExt::now_or_never(self.0.recv()).unwrap_or_else(|| self.park())
    }

    fn park(&mut self) -> Option<T> {
        struct Unpark(std::thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Unpark(std::thread::current())).into();
        let mut context = std::task::Context::from_waker(&waker);
        loop {
            match self.0.poll_recv(&mut context) {
                std::task::Poll::Ready(value) => return value,
                std::task::Poll::Pending => std::thread::park(),
            }
        }
    }
}

/// Work under way.
#[derive(Debug)]
pub(super) struct Task<T> {
    told: Mutex<Receiver<T>>,
    abort: Option<tokio::task::AbortHandle>,
}

impl<T> Task<T> {
    fn told(&self) -> MutexGuard<'_, Receiver<T>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came of it.
    pub(super) fn wait(&self) -> io::Result<T> {
        self.told().recv().map_err(|_| ended())
    }

    /// The same; [`io::ErrorKind::TimedOut`] where it takes longer.
    pub(super) fn wait_for(&self, limit: Duration) -> io::Result<T> {
        self.told().recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => io::ErrorKind::TimedOut.into(),
            RecvTimeoutError::Disconnected => ended(),
        })
    }

    /// What came of it, if it has ended.
    pub(super) fn ended(&self) -> Option<io::Result<T>> {
        match self.told().try_recv() {
            Ok(value) => Some(Ok(value)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(ended())),
        }
    }

    /// Ends it where it stands.
    pub(super) fn stop(&self) {
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}

fn ended() -> io::Error {
    io::Error::other("the network's threads ended")
}

/// Leave to have one more part on its way, given back when dropped.
#[derive(Debug)]
pub(super) struct Slots {
    free: Mutex<usize>,
    changed: Condvar,
}

impl Slots {
    /// So many at once.
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(count), changed: Condvar::new() })
    }

    /// Waits for one.
    pub(super) fn take(self: &Arc<Self>) -> Slot {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.changed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Slot(Arc::clone(self))
    }
}

/// See [`Slots`].
#[derive(Debug)]
pub(super) struct Slot(Arc<Slots>);

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_waited_for_also_on_a_thread_of_another_runtime() {
        let other = Runtime::new().unwrap();
        other.block_on(async {
            let engine = Engine::start().unwrap();
            assert_eq!(engine.run(async { 7 }).unwrap(), 7);
            let slow = engine.run_within(Duration::from_millis(20), pause(Duration::from_secs(60)));
            assert_eq!(slow.unwrap_err().kind(), io::ErrorKind::TimedOut);
            // Dropped here, on a thread where a runtime may not be.
        });
    }

    #[test]
    fn a_pipe_gives_everything_in_order_and_ends() {
        let engine = Engine::start().unwrap();
        let (end, mut pipe) = pipe(2);
        let feeding = engine.begin(async move {
            for number in 0..100 {
                assert!(end.put(number).await);
            }
        });
        let all: Vec<u32> = std::iter::from_fn(|| pipe.take()).collect();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        feeding.wait().unwrap();
    }

    #[test]
    fn no_more_slots_are_taken_than_there_are() {
        let slots = Slots::new(2);
        let (one, two) = (slots.take(), slots.take());
        let waiting = std::thread::spawn({
            let slots = Arc::clone(&slots);
            move || slots.take()
        });
        std::thread::sleep(Duration::from_millis(20));
        assert!(!waiting.is_finished());
        drop(one);
        drop(waiting.join().unwrap());
        drop(two);
    }
}
