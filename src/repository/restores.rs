//! Where restores write down what they do: `restores/<key>/<restore id>/` of the repository, or of a folder elsewhere
//! when the repository is read-only. Both are laid out alike.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Damage, RepositoryError};
use super::format::{HeldTopic, RestoreDone, RestoreKey, RestorePlanDocument, RestoreReleased, RestoreTopics};
use super::locks::{self, Lock};
use super::offset_map::{MapReader, MapWriter};
use super::open::Repository;
use super::{document, layout};
use crate::model::{Timestamp, TopicName};
use crate::store::{Key, LocalStore, Store, StoreError, random_hex};

const PLAN: &str = layout::RESTORE_PLAN;
const DONE: &str = "done.json";
const OFFSETS: &str = layout::OFFSETS;
/// Name of a topics document before its number.
const TOPICS: &str = "topics-";
/// Name of a released document before its number.
const RELEASED: &str = "released-";

/// All restores that are written down in one place. Clones are the same place.
#[derive(Clone)]
pub struct RestoreStates {
    store: Arc<dyn Store>,
}

impl fmt::Debug for RestoreStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RestoreStates").field(&self.store.describe()).finish()
    }
}

impl Repository {
    /// The restores that are written down in the repository itself.
    pub fn restore_states(&self) -> RestoreStates {
        RestoreStates { store: self.shared_store() }
    }
}

impl Repository {
    /// Checks a document of a restore by its own digest, and a plan by its folder too.
    pub fn check_restore_document(&self, key: &Key) -> Result<(), RepositoryError> {
        let bytes = document::read(self.store(), key)?;
        document::decode::<serde_json::Value>(key.as_str(), &bytes)?;
        if key.name() != PLAN {
            return Ok(());
        }
        let (plan, _) = document::decode::<RestorePlanDocument>(key.as_str(), &bytes)?;
        let expected = digest(&plan.key)?;
        if key.as_str().split('/').rev().nth(2) == Some(expected.as_str()) {
            return Ok(());
        }
        let text = format!("it is the plan of a restore that lies below {}/{expected}", layout::RESTORES);
        Err(RepositoryError::damaged(key.as_str(), Damage::Contradiction(text)))
    }

    /// Reads an offset map to its end.
    pub fn check_map(&self, key: &Key) -> Result<(), RepositoryError> {
        let source = self.store().read(key, 0).map_err(RepositoryError::of_named)?;
        MapReader::new(source, key.to_string()).summary().map(|_| ())
    }
}

impl RestoreStates {
    /// Those of a folder elsewhere, which need not exist yet.
    pub fn in_folder(folder: &Path) -> Self {
        Self { store: Arc::new(LocalStore::new(folder)) }
    }

    /// Where a person finds them.
    pub fn location(&self) -> String {
        self.store.describe()
    }

    /// Makes the folder of a new restore.
    pub fn begin(&self, key: &RestoreKey) -> Result<RestoreFolder, RepositoryError> {
        self.new_folder(&digest(key)?)
    }

    fn new_folder(&self, key: &str) -> Result<RestoreFolder, RepositoryError> {
        let failed = |source| StoreError::new("name", None, self.store.describe(), source);
        // Milliseconds since 1970 in 13 digits: ids sort by time until the year 2286. Where a clock went back, just after the
        // newest there is: the newest attempt is the one that goes on.
        let now = Timestamp::now().0.max(0);
        let time = self.newest_time()?.map_or(now, |newest| now.max(newest.saturating_add(1)));
        let id = format!("{time:013}-{}", random_hex(8).map_err(failed)?);
        Ok(RestoreFolder { store: Arc::clone(&self.store), folder: layout::restore(key, &id)? })
    }

    /// The time in the newest id of all.
    fn newest_time(&self) -> Result<Option<i64>, RepositoryError> {
        let restores = layout::folder(layout::RESTORES)?;
        let mut newest = None;
        for key in self.store.children(Some(&restores))? {
            let ids = self.store.children(Some(&restores.join(&key)?))?;
            newest = newest.max(ids.iter().filter_map(|id| id.split('-').next()?.parse().ok()).max());
        }
        Ok(newest)
    }

    /// Restores with this key, oldest first. A folder without a plan is none: its restore was killed before it began.
    pub fn of(&self, key: &RestoreKey) -> Result<Vec<RestoreFolder>, RepositoryError> {
        self.below(&digest(key)?)
    }

    /// All restores, oldest first.
    pub fn all(&self) -> Result<Vec<RestoreFolder>, RepositoryError> {
        let mut folders = Vec::new();
        for key in self.store.children(Some(&layout::folder(layout::RESTORES)?))? {
            folders.extend(self.below(&key)?);
        }
        folders.sort_by(|a, b| a.id().cmp(b.id()));
        Ok(folders)
    }

