//! A bound for the header of an age file: its parser keeps reading until the header ends, and a damaged or hostile one
//! never does.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes that a header may have: some eighty recipients. The parser takes time with the square of it.
const HEADER_MAX: u64 = 8 << 10;

/// Gives out no more than a header's bytes until it is told that the header is read.
#[derive(Debug)]
pub(in crate::repository) struct HeaderGuard<R> {
    inner: R,
    read: u64,
    passed: Arc<AtomicBool>,
}

impl<R> HeaderGuard<R> {
    /// The guard, and the flag that opens it.
    pub(super) fn new(inner: R) -> (Self, Arc<AtomicBool>) {
        let passed = Arc::new(AtomicBool::new(false));
        (Self { inner, read: 0, passed: Arc::clone(&passed) }, passed)
    }
}

impl<R: Read> Read for HeaderGuard<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read > HEADER_MAX && !self.passed.load(Ordering::Relaxed) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its header does not end"));
        }
        let read = self.inner.read(into)?;
        self.read = self.read.saturating_add(read as u64);
        Ok(read)
    }
}

impl<R: Seek> Seek for HeaderGuard<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
