//! A broker, its topics, and a folder for what contenders write.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use protocol_tests::{Cluster, ClusterSpec};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Outcome;
use crate::contender::Amount;
use crate::measure::{self, Ran, Used};
use crate::programs::{self, Load, segments_of};

/// As a broker runs in production: the harness's own flags are for quick starts. Files of deleted topics go at once.
const FLAGS: &[&str] = &["-XX:TieredStopAtLevel=4", "-XX:-UseSerialGC", "-XX:+UseG1GC"];
const PROPERTIES: &[(&str, &str)] = &[
    ("log.segment.delete.delay.ms", "200"),
    ("auto.create.topics.enable", "false"),
    ("message.max.bytes", "16777216"),
];
/// The topic that a consumer group has a position in.
const POSITIONS: &str = "positions";
/// How long files of a deleted topic may take to go.
const GONE: Duration = Duration::from_secs(300);

/// One real broker and a folder.
#[derive(Debug)]
pub(crate) struct Scene {
    // Dropped before the folder.
    cluster: Cluster,
    folder: TempDir,
}

/// A topic that was filled.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) load: Load,
    /// The broker's folders of its partitions.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) amount: Amount,
}

impl Scene {
    /// Starts the broker, with one consumer group.
    pub(crate) fn start(heap_mib: u32) -> Outcome<Self> {
        let mut spec = ClusterSpec::new(1).heap_mib(heap_mib);
        for flag in FLAGS {
            spec = spec.flag(flag);
        }
        for (name, value) in PROPERTIES {
            spec = spec.property(name, value);
        }
        let scene = Self { cluster: spec.start()?, folder: TempDir::with_prefix("ktape-bench-")? };
        scene.create(POSITIONS, 1)?;
        scene.program("group", &[scene.bootstrap(), POSITIONS])?;
        Ok(scene)
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(crate) fn bootstrap(&self) -> &str {
        self.cluster.bootstrap()
    }

    /// The folder for what contenders write.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs one of the small programs to its end.
    pub(crate) fn program<S: AsRef<str>>(&self, name: &str, args: &[S]) -> Outcome<Ran> {
        measure::run(&mut programs::command(name, args)?, self.folder())
    }

    /// Makes a topic and fills it.
    pub(crate) fn fill(&self, name: &str, load: Load) -> Outcome<Topic> {
        eprintln!("filling {name}: {} records in {} partitions", load.records(), load.partitions);
        self.create(name, load.partitions)?;
        self.add(name, load)?;
        self.topic(name, load)
    }

    /// Makes an empty topic.
    pub(crate) fn create(&self, name: &str, partitions: usize) -> Outcome<()> {
        self.program("create", &[self.bootstrap(), name, &partitions.to_string()]).map(drop)
    }

    /// Adds records to a topic.
    pub(crate) fn add(&self, name: &str, load: Load) -> Outcome<()> {
        self.program("load", &[self.bootstrap(), name, &load.text()]).map(drop)
    }

    /// What lies in a topic that was filled with `load` and nothing else.
    fn topic(&self, name: &str, load: Load) -> Outcome<Topic> {
        let numbers = (0..).take(load.partitions);
        let folders: Vec<PathBuf> = numbers.map(|partition| self.cluster.replica_folder(1, name, partition)).collect();
        let mut bytes = 0;
        for folder in &folders {
            for file in segments_of(folder)? {
                bytes += file.metadata()?.len();
            }
        }
        let topic = Topic { name: name.to_owned(), load, folders, amount: Amount { bytes, records: load.records() } };
        topic.check_ends(&self.ends(name)?)?;
        Ok(topic)
    }

    /// The high watermarks of a topic.
    pub(crate) fn ends(&self, topic: &str) -> Outcome<Value> {
        Ok(self.program("ends", &[self.bootstrap(), topic])?.json()?["ends"].take())
    }

    /// Deletes a topic and waits until its files are gone.
    pub(crate) fn remove(&self, topic: &str) -> Outcome<()> {
        self.program("delete", &[self.bootstrap(), topic])?;
        let deadline = Instant::now() + GONE;
        let prefix = format!("{topic}-");
        let there = |entry: io::Result<fs::DirEntry>| {
            entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        };
        while fs::read_dir(self.cluster.log_folder(1))?.any(there) {
            if Instant::now() > deadline {
                return Err(format!("the files of {topic} are still there").into());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Topic {
    /// The broker's segments of all partitions.
    pub(crate) fn segments(&self) -> Outcome<Vec<PathBuf>> {
        let mut files = Vec::new();
        for folder in &self.folders {
            files.extend(segments_of(folder)?);
        }
        Ok(files)
    }

    /// The same state for everyone: nothing left to write out, and the broker's segments in the page cache.
    pub(crate) fn settle(&self) -> Outcome<()> {
        rustix::fs::sync();
        for file in self.segments()? {
            io::copy(&mut File::open(file)?, &mut io::sink())?;
        }
        Ok(())
    }

    /// Whether a list of ends is that of this topic, whole.
    pub(crate) fn check_ends(&self, ends: &Value) -> Outcome<()> {
        let each = self.amount.records / self.load.partitions as u64;
        let wanted = json!(vec![each; self.load.partitions]);
        if *ends == wanted { Ok(()) } else { Err(format!("partitions end at {ends}, not all at {each}").into()) }
    }
}

/// An error if a contender brought less or more than it should.
pub(crate) fn expect(what: &str, found: u64, wanted: u64) -> Outcome<()> {
    if found == wanted { Ok(()) } else { Err(format!("{found} {what}, not {wanted}").into()) }
}

/// The figures that a program took itself, of the part of its work that counts; the peak is the kernel's.
pub(crate) fn own_figures(ran: &Ran) -> Outcome<Used> {
    let said = ran.json()?;
    let seconds = |name: &str| {
        let value = said[name].as_f64().ok_or_else(|| format!("no {name} in {said}"))?;
        Outcome::Ok(Duration::try_from_secs_f64(value)?)
    };
    Ok(Used { wall: seconds("wall_s")?, cpu: seconds("cpu_s")?, peak: ran.used.peak })
}
