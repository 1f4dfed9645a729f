//! The story that the quick start tells.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use protocol_tests::judge::Isolation;
use protocol_tests::{Cluster, ClusterSpec, HarnessError, Jars, Tools, jars, tools};

use crate::compare::{self, State};
use crate::narrator::{chapter, step, tell};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Topics of every codec, records of every kind, plain and transactional writes, groups of every kind.
const LOAD: &[&str] = &[
    "codecs",
    "records",
    "topic:payments:1",
    "transaction:payments:300:commit",
    "transaction:payments:200:abort",
    "transaction:payments:100:commit",
    "bulk:orders:6:60000:500:zstd",
    "groups",
    "commit:order-service:orders:0:1200:resumed by hand",
    "commit:order-service:orders:3:10000",
    "commit:payment-service:payments:0:350:on an aborted record",
];

/// Everything but Kafka's own topics.
const TOPICS: &str = "(?!__).*";

/// Runs it from beginning to end.
pub(crate) fn run() -> Outcome<()> {
    chapter(1, "Get Apache Kafka, build ktape");
    let binary = prepare()?;
    chapter(2, "Start a broker and fill it");
    let cluster = step("start Apache Kafka, one broker", || ClusterSpec::new(1).start())?;
    tell(&format!("the broker answers at {}", cluster.bootstrap()));
    let kafka = cluster.tools();
    step("write topics with Kafka's own producers: all codecs, headers, transactions, groups", || kafka.load(LOAD))?;
    let before = observe(&kafka)?;
    tell(&format!("Kafka's own clients see {before}"));
    let repository = repository()?;
    back_up(&binary, &repository, &cluster)?;
    lose_everything(&kafka)?;
    chapter(5, "Restore");
    ktape(&binary, &["restore", "--repository", &text(&repository), "--bootstrap-server", cluster.bootstrap()])?;
    chapter(6, "Proof, by Kafka's own console consumer and group tool");
    let after = observe(&kafka)?;
    compare::prove(&before, &after)?;
    step("stop the broker", || drop(cluster));
    next_steps(&binary, &repository);
    Ok(())
}

/// Fetches jars and compiles helpers while cargo builds.
fn prepare() -> Outcome<PathBuf> {
    thread::scope(|scope| {
        let fetched = scope.spawn(|| {
            let jars = Jars::get(jars::DEFAULT_VERSION)?;
            protocol_tests::helpers::compiled(&jars)?;
            tell(&format!("Apache Kafka {} is in the cache", jars.version()));
            Ok::<_, HarnessError>(())
        });
        tell("Maven fetches Apache Kafka, if the cache does not hold it");
        let binary = step("build ktape with cargo (minutes, the first time)", build_ktape)?;
        step("see that Maven is done", || fetched.join().map_err(|_| "the thread that fetches jars ended"))??;
        Ok(binary)
    })
}

/// Builds what `cargo test --workspace` needs, ktape among it, with the profile this program was built with: so
/// nothing is built again when the tests are run.
fn build_ktape() -> Outcome<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--workspace", "--tests", "--manifest-path"])
        .arg(manifest)
        .stdin(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("cargo build of ktape failed: {status}").into());
    }
    Ok(std::env::current_exe()?.with_file_name("ktape"))
}

fn repository() -> Outcome<PathBuf> {
    Ok(tempfile::Builder::new().prefix("ktape-quickstart-").disable_cleanup(true).tempdir()?.path().join("repository"))
}

fn back_up(binary: &Path, repository: &Path, cluster: &Cluster) -> Outcome<()> {
    chapter(3, "Back up");
    ktape(binary, &["init", "--repository", &text(repository)])?;
    ktape(binary, &["backup", "--repository", &text(repository), "--bootstrap-server", cluster.bootstrap()])
}

/// Deletes every topic and every group with Kafka's tools, and looks whether they are gone.
fn lose_everything(kafka: &Tools) -> Outcome<()> {
    chapter(4, "Lose everything");
    step("kafka-consumer-groups.sh --delete --all-groups", || {
        kafka.admin(tools::GROUPS, &["--delete", "--all-groups"])
    })?;
    step("kafka-topics.sh --delete", || kafka.admin(tools::TOPICS, &["--delete", "--topic", TOPICS]))?;
    let topics = kafka.admin(tools::TOPICS, &["--list", "--exclude-internal"])?.stdout;
    let groups = kafka.admin(tools::GROUPS, &["--list"])?.stdout;
    tell(&format!("topics left: {}, groups left: {}", topics.split_whitespace().count(), groups.lines().count()));
    if !topics.trim().is_empty() || !groups.trim().is_empty() {
        return Err(format!("still there: {topics} {groups}").into());
    }
    Ok(())
}

/// Shows a command as one would type it, and runs it.
fn ktape(binary: &Path, args: &[&str]) -> Outcome<()> {
    println!("\n   $ ktape {}", args.join(" "));
    let status = Command::new(binary).args(args).stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("ktape {} ended with {status}", args[0]).into()) }
}

fn observe(kafka: &Tools) -> Outcome<State> {
    let records = step("kafka-console-consumer.sh: read every topic from the beginning", || {
        kafka.read(TOPICS, Isolation::ReadCommitted)
    })?;
    let offsets = step("kafka-consumer-groups.sh --describe --all-groups", || kafka.described_offsets())?;
    let positions = step("read the next record of every group", || kafka.positions())?;
    Ok(State { records, offsets, positions })
}

fn next_steps(binary: &Path, repository: &Path) {
    let (binary, repository) = (text(binary), text(repository));
    println!("\nThe repository stays: {repository}\nThree commands to try next:");
    println!("  {binary} list --repository {repository}");
    println!("  {binary} verify --repository {repository}");
    println!("  {binary} export --repository {repository} --topic payments | head -3");
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
