//! Reading the plain log out of stored bytes, from any position.

use std::fmt;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use age::DecryptError;
use age::stream::StreamReader;

use super::Form;
use super::header::HeaderGuard;
use crate::repository::error::{Damage, RepositoryError};
use crate::repository::format::{Frame, Seal};
use crate::repository::{ContentHasher, Place, Repository};
use crate::store::{Key, StoreError};

/// Largest window that a frame may ask for (log2): FORMAT.md promises frames of at most 4 MiB.
const WINDOW_LOG_MAX: u32 = 23;
/// Bytes that are read from the store at a time below a layer.
const BUFFER: usize = 128 << 10;

impl Repository {
    /// Streams the plain log of a segment, from a position in it to its end. A digest is the caller's to check; an
    /// error of the stream is told by [`read_failed`].
    pub fn read_plain(&self, seal: &Seal, position: u64) -> Result<Box<dyn Read + Send>, RepositoryError> {
        let place = self.place(seal)?;
        let form = Form::of(&seal.object);
        if form.is_plain() {
            return self.read_stored(&place, position);
        }
        let frame = if form.zstd { frame_before(&seal.frames, position) } else { Frame { position, start: position } };
        let stored = StoredSource::new(self, place.clone());
        let compressed: Box<dyn Read + Send> = if form.age {
            let mut stream = self.decrypted(&place.key, stored)?;
            stream.seek(SeekFrom::Start(frame.start)).map_err(|error| of_layer(&place.key, error))?;
            Box::new(stream)
        } else {
            Box::new(stored.starting_at(frame.start))
        };
        let mut plain = PlainSource::new(place.key, form, compressed)?;
        plain.skip(position - frame.position)?;
        Ok(Box::new(plain.take(seal.size.saturating_sub(position).saturating_add(1))))
    }

    /// Streams a whole segment and takes the digest of its stored bytes on the way.
    pub fn read_whole(&self, seal: &Seal) -> Result<WholeSegment, RepositoryError> {
        let place = self.place(seal)?;
        let form = Form::of(&seal.object);
        let tap = Tap::default();
        let digest = ContentHasher::like(seal.stored_digest.as_ref().unwrap_or(&seal.digest));
        let stored = tap.on(self.read_stored(&place, 0)?, digest);
        let compressed: Box<dyn Read + Send> = if form.age {
            Box::new(self.decrypted(&place.key, BufReader::with_capacity(BUFFER, stored))?)
        } else {
            Box::new(stored)
        };
        let plain = PlainSource::new(place.key, form, compressed)?;
        Ok(WholeSegment { plain: plain.take(seal.size.saturating_add(1)), tap })
    }

    fn decrypted<R: Read>(&self, object: &Key, stored: R) -> Result<StreamReader<HeaderGuard<R>>, RepositoryError> {
        let keyring = self.keyring().ok_or_else(|| self.no_key())?;
        keyring.decrypt(stored).map_err(|error| match error {
            DecryptError::NoMatchingKeys => {
                RepositoryError::KeyDoesNotFit { object: object.to_string(), given: keyring.recipients().join(", ") }
            }
            DecryptError::Io(error) => of_layer(object, error),
            error => RepositoryError::damaged(object.as_str(), Damage::Decrypt(error.to_string())),
        })
    }
}

/// What a failed read of a plain log means: the store's failure, or damage to the object.
pub fn read_failed(object: &Key, error: io::Error) -> RepositoryError {
    let error = match error.downcast::<Damage>() {
        Ok(damage) => return RepositoryError::damaged(object.as_str(), damage),
        Err(error) => error,
    };
    match error.downcast::<StoreError>() {
        Ok(error) => error.into(),
        Err(error) => StoreError::new("read", Some(object), object.as_str(), error).into(),
    }
}

/// The same for an error from below the layers.
fn of_layer(object: &Key, error: io::Error) -> RepositoryError {
    match error.downcast::<StoreError>() {
        Ok(error) => error.into(),
        Err(error) => RepositoryError::damaged(object.as_str(), Damage::Decrypt(error.to_string())),
    }
}

/// The last frame that begins at or before a position.
fn frame_before(frames: &[Frame], position: u64) -> Frame {
    let after = frames.partition_point(|frame| frame.position <= position);
    let before = after.checked_sub(1).and_then(|at| frames.get(at));
    before.copied().unwrap_or(Frame { position: 0, start: 0 })
}

/// A whole segment as plain log.
pub struct WholeSegment {
    plain: io::Take<PlainSource>,
    tap: Tap,
}

impl WholeSegment {
    /// Digest of the stored bytes; reads what was not read yet, whatever it is.
    pub fn stored_digest(self) -> io::Result<String> {
        let Self { plain, tap } = self;
        drop(plain);
        tap.finish()
    }
}

impl Read for WholeSegment {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.plain.read(into)
    }
}

impl fmt::Debug for WholeSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WholeSegment").finish_non_exhaustive()
    }
}

/// Takes the digest of what is read through it, and can read the rest after the reader is gone.
#[derive(Clone, Default)]
struct Tap(Arc<Mutex<Option<Tapped>>>);

struct Tapped {
    source: Box<dyn Read + Send>,
    digest: ContentHasher,
}

impl Tap {
    fn on(&self, source: Box<dyn Read + Send>, digest: ContentHasher) -> Self {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Tapped { source, digest });
        self.clone()
    }

    fn finish(mut self) -> io::Result<String> {
        io::copy(&mut self, &mut io::sink())?;
        let tapped = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(tapped.as_ref().map_or_else(String::new, |tapped| tapped.digest.finish()))
    }
}

