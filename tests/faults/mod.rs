//! What goes wrong around ktape: kills, damage, full disks, wrong places, brokers that are not there.
//!
//! One small cluster serves all of these tests; topics of a test begin with its own word. What cannot run on a machine
//! is printed as a line `not run: ...` and counted: it never looks passed.

mod append_only;
mod bad_input;
mod copied;
mod damage;
mod disk;
mod encrypted;
mod kept;
mod kill;
mod lost_answers;
mod restore_again;
mod restore_kill;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use protocol_tests::{Cluster, ClusterSpec};
use serde_json::Value;

/// One broker. Its first topics are `orders` (three partitions of 2 MB) and `notes`, its first group is `shop`.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = ClusterSpec::new(1).heap_mib(320).start().unwrap();
        let groups = ["commit:shop:orders:0:1000:noon", "commit:shop:orders:2:4000", "commit:reader:notes:0:50"];
        let topics = ["bulk:orders:3:12000:500:none", "bulk:notes:1:200:100:zstd"];
        cluster.tools().load(&[&topics[..], &groups].concat()).unwrap();
        cluster
    })
}

/// The binary that was built with these tests, or the one that `KTAPE_STATIC_BINARY` names, without the variables of whoever
/// runs the tests.
fn ktape() -> Command {
    let named = std::env::var_os("KTAPE_STATIC_BINARY");
    let mut command = Command::new(named.unwrap_or_else(|| env!("CARGO_BIN_EXE_ktape").into()));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KTAPE_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
fn run(args: &[&str]) -> Ended {
    Ended::of(&ktape().args(args).output().unwrap())
}

/// A run that has ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "standard output:\n{}\nstandard error:\n{}", self.stdout, self.stderr);
        self
    }

    /// The line that says what went wrong, and where, has all of these words.
    #[track_caller]
    fn says(self, words: &[&str]) -> Self {
        self.has_line("error: ", words)
    }

    /// The line that says what to do has all of these words.
    #[track_caller]
    fn hints(self, words: &[&str]) -> Self {
        self.has_line("hint: ", words)
    }

    #[track_caller]
    fn has_line(self, begin: &str, words: &[&str]) -> Self {
        let lines: Vec<&str> = self.stderr.lines().filter_map(|line| line.strip_prefix(begin)).collect();
        assert_eq!(lines.len(), 1, "one line should begin with {begin:?}:\n{}", self.stderr);
        for word in words {
            assert!(lines[0].contains(word), "{word:?} is not in {:?}", lines[0]);
        }
        self
    }

    /// The report of a run with `--json`.
    #[track_caller]
    fn report(&self) -> Value {
        let mut document: Value = serde_json::from_str(&self.stdout).unwrap();
        document["report"].take()
    }
}

/// A repository with one complete snapshot of everything that the cluster held at first. Copy it to change it.
fn saved() -> &'static Repository {
    static SAVED: OnceLock<Repository> = OnceLock::new();
    SAVED.get_or_init(|| {
        // What is static is never dropped; the cluster's folder goes when this process ends.
        let repository = Repository { path: cluster().folder().join("repository"), elsewhere: None, _folder: None };
        run(&["init", "--repository", &repository.place()]).exits(0);
        repository.backup(cluster().bootstrap(), &SELECTION).exits(0);
        repository
    })
}

/// What the cluster holds at first, in segments that are as small as they can be.
const SELECTION: [&str; 10] =
    ["--topics", "orders", "notes", "--groups", "shop", "reader", "--segment-bytes", "1MiB", "--fetch-bytes", "512KiB"];

/// A repository of its own, in a folder of its own or on a server.
struct Repository {
    path: PathBuf,
    elsewhere: Option<String>,
    _folder: Option<tempfile::TempDir>,
}

impl Repository {
    fn init() -> Self {
        Self::nothing().begun()
    }

    /// Makes one at a location that is no folder.
    fn init_at(location: String) -> Self {
        Self { elsewhere: Some(location), ..Self::nothing() }.begun()
    }

    fn begun(self) -> Self {
        run(&["init", "--repository", &self.place()]).exits(0);
        self
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn place(&self) -> String {
        self.elsewhere.clone().unwrap_or_else(|| self.path.display().to_string())
    }

    /// A place for one.
    fn nothing() -> Self {
        let folder = tempfile::TempDir::with_prefix("ktape-faults-").unwrap();
        Self { path: folder.path().join("repository"), elsewhere: None, _folder: Some(folder) }
    }

    /// The same in a folder of its own.
    fn copied(&self) -> Self {
        let copy = Self::nothing();
        for (name, bytes) in content(&self.path) {
            let file = copy.path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        copy
    }

    fn backup(&self, bootstrap: &str, flags: &[&str]) -> Ended {
        self.run("backup", bootstrap, flags)
    }

    fn restore(&self, bootstrap: &str, flags: &[&str]) -> Ended {
        self.run("restore", bootstrap, flags)
    }

    fn run(&self, verb: &str, bootstrap: &str, flags: &[&str]) -> Ended {
        run(&[&[verb, "--repository", &self.place(), "--bootstrap-server", bootstrap], flags].concat())
    }

    fn verify(&self) -> Ended {
        run(&["verify", "--json", "--repository", &self.place()])
    }
}

/// Every file below a folder with its bytes, but for locks and what has no name yet.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    collect(folder, "", &mut found);
    // A run says that it is there before it looks whether there is anything to do.
    let announces = |name: &str, bytes: &[u8]| {
        name.starts_with("runs/") && bytes.windows(10).any(|window| window == b"\"seals\":[]")
    };
    found.retain(|name, bytes| !name.starts_with("locks/") && !name.starts_with("tmp/") && !announces(name, bytes));
    found
}

fn collect(folder: &Path, prefix: &str, into: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), into);
        } else {
            into.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}
