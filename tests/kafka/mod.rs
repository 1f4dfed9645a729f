//! Against real Kafka: what is backed up and restored is judged by Kafka's own tools.
//!
//! Clusters are shared by all tests of this binary. The source holds every shape; a test that needs more there adds
//! topics and groups whose names begin with its own word, and leaves the others alone.

pub(crate) mod bytes;
mod changing;
mod check;
mod compare;
mod copies;
mod cuts;
mod drill;
mod harmless;
mod incremental;
mod live;
mod object_stores;
mod offsets;
mod old_formats;
mod preserve;
mod prune;
mod retention;
pub(crate) mod round_trip;
mod trouble;
mod verbatim;
pub(crate) mod watched;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use protocol_tests::tools::{Launch, RunningTool};
use protocol_tests::{Cluster, ClusterSpec, tools};
use serde_json::Value;
use tempfile::TempDir;

/// Topics and groups that tests make on the source after it was loaded begin with this.
pub(crate) const LATER: &str = "later-";

/// A group that has a member all the time.
const ACTIVE: &str = "active";

/// Three brokers that hold every shape, each replicated three times, while a consumer is at work.
pub(crate) fn source() -> &'static Cluster {
    static SOURCE: OnceLock<(Cluster, RunningTool)> = OnceLock::new();
    let (cluster, _member) = SOURCE.get_or_init(|| {
        let cluster = ClusterSpec::new(3).heap_mib(512).start().unwrap();
        cluster.tools().load(&["all"]).unwrap();
        let consumer = ["--bootstrap-server", cluster.bootstrap(), "--topic", "groups", "--group", ACTIVE];
        let flags = ["--from-beginning", "--command-property", "auto.commit.interval.ms=200"];
        let args = [&consumer[..], &flags].concat();
        let member = cluster.tools().start(tools::CONSOLE_CONSUMER, &args, &Launch::default()).unwrap();
        cluster.tools().load(&["await-committed:active:groups:300"]).unwrap();
        (cluster, member)
    });
    cluster
}

/// One broker, empty at first. Tests restore under names of their own.
pub(crate) fn target() -> &'static Cluster {
    static TARGET: OnceLock<Cluster> = OnceLock::new();
    TARGET.get_or_init(|| ClusterSpec::new(1).heap_mib(512).start().unwrap())
}

/// Three brokers that tests kill, stop and hang, one test after the other. What is dead is soon called dead, quotas bite
/// at once, and connections that idle are closed.
pub(crate) fn shaken() -> Shaken {
    static SHAKEN: Mutex<Option<Arc<Cluster>>> = Mutex::new(None);
    let mut held = SHAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let start = || {
        let timings = [("broker.session.timeout.ms", "3000"), ("broker.heartbeat.interval.ms", "500")];
        let others =
            [("replica.lag.time.max.ms", "3000"), ("connections.max.idle.ms", "4000"), ("quota.window.num", "3")];
        let spec = ClusterSpec::new(3).heap_mib(320);
        let spec = timings.into_iter().chain(others).fold(spec, |spec, (name, value)| spec.property(name, value));
        Arc::new(spec.start().unwrap())
    };
    let cluster = Arc::clone(held.get_or_insert_with(start));
    Shaken { held, cluster, whole: false }
}

/// The cluster of [`shaken`] for one test. One that fails in the middle leaves it to nobody.
pub(crate) struct Shaken {
    held: MutexGuard<'static, Option<Arc<Cluster>>>,
    cluster: Arc<Cluster>,
    whole: bool,
}

impl Shaken {
    /// The test has put everything back.
    pub(crate) fn give_back(mut self) {
        self.whole = true;
    }
}

impl Deref for Shaken {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Drop for Shaken {
    fn drop(&mut self) {
        if !self.whole {
            *self.held = None;
        }
    }
}

/// A repository in a folder of its own or on a server, and the binary that works on it.
pub(crate) struct Repository {
    folder: TempDir,
    elsewhere: Option<String>,
}

impl Repository {
    pub(crate) fn init() -> Self {
        Self::init_at(None, &[])
    }

    /// Makes one, at a location that is no folder if one is given.
    pub(crate) fn init_at(elsewhere: Option<String>, flags: &[&str]) -> Self {
        let repository = Self { folder: TempDir::with_prefix("ktape-test-").unwrap(), elsewhere };
        let done = repository.ktape("init", None, flags);
        assert_eq!(done.status.code(), Some(0), "{done:?}");
        repository
    }

    /// The same in another folder.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self { folder: TempDir::with_prefix("ktape-test-").unwrap(), elsewhere: None };
        for object in self.objects() {
            let to = copy.path().join(&object);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(self.path().join(&object), to).unwrap();
        }
        copy
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    /// What `--repository` takes.
    fn place(&self) -> String {
        self.elsewhere.clone().unwrap_or_else(|| self.path().display().to_string())
    }

    /// Backs up and gives the report.
    pub(crate) fn back_up(&self, cluster: &Cluster, flags: &[&str]) -> Value {
        self.report("backup", cluster, flags)
    }

    /// Restores and gives the report.
    fn restore(&self, cluster: &Cluster, flags: &[&str]) -> Value {
        self.report("restore", cluster, flags)
    }

    /// Runs a verb that must succeed completely.
    fn report(&self, verb: &str, cluster: &Cluster, flags: &[&str]) -> Value {
        let output = self.ktape(verb, Some(cluster), &[flags, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        let mut document: Value = serde_json::from_str(&text).unwrap();
        document["report"].take()
    }

    /// Runs a verb on it.
    pub(crate) fn run(&self, verb: &str, flags: &[&str]) -> Output {
        let place = self.place();
        ktape(&[&[verb, "--repository", &place], flags].concat())
    }

    fn ktape(&self, verb: &str, cluster: Option<&Cluster>, flags: &[&str]) -> Output {
        let there: Vec<&str> = cluster.iter().flat_map(|it| ["--bootstrap-server", it.bootstrap()]).collect();
        self.run(verb, &[&there[..], flags].concat())
    }

    /// Every object, as a path below the repository, but for locks and what has no name yet.
    fn objects(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        collect(&self.path(), "", &mut found);
        found.retain(|name| !name.starts_with("locks/") && !name.starts_with("tmp/"));
        found
    }

    /// The segment files of a partition in the order of their offsets.
    fn segments(&self, topic: &str, partition: i32) -> Vec<PathBuf> {
        let prefix = format!("topics/{topic}/");
        let mut objects: Vec<String> = self.objects().into_iter().filter(|name| name.starts_with(&prefix)).collect();
        objects.retain(|name| name.split('/').nth(3) == Some(&partition.to_string()));
        objects.sort_by_key(|name| name.rsplit('/').next().map(str::to_owned));
        objects.iter().map(|name| self.path().join(name)).collect()
    }
}

/// Runs the binary, whatever is in the environment.
pub(crate) fn ktape(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// The binary that was built with these tests, or the one that `KTAPE_STATIC_BINARY` names.
pub(crate) fn command(args: &[&str]) -> Command {
    let named = std::env::var_os("KTAPE_STATIC_BINARY");
    let mut command = Command::new(named.unwrap_or_else(|| env!("CARGO_BIN_EXE_ktape").into()));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KTAPE_")) {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::null());
    command
}

fn collect(folder: &Path, prefix: &str, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), into);
        } else {
            into.insert(name);
        }
    }
}
