//! The soak from beginning to end.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use protocol_tests::ClusterSpec;
use serde_json::Value;
use tempfile::TempDir;

use crate::Outcome;
use crate::flags::Flags;
use crate::long::{self, Long};
use crate::runs::{Ktape, Ran};
use crate::samples::Sample;
use crate::trend::growth;

/// Partitions of the topic that is written to.
const PARTITIONS: usize = 8;
/// Backups between two prunes.
const PRUNE: usize = 10;
/// A line is printed about this often.
const TELL: Duration = Duration::from_secs(60);
/// How long the writer may take to end.
const WRITER: Duration = Duration::from_secs(180);

/// What was wrong; empty if nothing was.
pub(crate) fn run(flags: &Flags) -> Outcome<Vec<String>> {
    let folder = TempDir::with_prefix("ktape-soak-")?;
    let binary = flags.ktape.clone().map_or_else(built, Ok)?;
    let cluster = ClusterSpec::new(1).heap_mib(384).start()?;
    let tools = cluster.tools();
    // More than the quota lets through while the soak lasts.
    let records = flags.length.as_secs() * long::RATE * 3 / 2 / 1000 + 10_000;
    let quota = format!("quota:consumer_byte_rate:{}:{}", long::RATE, long::CLIENT);
    tools.load(&[&format!("topic:live:{PARTITIONS}"), &format!("bulk:long:4:{records}:1000:none"), &quota])?;
    let stop = folder.path().join("stop");
    let writer = tools.start_load(&[&format!("live:soak:live:{PARTITIONS}:{}", stop.display())])?;
    println!("{} is watched for {} minutes", binary.display(), flags.length.as_secs() / 60);

    let until = Instant::now() + flags.length;
    let often = Ktape::new(&binary, folder.path().join("often"))?;
    let slow = Ktape::new(&binary, folder.path().join("long"))?;
    let long = Long::start(&slow, cluster.bootstrap(), folder.path())?;
    let watched = thread::spawn(move || long.watch(until));
    let mut rows = Rows::default();
    let short = rows.fill(&often, cluster.bootstrap(), flags.every, until);
    let long = watched.join().map_err(|_| "the thread that watches the long backup ended")?;
    fs::write(&stop, "")?;
    println!("the writer: {}", writer.finish(WRITER)?.stdout.lines().last().unwrap_or_default());
    short?;
    let mut faults = growth("a backup every few seconds", &rows.backups);
    faults.extend(growth("prune", &rows.prunes));
    faults.extend(growth("one long backup", &long?));
    for ktape in [&often, &slow] {
        ktape.run("verify", &[])?;
    }
    Ok(faults)
}

/// The binary that was built with this program.
fn built() -> Outcome<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("ktape");
    if beside.is_file() {
        Ok(beside)
    } else {
        Err(format!("{} is not built: run `cargo build --workspace` first", beside.display()).into())
    }
}

/// What each run needed at most.
#[derive(Debug, Default)]
struct Rows {
    backups: Vec<Sample>,
    prunes: Vec<Sample>,
}

impl Rows {
    fn fill(&mut self, ktape: &Ktape, bootstrap: &str, every: Duration, until: Instant) -> Outcome<()> {
        let mut told = Instant::now();
        while Instant::now() < until {
            let begun = Instant::now();
            let ran = ktape.run("backup", &["--bootstrap-server", bootstrap, "--topics", "live"])?;
            if !ran.report["incomplete"].as_array().is_some_and(Vec::is_empty) {
                return Err(format!("a backup was not complete: {}", ran.report["incomplete"]).into());
            }
            self.backups.push(ran.most);
            if self.backups.len() == 1 || told.elapsed() > TELL {
                told = Instant::now();
                tell(self.backups.len(), &ran, &ktape.repository);
            }
            if self.backups.len().is_multiple_of(PRUNE) {
                let kept = ["--keep-last", "20", "--grace", "0s", "--confirm"];
                self.prunes.push(ktape.run("prune", &kept)?.most);
            }
            thread::sleep(every.saturating_sub(begun.elapsed()).min(until.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }
}

fn tell(number: usize, ran: &Ran, repository: &Path) {
    let Sample { memory, descriptors, threads } = ran.most;
    println!(
        "backup {number}: {} new bytes, behind by {:.2} s, {memory} KiB, {descriptors} descriptors, {threads} threads, {} \
         objects in the repository",
        ran.report["totals"]["new_bytes"].as_u64().unwrap_or_default(),
        ran.took.as_secs_f64(),
        count(repository)
    );
    // Kept next to the figures for whoever wonders about them.
    if let Some(notes) = ran.report["notes"].as_array().filter(|notes| !notes.is_empty()) {
        println!("  {}", Value::from(notes.clone()));
    }
}

/// Files below a folder.
fn count(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries.flatten().map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
}
