//! A backup reads and writes much once. On a broker's host the page cache is the broker's, so what went through a file is
//! not kept there where memory is short. Where there is plenty it is in nobody's way, and letting go of it costs as much as
//! checking it. All of this is advice: where the kernel does not take it, nothing else changes.

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroU64;

use rustix::fs::{Advice, fadvise};

/// Bytes that are read between two pieces of advice.
const STRETCH: u64 = 8 << 20;
/// Smaller objects are read more than once, and push out nothing.
const WORTH_FORGETTING: u64 = 1 << 20;

/// Whether keeping something means that something else has to go: less than a tenth of the memory is free.
fn is_short() -> bool {
    let memory = rustix::system::sysinfo();
    memory.freeram < memory.totalram / 10
}

/// The file was written and synced: its pages are not needed any more.
pub(super) fn written(file: &File) {
    if file.metadata().is_ok_and(|metadata| metadata.len() >= WORTH_FORGETTING) && is_short() {
        let _ = fadvise(file, 0, None, Advice::DontNeed);
    }
}

/// A file that is read from some position on, once.
#[derive(Debug)]
pub(super) struct ReadOnce {
    file: File,
    position: u64,
    forgotten: u64,
}

impl ReadOnce {
    /// The file stands at `position`.
    pub(super) fn new(file: File, position: u64) -> Self {
        Self { file, position, forgotten: position }
    }

    fn forget(&mut self) {
        if let Some(length) = NonZeroU64::new(self.position - self.forgotten).filter(|_| is_short()) {
            let _ = fadvise(&self.file, self.forgotten, Some(length), Advice::DontNeed);
        }
        self.forgotten = self.position;
    }
}

impl Read for ReadOnce {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.position += read as u64;
        if self.position - self.forgotten >= STRETCH {
            self.forget();
        }
        Ok(read)
    }
}

impl Drop for ReadOnce {
    fn drop(&mut self) {
        if self.position - self.forgotten >= WORTH_FORGETTING {
            self.forget();
        }
    }
}
