//! Locks that a dead owner cannot keep: `flock` ends with the process. What stands in the file says who it was.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::durable;
use crate::store::{LockGuard, LockOutcome};

/// What is read of an owner's note at most, in bytes.
const OWNER_BYTES_MAX: u64 = 64 * 1024;

/// Takes the lock, or reads who has it.
pub(super) fn take(path: &Path, owner: &[u8]) -> io::Result<LockOutcome> {
    if let Some(folder) = path.parent() {
        durable::make_folder(folder)?;
    }
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            let mut holder = Vec::new();
            file.take(OWNER_BYTES_MAX).read_to_end(&mut holder)?;
            return Ok(LockOutcome::Taken(holder));
        }
        // Locks are a courtesy: where the file system has none, unique names and the conditional commit still hold.
        Err(Errno::NOSYS | Errno::NOTSUP | Errno::NOLCK) => {
            tracing::warn!(path = %path.display(), "the file system has no locks, going on without");
        }
        Err(error) => return Err(error.into()),
    }
    file.set_len(0)?;
    file.write_all(owner)?;
    Ok(LockOutcome::Held(Box::new(Guard { file })))
}

#[derive(Debug)]
struct Guard {
    file: File,
}

impl LockGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        // The file stays: removing it would let two owners lock two files of one name.
        let _ = self.file.set_len(0);
    }
}