impl Read for Tap {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut tapped = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tapped) = tapped.as_mut() else { return Ok(0) };
        let read = tapped.source.read(into)?;
        tapped.digest.update(into.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// The plain log; errors say what is wrong with the object.
struct PlainSource {
    object: Key,
    form: Form,
    source: Box<dyn Read + Send>,
}

impl PlainSource {
    fn new(object: Key, form: Form, compressed: Box<dyn Read + Send>) -> Result<Self, RepositoryError> {
        if !form.zstd {
            return Ok(Self { object, form, source: compressed });
        }
        let failed = |error: io::Error| RepositoryError::damaged(object.as_str(), Damage::Zstd(error.to_string()));
        let mut decoder = zstd::stream::read::Decoder::new(compressed).map_err(failed)?;
        decoder.window_log_max(WINDOW_LOG_MAX).map_err(failed)?;
        Ok(Self { object, form, source: Box::new(decoder) })
    }

    fn skip(&mut self, bytes: u64) -> Result<(), RepositoryError> {
        match io::copy(&mut self.by_ref().take(bytes), &mut io::sink()) {
            Ok(_) => Ok(()),
            Err(error) => Err(read_failed(&self.object, error)),
        }
    }
}

impl Read for PlainSource {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.source.read(into).map_err(|error| match error.downcast::<StoreError>() {
            Ok(error) => io::Error::other(error),
            Err(error) if self.form.is_plain() || error.kind() == io::ErrorKind::Interrupted => error,
            Err(error) if self.form.age => io::Error::other(Damage::Decrypt(error.to_string())),
            Err(error) => io::Error::other(Damage::Zstd(error.to_string())),
        })
    }
}

/// The stored bytes of one segment, which can be read from any position.
struct StoredSource {
    repository: Repository,
    place: Place,
    position: u64,
    stream: Option<BufReader<Box<dyn Read + Send>>>,
}

impl StoredSource {
    fn new(repository: &Repository, place: Place) -> Self {
        Self { repository: repository.clone(), place, position: 0, stream: None }
    }

    fn starting_at(self, position: u64) -> Self {
        Self { position, ..self }
    }

    fn stream(&mut self) -> io::Result<&mut BufReader<Box<dyn Read + Send>>> {
        let stream = if let Some(stream) = self.stream.take() {
            stream
        } else {
            let stored = self.repository.read_stored(&self.place, self.position);
            let failed = |error| match error {
                RepositoryError::Store(error) => io::Error::other(error),
                error => io::Error::other(Damage::Contradiction(error.to_string())),
            };
            BufReader::with_capacity(BUFFER, stored.map_err(failed)?)
        };
        Ok(self.stream.insert(stream))
    }
}

impl Read for StoredSource {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let key = self.place.key.clone();
        let read = self.stream()?.read(into);
        let read = read.map_err(|error| io::Error::other(StoreError::new("read", Some(&key), key.as_str(), error)))?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for StoredSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "outside of the object");
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.place.length.checked_add_signed(by),
        };
        let position = position.filter(|position| *position <= self.place.length).ok_or_else(outside)?;
        if position != self.position {
            self.stream = None;
            self.position = position;
        }
        Ok(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store that fails in the middle.
    struct Failing(io::ErrorKind);

    impl Read for Failing {
        fn read(&mut self, _into: &mut [u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
    }

    fn read(form: Form, source: impl Read + Send + 'static) -> io::Error {
        let mut plain = PlainSource::new(Key::new("a").unwrap(), form, Box::new(source)).unwrap();
        plain.read(&mut [0; 9]).unwrap_err()
    }

    fn told(error: io::Error) -> RepositoryError {
        read_failed(&Key::new("a").unwrap(), error)
    }

    #[test]
    fn a_plain_log_that_cannot_be_read_is_not_damaged() {
        let error = told(read(Form::default(), Failing(io::ErrorKind::PermissionDenied)));
        assert!(matches!(error, RepositoryError::Store(_)), "{error}");
        for form in [Form::default(), Form { zstd: false, age: true }] {
            assert_eq!(read(form, Failing(io::ErrorKind::Interrupted)).kind(), io::ErrorKind::Interrupted, "{form:?}");
        }
    }

    #[test]
    fn reading_begins_with_the_last_frame_that_does_not_lie_behind() {
        let frames: Vec<Frame> = (0..5).map(|at| Frame { position: at * 10, start: at * 3 }).collect();
        for (position, expected) in [(0, 0), (9, 0), (10, 1), (19, 1), (39, 3), (40, 4), (99, 4)] {
            let found = frame_before(&frames, position);
            assert_eq!((found.position, found.start), (expected * 10, expected * 3), "{position}");
        }
        assert_eq!(frame_before(&[], 7).position, 0);
    }

    #[test]
    fn damage_is_told_by_the_layer_that_found_it() {
        let damage = |form, source: &'static [u8]| match told(read(form, source)) {
            RepositoryError::Damaged { damage, .. } => damage,
            other => panic!("{other}"),
        };
        assert!(matches!(damage(Form { zstd: true, age: false }, b"no frame at all"), Damage::Zstd(_)));
        let error = told(read(Form { zstd: false, age: true }, Failing(io::ErrorKind::InvalidData)));
        assert!(matches!(error, RepositoryError::Damaged { damage: Damage::Decrypt(_), .. }), "{error}");
    }
}
