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

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads pieces of these sizes; how many came before the bound.
    fn passed(pieces: &[usize], opened: bool) -> usize {
        let (mut guard, flag) = HeaderGuard::new(io::repeat(7));
        flag.store(opened, Ordering::Relaxed);
        pieces.iter().take_while(|size| guard.read(&mut vec![0; **size]).is_ok()).count()
    }

    #[test]
    fn a_header_ends_within_its_bound_whatever_pieces_it_comes_in() {
        let most = HEADER_MAX as usize;
        assert_eq!(passed(&[5000, 5000, 1, 1], false), 2);
        assert_eq!(passed(&[most, 1, 1], false), 2, "it may have exactly so many");
        assert_eq!(passed(&[most, most, most, most], true), 4, "what follows it has no bound");
    }

    #[test]
    fn it_is_where_what_it_guards_is() {
        let (mut guard, _) = HeaderGuard::new(io::Cursor::new(vec![0; 100]));
        assert_eq!(guard.seek(SeekFrom::Start(70)).unwrap(), 70);
        assert_eq!(guard.seek(SeekFrom::Current(5)).unwrap(), 75);
    }
}