    fn below(&self, key: &str) -> Result<Vec<RestoreFolder>, RepositoryError> {
        let mut folders = Vec::new();
        for id in self.store.children(Some(&layout::folder(layout::RESTORES)?.join(key)?))? {
            let folder = RestoreFolder { store: Arc::clone(&self.store), folder: layout::restore(key, &id)? };
            if self.store.info(&folder.folder.join(PLAN)?)?.is_some() {
                folders.push(folder);
            }
        }
        Ok(folders)
    }

    /// Takes the lock under which restores into a cluster look at each other and begin: a moment's work.
    pub fn lock_beginnings(&self, target_cluster_id: &str) -> Result<Lock, RepositoryError> {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        locks::take(self.store.as_ref(), &host, "restore-begin", &target_cluster_id)
    }

    /// Makes the folder of a commit of offsets that is no restore's.
    pub fn begin_offsets(&self) -> Result<RestoreFolder, RepositoryError> {
        self.new_folder(OFFSETS)
    }

    /// Commits of offsets that are no restore's, oldest first.
    pub fn offsets(&self) -> Result<Vec<RestoreFolder>, RepositoryError> {
        let ids = self.store.children(Some(&layout::folder(layout::RESTORES)?.join(OFFSETS)?))?;
        let folder = |id: &String| -> Result<RestoreFolder, RepositoryError> {
            Ok(RestoreFolder { store: Arc::clone(&self.store), folder: layout::restore(OFFSETS, id)? })
        };
        ids.iter().map(folder).collect()
    }

    /// Takes the lock of drills into one cluster: a drill must not take another's scratch topics for left-overs.
    pub fn lock_drills(&self, target_cluster_id: &str) -> Result<Lock, RepositoryError> {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        locks::take(self.store.as_ref(), &host, "drill", &target_cluster_id)
    }

    /// Takes the lock of a restore, here, so that the repository may be read-only.
    pub fn lock(&self, key: &RestoreKey) -> Result<Lock, RepositoryError> {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        locks::take(self.store.as_ref(), &host, "restore", key)
    }
}

fn digest(key: &RestoreKey) -> Result<String, RepositoryError> {
    let failed = |source| RepositoryError::Encode { object: "the key of a restore".to_owned(), source };
    let hex = blake3::hash(&serde_json::to_vec(key).map_err(failed)?).to_hex();
    Ok(hex.chars().take(16).collect())
}

/// The folder of one restore.
#[derive(Debug, Clone)]
pub struct RestoreFolder {
    store: Arc<dyn Store>,
    folder: Key,
}

impl RestoreFolder {
    /// Its path below the repository or the folder of states.
    pub fn path(&self) -> &str {
        self.folder.as_str()
    }

    /// The restore's id: the last part of the path. Ids sort by the time they were made.
    pub fn id(&self) -> &str {
        self.folder.name()
    }

    /// Writes a document that must not be there yet.
    pub fn put<T: Serialize>(&self, name: &str, document: &T) -> Result<(), RepositoryError> {
        let key = self.folder.join(name)?;
        let (bytes, _) = document::encode(key.as_str(), document)?;
        self.store.put_if_absent(&key, &bytes)?;
        tracing::debug!(phase = "restore-state", object = %key, "restore state written");
        Ok(())
    }

