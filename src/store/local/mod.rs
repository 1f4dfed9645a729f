//! Objects as files below a folder. Publishing is a rename within the folder's file system; see [`durable`].

mod blocks;
mod cache;
mod direct;
mod durable;
mod lock;
mod temporary;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use self::blocks::Blocks;
use self::temporary::Temporary;
use super::{Key, LockOutcome, ObjectInfo, ObjectWriter, Store, StoreError};
use crate::model::Timestamp;

/// A folder of the local file system, or of one that is mounted.
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: PathBuf,
    blocks: Blocks,
}

/// Folder below the root for files that have no name of their own yet.
pub(super) const TEMPORARY_FOLDER: &str = "tmp";

impl LocalStore {
    /// A store in this folder, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), blocks: Blocks::default() }
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }

    fn folder(&self, folder: Option<&Key>) -> PathBuf {
        folder.map_or_else(|| self.root.clone(), |key| self.path(key))
    }

    fn failed(&self, operation: &'static str, key: &Key) -> impl FnOnce(io::Error) -> StoreError {
        let path = self.path(key).display().to_string();
        let key = key.clone();
        move |source| StoreError::new(operation, Some(&key), path, source)
    }

    fn open(&self, key: &Key) -> Result<File, StoreError> {
        File::open(self.path(key)).map_err(self.failed("open", key))
    }

    fn write_aside(&self, key: &Key, bytes: &[u8]) -> Result<Temporary, StoreError> {
        let failed = |source| self.failed("write", key)(source);
        let mut temporary = Temporary::create(&self.root, &self.blocks).map_err(failed)?;
        temporary.write(bytes).map_err(failed)?;
        Ok(temporary)
    }
}

impl Store for LocalStore {
    fn put(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        note("put", key);
        self.write_aside(key, bytes)?.replace(&self.path(key)).map_err(self.failed("publish", key))
    }

    fn put_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        note("put if absent", key);
        self.write_aside(key, bytes)?.publish(&self.path(key)).map_err(self.failed("publish", key))
    }

    fn get(&self, key: &Key) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        self.open(key)?.read_to_end(&mut bytes).map_err(self.failed("read", key))?;
        Ok(bytes)
    }

    fn get_range(&self, key: &Key, start: u64, length: u64) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        self.read(key, start)?.take(length).read_to_end(&mut bytes).map_err(self.failed("read", key))?;
        Ok(bytes)
    }

    fn read(&self, key: &Key, start: u64) -> Result<Box<dyn Read + Send>, StoreError> {
        let mut file = self.open(key)?;
        if start > 0 {
            file.seek(SeekFrom::Start(start)).map_err(self.failed("read", key))?;
        }
        Ok(Box::new(cache::ReadOnce::new(file, start)))
    }

    fn create(&self, early: &Key) -> Result<Box<dyn ObjectWriter>, StoreError> {
        let temporary = Temporary::create(&self.root, &self.blocks).map_err(self.failed("write", early))?;
        Ok(Box::new(LocalWriter { store: self.clone(), early: early.clone(), temporary }))
    }

    fn info(&self, key: &Key) -> Result<Option<ObjectInfo>, StoreError> {
        match fs::metadata(self.path(key)) {
            Ok(metadata) if metadata.is_file() => Ok(Some(info(key, &metadata))),
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(self.failed("look at", key)(error)),
        }
    }

    fn list(&self, folder: Option<&Key>) -> Result<Vec<ObjectInfo>, StoreError> {
        let path = self.folder(folder);
        let mut objects = Vec::new();
        collect(&path, folder, &mut objects)
            .map_err(|source| StoreError::new("list", folder, path.display().to_string(), source))?;
        objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }

    fn children(&self, folder: Option<&Key>) -> Result<Vec<String>, StoreError> {
        let path = self.folder(folder);
        names(&path).map_err(|source| StoreError::new("list", folder, path.display().to_string(), source))
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        note("delete", key);
        match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed("delete", key)(error)),
            _ => Ok(()),
        }
    }

    fn lock(&self, key: &Key, owner: &[u8]) -> Result<LockOutcome, StoreError> {
        lock::take(&self.path(key), owner).map_err(self.failed("lock", key))
    }

    fn sweep(&self) -> Result<usize, StoreError> {
        let folder = self.root.join(TEMPORARY_FOLDER);
        temporary::sweep(&folder)
            .map_err(|source| StoreError::new("clean up", None, folder.display().to_string(), source))
    }

    fn free_space(&self) -> Option<u64> {
        let space = rustix::fs::statvfs(&self.root).ok()?;
        space.f_bavail.checked_mul(space.f_frsize)
    }

    fn describe(&self) -> String {
        self.root.display().to_string()
    }
}

/// What is about to change the folder: as [`super::remote`] logs its requests.
fn note(operation: &'static str, object: &Key) {
    tracing::debug!(operation, %object, "store request");
}

fn collect(folder: &Path, prefix: Option<&Key>, into: &mut Vec<ObjectInfo>) -> io::Result<()> {
    for name in names(folder)? {
        let Ok(key) = prefix.map_or_else(|| Key::new(name.clone()), |prefix| prefix.join(&name)) else { continue };
        let path = folder.join(&name);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => collect(&path, Some(&key), into)?,
            Ok(metadata) => into.push(info(&key, &metadata)),
            // Gone since it was listed, or a dangling link.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Names in a folder, ascending; none where there is no folder. Names that are not UTF-8 were not made by us.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

fn info(key: &Key, metadata: &fs::Metadata) -> ObjectInfo {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = Timestamp(modified.map_or(-1, |since| since.as_millis() as i64));
    ObjectInfo { key: key.clone(), size: metadata.len(), modified }
}

#[derive(Debug)]
struct LocalWriter {
    store: LocalStore,
    early: Key,
    temporary: Temporary,
}

impl ObjectWriter for LocalWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let (store, early) = (&self.store, &self.early);
        self.temporary.write(bytes).map_err(|source| store.failed("write", early)(source))
    }

    fn publish(self: Box<Self>, key: &Key) -> Result<Key, StoreError> {
        note("publish", key);
        self.temporary.publish(&self.store.path(key)).map_err(self.store.failed("publish", key))?;
        Ok(key.clone())
    }
}
