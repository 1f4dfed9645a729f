//! Objects in a bucket: S3 and what speaks like it, Azure Blob Storage.
//!
//! - Put-if-absent is a conditional request. Where the request was sent more than once because an answer got lost, the
//!   object is read back: it may be our own.
//! - What is larger than one part is uploaded in parts while it is written. Its name must be given before its end is
//!   known, so it gets the early one.
//! - Retries are the HTTP layer's alone, see [`http`].

mod azure;
mod engine;
mod fault;
mod http;
mod location;
mod lock;
mod profile;
mod program;
mod reader;
mod s3;
mod writer;

use std::future::{Future, ready};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutPayload,
};

use self::engine::{Engine, Slots};
use self::fault::failure;
use self::http::Attempts;
pub use self::location::LocationError;
use self::location::{Location, Service};
pub(crate) use self::location::{is_remote, shown};
use super::{Key, LockOutcome, ObjectInfo, ObjectWriter, Store, StoreError, StoreErrorKind};
use crate::model::Timestamp;

/// Parts on their way at once, over all writers of a store.
const PARTS_IN_FLIGHT: usize = 4;
/// How long the first request may take, retries and all, before the service counts as out of reach.
const PROBE_PATIENCE: Duration = Duration::from_secs(10);

/// A bucket and a prefix. Clones share connections.
#[derive(Debug, Clone)]
pub struct RemoteStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    service: Arc<dyn ObjectStore>,
    http: http::Settings,
    place: String,
    prefix: String,
    attributes: Attributes,
    conditional: bool,
    slots: Arc<Slots>,
}

/// Why a store cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The location makes no sense.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The service, or the way to it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RemoteStore {
    /// Connects: credentials are found and a first request is made. `variable` looks up the environment.
    pub fn connect(location: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConnectError> {
        let parsed = Location::parse(location)?;
        let place = shown(location).trim_end_matches('/').to_owned();
        let failed = |source| StoreError::new("reach", None, place.clone(), source);
        let engine = Engine::start().map_err(failed)?;
        let http = http::Settings::new(&parsed.options, variable)
            .map_err(|source| fault::setup(&place, StoreErrorKind::Certificate, source))?;
        let service: Arc<dyn ObjectStore> = match parsed.service {
            Service::S3 => s3::service(&parsed, &http, variable, &place)?,
            Service::Azure => azure::service(&parsed, &http, variable, &place)?,
        };
        let mut attributes = Attributes::new();
        if let Some(class) = parsed.options.storage_class {
            attributes.insert(Attribute::StorageClass, class.into());
        }
        let store = Self {
            inner: Arc::new(Inner {
                engine,
                service,
                http,
                place,
                prefix: parsed.prefix,
                attributes,
                conditional: parsed.options.conditional_put.unwrap_or(true),
                slots: Slots::new(PARTS_IN_FLIGHT),
            }),
        };
        store.probe()?;
        Ok(store)
    }

    /// Reads one byte that need not be there: what is wrong with the service shows now, in seconds, and needs no right that
    /// reading does not need.
    fn probe(&self) -> Result<(), StoreError> {
        let path = self.path("reach", &Key::new("repository.json").map_err(|error| self.odd(None, error))?)?;
        let service = Arc::clone(&self.inner.service);
        let options = GetOptions { range: Some(GetRange::Bounded(0..1)), ..GetOptions::default() };
        let asked = async move { service.get_opts(&path, options).await.map(|_| ()) };
        match self.inner.engine.run_within(PROBE_PATIENCE, asked) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => match self.failed("reach", None, &error) {
                error if error.kind == StoreErrorKind::NotFound || is_beyond_the_end(&error) => Ok(()),
                error if error.kind == StoreErrorKind::Unreachable => Err(self.out_of_reach(&error.source)),
                error => Err(error),
            },
            Err(error) => Err(self.out_of_reach(&error)),
        }
    }

    fn out_of_reach(&self, error: &io::Error) -> StoreError {
        let (kind, why) = match self.inner.http.last_failure() {
            Some(last) if last.metadata => {
                (StoreErrorKind::Credentials, "no credentials are set, and this is no machine of a cloud".to_owned())
            }
            Some(last) => (StoreErrorKind::Unreachable, last.text),
            None => (StoreErrorKind::Unreachable, error.to_string()),
        };
        fault::setup(&self.inner.place, kind, io::Error::other(why))
    }

    fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        key: Option<&Key>,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.inner.engine.run(work) {
            Ok(result) => result.map_err(|error| self.failed(operation, key, &error)),
            Err(error) => Err(StoreError::new(operation, key, self.shown(key), error)),
        }
    }

    fn failed(&self, operation: &'static str, key: Option<&Key>, error: &Error) -> StoreError {
        failure(operation, key, self.shown(key), error)
    }

    fn odd(&self, key: Option<&Key>, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
        StoreError::new("name", key, self.shown(key), io::Error::other(error))
    }

    fn shown(&self, key: Option<&Key>) -> String {
        key.map_or_else(|| self.inner.place.clone(), |key| format!("{}/{key}", self.inner.place))
    }

    /// The object's name in the bucket.
    fn path(&self, _operation: &'static str, key: &Key) -> Result<Path, StoreError> {
        let name = if self.inner.prefix.is_empty() { key.to_string() } else { format!("{}/{key}", self.inner.prefix) };
        Path::parse(name).map_err(|error| self.odd(Some(key), error))
    }

    fn folder(&self, folder: Option<&Key>) -> Result<Option<Path>, StoreError> {
        match folder {
            Some(key) => self.path("list", key).map(Some),
            None if self.inner.prefix.is_empty() => Ok(None),
            None => Path::parse(&self.inner.prefix).map(Some).map_err(|error| self.odd(None, error)),
        }
    }

    /// The key of an object in the bucket; `None` for names that we would not give.
    fn key(&self, path: &Path) -> Option<Key> {
        let name = path.as_ref();
        let name = match self.inner.prefix.as_str() {
            "" => name,
            prefix => name.strip_prefix(prefix)?.strip_prefix('/')?,
        };
        Key::new(name).ok()
    }

    fn info_of(&self, meta: &ObjectMeta) -> Option<ObjectInfo> {
        let modified = Timestamp(meta.last_modified.timestamp_millis());
        Some(ObjectInfo { key: self.key(&meta.location)?, size: meta.size, modified })
    }

    fn put_with(
        &self,
        key: &Key,
        bytes: &[u8],
        mode: PutMode,
        attempts: &Attempts,
    ) -> Result<Option<String>, StoreError> {
        let path = self.path("write", key)?;
        let payload = PutPayload::from(bytes.to_vec());
        let mut options = PutOptions { mode, attributes: self.inner.attributes.clone(), ..PutOptions::default() };
        options.extensions.insert(attempts.clone());
        let service = Arc::clone(&self.inner.service);
        self.run("write", Some(key), async move { service.put_opts(&path, payload, options).await })
            .map(|result| result.e_tag)
    }

    fn taken(&self, key: &Key) -> StoreError {
        let source = io::ErrorKind::AlreadyExists.into();
        StoreError::new("publish", Some(key), self.shown(Some(key)), source)
    }

    /// Where the server knows no conditions: look, then write. Two writers at the same instant may both win.
    fn put_after_looking(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        if self.info(key)?.is_some() { Err(self.taken(key)) } else { self.put(key, bytes) }
    }
}

