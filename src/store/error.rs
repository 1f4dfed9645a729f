//! What can go wrong with an object.

use std::io;

use super::Key;
use crate::model::{Classify, ErrorClass};

/// Kinds a caller can act on; the same for every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// There is no such object.
    NotFound,
    /// Put-if-absent found one.
    AlreadyExists,
    /// The file system or the service says no.
    PermissionDenied,
    /// The disk or the quota is full.
    NoSpace,
    /// Mounted read-only.
    ReadOnly,
    /// An object store: there is no such bucket.
    NoBucket,
    /// An object store: there are no credentials, or it does not take them.
    Credentials,
    /// An object store: the bucket is in another region.
    Region,
    /// An object store: this host's clock is too far off for signatures.
    Clock,
    /// An object store: nothing answers.
    Unreachable,
    /// An object store: its certificate is not trusted, or nobody's is.
    Certificate,
    /// Anything else.
    Other,
}

/// A store operation that failed: on what, where, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {path}")]
pub struct StoreError {
    /// What the caller can do about it.
    pub kind: StoreErrorKind,
    /// What was tried: a verb, as in `read`.
    pub operation: &'static str,
    /// Name of the object within the store; empty for the store's root.
    pub key: String,
    /// Where a person finds it.
    pub path: String,
    /// What the system said.
    pub source: io::Error,
}

impl StoreError {
    /// Names the object an I/O error is about. `path` is where a person finds it.
    pub fn new(operation: &'static str, key: Option<&Key>, path: impl Into<String>, source: io::Error) -> Self {
        let key = key.map(|key| key.as_str().to_owned()).unwrap_or_default();
        Self { kind: kind_of(&source), operation, key, path: path.into(), source }
    }

    /// Whether there is no such object.
    pub fn is_not_found(&self) -> bool {
        self.kind == StoreErrorKind::NotFound
    }

    /// Whether put-if-absent found one.
    pub fn is_already_exists(&self) -> bool {
        self.kind == StoreErrorKind::AlreadyExists
    }
}

impl Classify for StoreError {
    fn class(&self) -> ErrorClass {
        match self.kind {
            StoreErrorKind::NotFound
            | StoreErrorKind::AlreadyExists
            | StoreErrorKind::PermissionDenied
            | StoreErrorKind::ReadOnly
            | StoreErrorKind::NoBucket
            | StoreErrorKind::Credentials
            | StoreErrorKind::Region
            | StoreErrorKind::Clock
            | StoreErrorKind::Certificate => ErrorClass::Reject,
            StoreErrorKind::NoSpace | StoreErrorKind::Unreachable | StoreErrorKind::Other => ErrorClass::Fatal,
        }
    }
}

fn kind_of(error: &io::Error) -> StoreErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => StoreErrorKind::NotFound,
        io::ErrorKind::AlreadyExists => StoreErrorKind::AlreadyExists,
        io::ErrorKind::PermissionDenied => StoreErrorKind::PermissionDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::NoSpace,
        io::ErrorKind::ReadOnlyFilesystem => StoreErrorKind::ReadOnly,
        _ => StoreErrorKind::Other,
    }
}