    /// Reads a document; `None` if it is not there.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, RepositoryError> {
        let key = self.folder.join(name)?;
        match document::read(self.store.as_ref(), &key) {
            Err(RepositoryError::Missing { .. }) => Ok(None),
            bytes => Ok(Some(document::decode(key.as_str(), &bytes?)?.0)),
        }
    }

    /// Names of what is in the folder, ascending.
    pub fn names(&self) -> Result<Vec<String>, RepositoryError> {
        Ok(self.store.children(Some(&self.folder))?)
    }

    /// Its plan.
    pub fn plan(&self) -> Result<RestorePlanDocument, RepositoryError> {
        self.get(PLAN)?.ok_or_else(|| RepositoryError::Missing { object: format!("{}/{PLAN}", self.folder) })
    }

    /// Writes its plan.
    pub fn begin(&self, plan: &RestorePlanDocument) -> Result<(), RepositoryError> {
        self.put(PLAN, plan)
    }

    /// Its topics as they are now; `None` before all of them exist.
    pub fn topics(&self) -> Result<Option<RestoreTopics>, RepositoryError> {
        match self.last_number(TOPICS)? {
            0 => Ok(None),
            number => self.get(&numbered(TOPICS, number)),
        }
    }

    /// Writes its topics, over those of before if there are any.
    pub fn put_topics(&self, topics: &RestoreTopics) -> Result<(), RepositoryError> {
        self.put(&numbered(TOPICS, self.last_number(TOPICS)? + 1), topics)
    }

    /// The highest number of a document that may be written again and again, 0 if there is none.
    fn last_number(&self, prefix: &str) -> Result<u32, RepositoryError> {
        let number = |name: &str| name.strip_prefix(prefix)?.strip_suffix(".json")?.parse().ok();
        Ok(self.names()?.iter().filter_map(|name| number(name)).max().unwrap_or(0))
    }

    /// How it ended; `None` if it did not.
    pub fn done(&self) -> Result<Option<RestoreDone>, RepositoryError> {
        self.get(DONE)
    }

    /// Writes how it ended.
    pub fn finish(&self, done: &RestoreDone) -> Result<(), RepositoryError> {
        self.put(DONE, done)
    }

    /// Topics whose retention is still held; none before it is done.
    pub fn held(&self) -> Result<Vec<HeldTopic>, RepositoryError> {
        let mut held = self.done()?.map(|done| done.held).unwrap_or_default();
        for number in 1..=self.last_number(RELEASED)? {
            let released: Option<RestoreReleased> = self.get(&numbered(RELEASED, number))?;
            let released = released.map(|one| one.topics).unwrap_or_default();
            held.retain(|one| !released.contains(&one.topic));
        }
        Ok(held)
    }

    /// Writes that held settings were put back.
    pub fn release(&self, released: &RestoreReleased) -> Result<(), RepositoryError> {
        self.put(&numbered(RELEASED, self.last_number(RELEASED)? + 1), released)
    }

    /// Begins the offset map of a partition of the source.
    pub fn map_writer(&self, topic: &TopicName, partition: i32) -> Result<MapWriter, RepositoryError> {
        let key = self.map_key(topic, partition)?;
        Ok(MapWriter::new(self.store.create(&key)?, key))
    }

    /// The offset map of a partition of the source; `None` if it was not read to its end.
    pub fn map(&self, topic: &TopicName, partition: i32) -> Result<Option<MapReader>, RepositoryError> {
        let key = self.map_key(topic, partition)?;
        match self.store.info(&key)? {
            None => Ok(None),
            Some(_) => Ok(Some(MapReader::new(self.store.read(&key, 0)?, key.to_string()))),
        }
    }

    fn map_key(&self, topic: &TopicName, partition: i32) -> Result<Key, RepositoryError> {
        Ok(self.folder.join("maps")?.join(topic.as_str())?.join(&format!("{partition}.jsonl"))?)
    }
}

fn numbered(prefix: &str, number: u32) -> String {
    format!("{prefix}{number}.json")
}