impl Store for RemoteStore {
    fn put(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        self.put_with(key, bytes, PutMode::Overwrite, &Attempts::default()).map(|_| ())
    }

    fn put_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        if !self.inner.conditional {
            return self.put_after_looking(key, bytes);
        }
        let attempts = Attempts::default();
        let Err(error) = self.put_with(key, bytes, PutMode::Create, &attempts) else { return Ok(()) };
        // An answer may have got lost: what is there may be what we wrote.
        let unsure = attempts.count() > 1 || error.kind == StoreErrorKind::Unreachable;
        if unsure && self.get(key).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        // Where versions are kept, some servers take the mark of a deletion for an object.
        if error.is_already_exists() && self.info(key)?.is_none() {
            return self.put(key, bytes);
        }
        Err(error)
    }

    fn get(&self, key: &Key) -> Result<Vec<u8>, StoreError> {
        let (service, path) = (Arc::clone(&self.inner.service), self.path("read", key)?);
        let bytes = self.run("read", Some(key), async move { service.get(&path).await?.bytes().await })?;
        Ok(bytes.into())
    }

    fn get_range(&self, key: &Key, start: u64, length: u64) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        let end = start.saturating_add(length);
        if length > 0 {
            let range = GetRange::Bounded(start..end);
            let read = self.stream(key, &range)?.read_to_end(&mut bytes);
            read.map_err(|source| StoreError::new("read", Some(key), self.shown(Some(key)), source))?;
        }
        Ok(bytes)
    }

    fn read(&self, key: &Key, start: u64) -> Result<Box<dyn Read + Send>, StoreError> {
        self.stream(key, &GetRange::Offset(start))
    }

    fn create(&self, early: &Key) -> Result<Box<dyn ObjectWriter>, StoreError> {
        Ok(Box::new(writer::Writer::new(self.clone(), early.clone())))
    }

    fn try_writing(&self, early: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        writer::Writer::new(self.clone(), early.clone()).rehearse(bytes)
    }

    fn info(&self, key: &Key) -> Result<Option<ObjectInfo>, StoreError> {
        let (service, path) = (Arc::clone(&self.inner.service), self.path("look at", key)?);
        match self.run("look at", Some(key), async move { service.head(&path).await }) {
            Ok(meta) => Ok(self.info_of(&meta)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(&self, folder: Option<&Key>) -> Result<Vec<ObjectInfo>, StoreError> {
        let (store, path) = (self.clone(), self.folder(folder)?);
        // Page by page: of what the service says only that stays which is asked for.
        let listing = async move {
            let pages = store.inner.service.list(path.as_ref());
            pages.try_filter_map(|meta| ready(Ok(store.info_of(&meta)))).try_collect::<Vec<ObjectInfo>>().await
        };
        let mut objects = self.run("list", folder, listing)?;
        objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }

    fn children(&self, folder: Option<&Key>) -> Result<Vec<String>, StoreError> {
        let (service, path) = (Arc::clone(&self.inner.service), self.folder(folder)?);
        let listed = self.run("list", folder, async move { service.list_with_delimiter(path.as_ref()).await })?;
        let names = listed.objects.iter().map(|meta| &meta.location).chain(&listed.common_prefixes);
        let mut names: Vec<String> = names.filter_map(|path| path.filename().map(str::to_owned)).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let (service, path) = (Arc::clone(&self.inner.service), self.path("delete", key)?);
        match self.run("delete", Some(key), async move { service.delete(&path).await }) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    fn lock(&self, key: &Key, owner: &[u8]) -> Result<LockOutcome, StoreError> {
        lock::take(self, key, owner)
    }

    /// What writers that died uploaded in part is not listed; the bucket's own rule removes it (OPERATIONS.md).
    fn sweep(&self) -> Result<usize, StoreError> {
        Ok(0)
    }

    fn free_space(&self) -> Option<u64> {
        None
    }

    fn describe(&self) -> String {
        self.inner.place.clone()
    }
}

/// Whether a range was asked for that begins after the end.
fn is_beyond_the_end(error: &StoreError) -> bool {
    error.source.kind() == io::ErrorKind::UnexpectedEof
}
