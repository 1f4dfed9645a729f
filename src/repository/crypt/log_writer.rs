//! Writing a plain log in the repository's form.

use std::fmt;
use std::io::{self, Write};

use age::stream::StreamWriter;

use super::Form;
use super::frames::Frames;
use super::keys::InForce;
use crate::repository::format::{Compression, Frame, Seal};
use crate::repository::{ContentHasher, Repository, RepositoryError, layout};
use crate::store::{Key, ObjectWriter, StoreError};

/// What became of a plain log: the fields of a [`Seal`] that say how it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Key of the object.
    pub object: String,
    /// Number of stored bytes.
    pub length: u64,
    /// Digest of the stored bytes where they differ from the plain log.
    pub stored_digest: Option<String>,
    /// Its zstd frames; none where it is not compressed.
    pub frames: Vec<Frame>,
    /// Number of the keys that it is encrypted to.
    pub keys: Option<u64>,
}

impl Stored {
    /// The seal of the same log, stored so.
    pub fn apply(self, seal: &mut Seal) {
        let Self { object, length, stored_digest, frames, keys } = self;
        (seal.object, seal.start, seal.length) = (object, 0, length);
        (seal.stored_digest, seal.frames, seal.keys) = (stored_digest, frames, keys);
    }
}

/// Takes a plain log and stores it as the repository stores logs. Dropped before [`LogWriter::publish`], nothing of it
/// remains.
pub struct LogWriter {
    repository: Repository,
    folder: Key,
    form: Form,
    keys: Option<u64>,
    frames: Option<Frames>,
    layer: Layer,
}

impl Repository {
    /// Begins the object of a segment in a partition's folder; `compress` says whether that is worth while.
    pub fn create_log(&self, folder: &Key, base: i64, compress: bool) -> Result<LogWriter, RepositoryError> {
        let Compression::Zstd { level } = self.document().compression.unwrap_or(Compression::Zstd { level: 0 });
        let zstd = compress && self.document().compression.is_some();
        let form = Form { zstd, age: self.in_force().is_some() };
        let early = layout::early_segment(folder, base, &self.random(8)?, form)?;
        let digest = (!form.is_plain()).then(|| self.document().digest.hasher());
        let sink = Sink { object: self.store().create(&early)?, digest, length: 0 };
        let layer = match self.in_force() {
            None => Layer::Plain(Box::new(sink)),
            Some(keys) => Layer::encrypted(keys, sink).map_err(|error| failed(error, &early))?,
        };
        Ok(LogWriter {
            repository: self.clone(),
            folder: folder.clone(),
            form,
            keys: self.in_force().map(|keys| keys.number),
            frames: zstd.then(|| Frames::new(level)),
            layer,
        })
    }
}

impl LogWriter {
    /// Appends bytes of the log.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), RepositoryError> {
        let Self { frames, layer, .. } = self;
        let written = match frames {
            Some(frames) => frames.write(bytes, |frame| layer.write_all(frame)),
            None => layer.write_all(bytes),
        };
        written.map_err(|error| failed(error, &self.folder))
    }

    /// Syncs the object and gives it its name.
    pub fn publish(self, base: i64, next: i64) -> Result<Stored, RepositoryError> {
        let key = layout::segment(&self.folder, base, next, &self.repository.random(8)?, self.form)?;
        let mut layer = self.layer;
        let frames = match self.frames {
            Some(frames) => frames.finish(|frame| layer.write_all(frame)).map_err(|error| failed(error, &key))?,
            None => Vec::new(),
        };
        let Sink { object, digest, length } = layer.finish().map_err(|error| failed(error, &key))?;
        tracing::debug!(phase = "publish", object = %key, "segment written, about to publish");
        let key = object.publish(&key)?;
        Ok(Stored {
            object: key.to_string(),
            length,
            stored_digest: digest.map(|digest| digest.finish()),
            frames,
            keys: self.keys,
        })
    }
}

impl fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogWriter").field("folder", &self.folder).field("form", &self.form).finish_non_exhaustive()
    }
}

/// What the store said, or why the bytes could not be made.
fn failed(error: io::Error, key: &Key) -> RepositoryError {
    match error.downcast::<StoreError>() {
        Ok(error) => error.into(),
        Err(error) => StoreError::new("write", Some(key), key.as_str(), error).into(),
    }
}

enum Layer {
    Plain(Box<Sink>),
    Age(Box<StreamWriter<Sink>>),
}

impl Layer {
    fn encrypted(keys: &InForce, sink: Sink) -> io::Result<Self> {
        Ok(Self::Age(Box::new(keys.encryptor()?.wrap_output(sink)?)))
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(sink) => sink.write_all(bytes),
            Self::Age(stream) => stream.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<Sink> {
        match self {
            Self::Plain(sink) => Ok(*sink),
            Self::Age(stream) => stream.finish(),
        }
    }
}

struct Sink {
    object: Box<dyn ObjectWriter>,
    digest: Option<ContentHasher>,
    length: u64,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.object.write(bytes).map_err(io::Error::other)?;
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
