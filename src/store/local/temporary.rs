//! Files on their way to a name.
//!
//! They lie together in one folder, so that what a killed process leaves is found without walking the tree. Their
//! writer holds a `flock` on them: one that is free belongs to nobody alive. Other hosts' files on a shared file system,
//! where that may not hold, are left alone for a day.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::blocks::Blocks;
use super::direct::Sequential;
use super::{TEMPORARY_FOLDER, durable};
use crate::store::random_hex;

/// How long another host's file is left alone.
const FOREIGN_AGE: Duration = Duration::from_secs(24 * 3600);

/// A file without a name of its own. Removed when dropped.
#[derive(Debug)]
pub(super) struct Temporary {
    file: Sequential,
    path: Option<PathBuf>,
}

impl Temporary {
    /// Makes one in the store's folder for them.
    pub(super) fn create(root: &Path, blocks: &Blocks) -> io::Result<Self> {
        let folder = root.join(TEMPORARY_FOLDER);
        durable::make_folder(&folder)?;
        loop {
            let path = folder.join(format!("{}.{}.{}", host(), std::process::id(), random_hex(8)?));
            let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            // Between those two lines a sweep may have taken it for a dead writer's: then begin again.
            // A file system without locks gives another error: there, sweeps cannot lock either.
            let lock = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
            let locked = lock != Err(Errno::WOULDBLOCK);
            if locked && file.metadata()?.nlink() > 0 {
                return Ok(Self { file: Sequential::new(file, blocks), path: Some(path) });
            }
        }
    }

    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write(bytes)
    }

    /// Syncs it and gives it a name that must be free.
    pub(super) fn publish(self, to: &Path) -> io::Result<()> {
        self.finish(|from| durable::publish(from, to))
    }

    /// Syncs it and gives it a name that may be taken.
    pub(super) fn replace(self, to: &Path) -> io::Result<()> {
        self.finish(|from| durable::replace(from, to))
    }

    fn finish(mut self, rename: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        self.file.sync()?;
        if let Some(path) = &self.path {
            rename(path)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Nothing to do about a failure here: the next sweep removes it.
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes the files of writers that died.
pub(super) fn sweep(folder: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for name in super::names(folder)? {
        let path = folder.join(&name);
        let ours = name.split('.').next() == Some(host().as_str());
        match OpenOptions::new().write(true).open(&path) {
            Ok(file) if is_abandoned(&file, ours) => {
                fs::remove_file(&path)?;
                removed += 1;
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(removed)
}

fn is_abandoned(file: &File, ours: bool) -> bool {
    let age = || file.metadata().and_then(|metadata| metadata.modified()).ok()?.elapsed().ok();
    let old_enough = ours || age().is_some_and(|age| age > FOREIGN_AGE);
    old_enough && rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// This host's name without dots, which separate the parts of a temporary name.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().replace(['.', '/'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_takes_what_the_dead_left_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let living = Temporary::create(root.path(), &Blocks::default()).unwrap();
        let folder = root.path().join(TEMPORARY_FOLDER);
        let dead = folder.join(format!("{}.1.0123", host()));
        let foreign = folder.join("elsewhere.1.0123");
        fs::write(&dead, "left").unwrap();
        fs::write(&foreign, "left").unwrap();
        assert_eq!(sweep(&folder).unwrap(), 1);
        assert!(!dead.exists());
        assert!(foreign.exists());
        living.publish(&root.path().join("object")).unwrap();
        assert!(root.path().join("object").exists());
    }

    #[test]
    fn a_dropped_file_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let mut temporary = Temporary::create(root.path(), &Blocks::default()).unwrap();
        temporary.write(b"half").unwrap();
        drop(temporary);
        assert_eq!(super::super::names(&root.path().join(TEMPORARY_FOLDER)).unwrap(), Vec::<String>::new());
    }
}
