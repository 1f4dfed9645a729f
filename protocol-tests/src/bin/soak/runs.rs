//! Runs of the binary that are watched.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Outcome;
use crate::samples::Sample;

/// Pause between two looks at a short run.
const LOOK: Duration = Duration::from_millis(20);
/// Far more than any run but the long one takes.
const DEADLINE: Duration = Duration::from_secs(300);

/// The binary and where it keeps what it backs up.
#[derive(Debug, Clone)]
pub(crate) struct Ktape {
    pub(crate) binary: PathBuf,
    pub(crate) repository: PathBuf,
}

/// How a run ended.
pub(crate) struct Ran {
    /// The most that it needed.
    pub(crate) most: Sample,
    pub(crate) took: Duration,
    pub(crate) report: Value,
}

impl Ktape {
    pub(crate) fn new(binary: &Path, repository: PathBuf) -> Outcome<Self> {
        let ktape = Self { binary: binary.to_owned(), repository };
        ktape.run("init", &[])?;
        Ok(ktape)
    }

    pub(crate) fn command(&self, verb: &str, flags: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg(verb).arg("--repository").arg(&self.repository).args(flags).stdin(Stdio::null());
        command
    }

    /// Runs a verb to its end, which must be a good one.
    pub(crate) fn run(&self, verb: &str, flags: &[&str]) -> Outcome<Ran> {
        let begun = Instant::now();
        let out = self.repository.with_extension("out");
        let mut command = self.command(verb, &[flags, &["--json"]].concat());
        let mut process = command.stdout(std::fs::File::create(&out)?).stderr(Stdio::null()).spawn()?;
        let most = watch(&mut process)?;
        let status = process.wait()?;
        let text = std::fs::read_to_string(&out)?;
        if !status.success() {
            return Err(format!("ktape {verb} ended with {status}: {text}").into());
        }
        let report = serde_json::from_str::<Value>(&text)?["report"].take();
        Ok(Ran { most, took: begun.elapsed(), report })
    }
}

fn watch(process: &mut Child) -> Outcome<Sample> {
    let (begun, mut most) = (Instant::now(), Sample::default());
    while process.try_wait()?.is_none() {
        most = Sample::of(process.id()).map_or(most, |sample| most.most(sample));
        if begun.elapsed() > DEADLINE {
            process.kill()?;
        }
        thread::sleep(LOOK);
    }
    Ok(most)
}
