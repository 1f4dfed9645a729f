//! Where a repository lies that is struck: a folder, or a prefix in a bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktape::repository::Repository;
use ktape::store::{self, Key, Store};
use tempfile::TempDir;

use super::flaky::{Fate, Flaky};
use crate::not_run::not_run;
use crate::store_contract::server;

/// The variable that names a server.
const SERVER: &str = "KTAPE_TEST_S3";

/// A place of its own.
pub(super) enum Spot {
    Folder(TempDir),
    Bucket(String),
}

impl Spot {
    pub(super) fn folder() -> Self {
        Self::Folder(TempDir::with_prefix("ktape-kept-").unwrap())
    }

    /// Nothing, said so, where there is no server.
    pub(super) fn bucket(what: &str) -> Option<Self> {
        let location = server(SERVER);
        if location.is_none() {
            not_run(what, SERVER);
        }
        location.map(Self::Bucket)
    }

    /// Another place of the same kind.
    pub(super) fn another(&self) -> Self {
        match self {
            Self::Folder(_) => Self::folder(),
            Self::Bucket(_) => Self::Bucket(server(SERVER).unwrap()),
        }
    }

    /// Another place of the same kind that holds these objects.
    pub(super) fn filled_with(&self, objects: &BTreeMap<String, Vec<u8>>) -> Self {
        let place = self.another();
        let store = place.store();
        for (name, bytes) in objects {
            store.put(&Key::new(name.as_str()).unwrap(), bytes).unwrap();
        }
        place
    }

    /// Another place of the same kind that holds a new repository.
    pub(super) fn empty_repository(&self) -> Self {
        let place = self.another();
        Repository::init_in(place.store()).unwrap();
        place
    }

    pub(super) fn location(&self) -> String {
        match self {
            Self::Folder(folder) => folder.path().join("repository").display().to_string(),
            Self::Bucket(location) => location.clone(),
        }
    }

    /// The same bucket as a proxy shows it.
    pub(super) fn behind_a_flaky_way(&self, rule: impl FnMut(u64) -> Fate + Send + 'static) -> (String, Flaky) {
        let location = self.location();
        let (_, rest) = location.split_once("endpoint=http://").unwrap();
        let upstream = rest.split(['&', '/']).next().unwrap();
        let flaky = Flaky::start(upstream, rule);
        (location.replace(&format!("http://{upstream}"), &flaky.url), flaky)
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        store::at(&self.location()).unwrap()
    }
}
