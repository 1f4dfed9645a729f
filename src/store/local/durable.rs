//! Names that survive a power failure.
//!
//! A rename is durable once the folder that holds the new name is synced, and a folder once its parent is. Whoever
//! calls these has synced the file's bytes before: a name must never point to bytes that are not there yet.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

/// Gives a file a name that must be free (`AlreadyExists` otherwise), and syncs the name.
pub(super) fn publish(from: &Path, to: &Path) -> io::Result<()> {
    let folder = parent(to)?;
    make_folder(folder)?;
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        // NFS and some FUSE file systems cannot; there a hard link is the put-if-absent.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link(from, to)?,
        Err(error) => return Err(error.into()),
    }
    sync_folder(folder)
}

/// Gives a file a name, taking it from another file if need be, and syncs the name.
pub(super) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let folder = parent(to)?;
    make_folder(folder)?;
    fs::rename(from, to)?;
    sync_folder(folder)
}

fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

/// Makes a folder and what is missing above it, each with its name synced.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        make_folder(above)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(above.unwrap_or(Path::new(".")))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // File systems without the notion say so this way.
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(()),
        result => result,
    }
}

fn parent(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fallback_refuses_a_taken_name_too() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        assert_eq!(link(&from, &to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).unwrap(), b"old");
        fs::remove_file(&to).unwrap();
        link(&from, &to).unwrap();
        assert!(!from.exists());
        assert_eq!(fs::read(&to).unwrap(), b"new");
    }

    #[test]
    fn folders_are_made_as_deep_as_needed() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        make_folder(&deep).unwrap();
        make_folder(&deep).unwrap();
        assert!(deep.is_dir());
    }
}
