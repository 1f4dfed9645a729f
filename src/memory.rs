//! Keeps to a number of bytes in memory.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is counted in units of this many bytes.
const UNIT: usize = 1024;

/// So many bytes for all who share it. Who asks first gets first.
#[derive(Debug, Clone)]
pub struct Memory {
    free: Arc<Semaphore>,
    units: u32,
}

/// Room for some of the bytes, until it is dropped.
#[derive(Debug)]
pub struct Room {
    _units: OwnedSemaphorePermit,
}

impl Memory {
    /// Room for so many bytes.
    pub fn new(bytes: usize) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX >> 4).max(1);
        Self { free: Arc::new(Semaphore::new(units as usize)), units }
    }

    /// Waits for room; more than there is at all gets all of it. Nothing once it is closed.
    pub async fn room(&self, bytes: usize) -> Option<Room> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, self.units);
        let units = Arc::clone(&self.free).acquire_many_owned(units).await.ok()?;
        Some(Room { _units: units })
    }

    /// Nobody gets room any more.
    pub fn close(&self) {
        self.free.close();
    }
}

/// Waits for room on a thread that may block, of whatever runtime or none.
pub fn wait<T>(room: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Parked(thread::current())));
    let mut room = pin!(room);
    loop {
        match room.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(room) => return room,
            Poll::Pending => thread::park(),
        }
    }
}

/// A thread that waits for room.
struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn waits(memory: &Memory, bytes: usize) -> bool {
        timeout(Duration::from_millis(10), memory.room(bytes)).await.is_err()
    }

    #[tokio::test]
    async fn there_is_room_again_when_room_is_dropped() {
        let memory = Memory::new(10 * UNIT);
        let (first, second) = (memory.room(6 * UNIT).await, memory.room(4 * UNIT - 1).await);
        assert!(first.is_some() && second.is_some() && waits(&memory, 1).await);
        drop(second);
        assert!(!waits(&memory, 4 * UNIT).await && waits(&memory, 4 * UNIT + 1).await);
        drop(first);
        let all = memory.room(usize::MAX).await;
        assert!(all.is_some() && waits(&memory, 0).await);
        memory.close();
        assert!(memory.room(1).await.is_none());
    }
}
