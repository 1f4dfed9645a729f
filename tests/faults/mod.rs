//! What goes wrong around ktape: kills, damage, full disks, wrong places, brokers that are not there.
//!
//! One small cluster serves all of these tests; topics of a test begin with its own word.

mod kill;

use std::path::PathBuf;
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

/// The binary, without the variables of whoever runs the tests.
fn ktape() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ktape"));
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

    /// The report of a run with `--json`.
    #[track_caller]
    fn report(&self) -> Value {
        let mut document: Value = serde_json::from_str(&self.stdout).unwrap();
        document["report"].take()
    }
}

/// A repository of its own, in a folder of its own.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    fn init() -> Self {
        let repository = Self { folder: tempfile::TempDir::with_prefix("ktape-faults-").unwrap() };
        run(&["init", "--repository", &repository.place()]).exits(0);
        repository
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    fn place(&self) -> String {
        self.path().display().to_string()
    }

    fn verify(&self) -> Ended {
        run(&["verify", "--json", "--repository", &self.place()])
    }
}