/// For readers of maps: what is wrong with a line.
pub(super) fn damaged_line(object: &str, line: u64, what: &str) -> RepositoryError {
    RepositoryError::damaged(object, Damage::Json(format!("line {line}: {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{OffsetRange, TopicId};
    use crate::repository::format::{TargetPartition, TargetTopic};
    use crate::repository::testing::{restore_key as key, restore_plan};

    fn plan(snapshot_id: &str) -> RestorePlanDocument {
        restore_plan(key(snapshot_id), 1)
    }

    #[test]
    fn restores_are_found_by_their_key() {
        let folder = tempfile::tempdir().unwrap();
        let states = RestoreStates::in_folder(folder.path());
        assert!(states.all().unwrap().is_empty());
        let (one, other) = (states.begin(&key("a")).unwrap(), states.begin(&key("b")).unwrap());
        assert!(states.of(&key("a")).unwrap().is_empty(), "it has no plan yet");
        one.begin(&plan("a")).unwrap();
        other.begin(&plan("b")).unwrap();
        assert_eq!(states.of(&key("a")).unwrap().len(), 1);
        assert_eq!(states.all().unwrap().len(), 2);
        assert_eq!(states.of(&key("a")).unwrap()[0].plan().unwrap(), plan("a"));
        assert!(states.of(&key("c")).unwrap().is_empty());
        assert!(one.begin(&plan("a")).is_err(), "a plan is written once");
    }

    #[test]
    fn the_newest_attempt_stays_the_newest_when_the_clock_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let states = RestoreStates::in_folder(folder.path());
        let ahead = Timestamp::now().0 + 315_360_000_000;
        for place in ["0123456789abcdef", OFFSETS] {
            let key = layout::restore(place, &format!("{ahead:013}-0123abcd")).unwrap();
            RestoreFolder { store: Arc::clone(&states.store), folder: key }.begin(&plan("a")).unwrap();
        }
        let (one, other) = (states.begin(&key("a")).unwrap(), states.begin(&key("a")).unwrap());
        one.begin(&plan("a")).unwrap();
        let next = states.begin(&key("a")).unwrap();
        next.begin(&plan("a")).unwrap();
        assert!(one.id() > format!("{ahead:013}-0123abcd").as_str(), "{}", one.id());
        assert!(other.id() > format!("{ahead:013}-0123abcd").as_str());
        assert_eq!(states.of(&key("a")).unwrap().pop().unwrap().id(), next.id());
        assert_eq!(states.all().unwrap().pop().unwrap().id(), next.id());
    }

    #[test]
    fn the_newest_topics_count() {
        let folder = tempfile::tempdir().unwrap();
        let one = RestoreStates::in_folder(folder.path()).begin(&key("a")).unwrap();
        assert_eq!(one.topics().unwrap(), None);
        let mut topics = RestoreTopics {
            topics: vec![TargetTopic {
                source: TopicName::new("a").unwrap(),
                target: TopicName::new("b").unwrap(),
                id: TopicId::ZERO,
                created: true,
                again: false,
                partitions: vec![TargetPartition {
                    partition: 0,
                    keep: OffsetRange { base: 3, next: 9 },
                    base: 0,
                    preserved: false,
                }],
            }],
            translated: Vec::new(),
        };
        one.put_topics(&topics).unwrap();
        topics.topics[0].id = TopicId([7; 16]);
        one.put_topics(&topics).unwrap();
        assert_eq!(one.topics().unwrap(), Some(topics));
    }

    #[test]
    fn the_same_restore_runs_once_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let states = RestoreStates::in_folder(folder.path());
        let held = states.lock(&key("a")).unwrap();
        assert!(matches!(states.lock(&key("a")), Err(RepositoryError::Locked { .. })));
        let _other = states.lock(&key("b")).unwrap();
        drop(held);
        states.lock(&key("a")).unwrap();
    }

    #[test]
    fn a_restore_is_named_by_where_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let states = RestoreStates::in_folder(folder.path());
        let (one, other) = (states.begin(&key("a")).unwrap(), states.begin(&key("b")).unwrap());
        assert_ne!(one.id(), other.id());
        assert_eq!(one.path(), format!("restores/{}/{}", digest(&key("a")).unwrap(), one.id()));
        one.begin(&plan("a")).unwrap();
        assert!(folder.path().join(one.path()).join(PLAN).exists());
    }

    #[test]
    fn commits_of_offsets_that_are_no_restores_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let states = RestoreStates::in_folder(folder.path());
        assert!(states.offsets().unwrap().is_empty());
        let made = [states.begin_offsets().unwrap(), {
            states.begin(&key("a")).unwrap().begin(&plan("a")).unwrap();
            states.begin_offsets().unwrap()
        }];
        for one in &made {
            one.put("commit.json", &"x").unwrap();
        }
        let found = states.offsets().unwrap();
        assert!(found.iter().map(RestoreFolder::path).eq(made.iter().map(RestoreFolder::path)));
        assert_eq!(found[0].get::<String>("commit.json").unwrap().unwrap(), "x");
    }

    #[test]
    fn damage_to_what_a_restore_wrote_down_is_seen() {
        let repository = crate::repository::testing::repository(crate::store::MemoryStore::new());
        let folder = repository.restore_states().begin(&key("a")).unwrap();
        folder.begin(&plan("a")).unwrap();
        let name = TopicName::new("orders").unwrap();
        folder.map_writer(&name, 0).unwrap().publish(3, serde_json::Value::Null).unwrap();
        let written = Key::new(format!("{}/{PLAN}", folder.path())).unwrap();
        let map = Key::new(format!("{}/maps/orders/0.jsonl", folder.path())).unwrap();
        let check = |key: &Key| match key.name() {
            PLAN => repository.check_restore_document(key),
            _ => repository.check_map(key),
        };
        for key in [&written, &map] {
            check(key).unwrap();
            let whole = repository.store().get(key).unwrap();
            repository.store().put(key, &whole[..whole.len() - 9]).unwrap();
            assert!(check(key).unwrap_err().is_damage(), "{key}");
            repository.store().put(key, &whole).unwrap();
        }
        let elsewhere = repository.restore_states().begin(&key("b")).unwrap();
        elsewhere.begin(&plan("a")).unwrap();
        let other = Key::new(format!("{}/{PLAN}", elsewhere.path())).unwrap();
        assert!(check(&other).unwrap_err().to_string().contains("it is the plan of a restore that lies below"));
    }
}
