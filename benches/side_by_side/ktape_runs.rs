//! Runs of the `ktape` that was built with this program.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::measure::{self, Used};

/// A repository and the cluster it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Ktape {
    bootstrap: String,
    /// Where programs print to.
    folder: PathBuf,
    pub(crate) repository: PathBuf,
}

impl Ktape {
    /// Makes a repository of that name in `folder`.
    pub(crate) fn init(bootstrap: &str, folder: &Path, name: &str) -> Outcome<Self> {
        Self::init_with(bootstrap, folder, name, &[])
    }

    /// The same with flags of `init`.
    pub(crate) fn init_with(bootstrap: &str, folder: &Path, name: &str, flags: &[&str]) -> Outcome<Self> {
        let ktape = Self { bootstrap: bootstrap.to_owned(), folder: folder.to_owned(), repository: folder.join(name) };
        measure::run(ktape.command("init").args(flags), folder)?;
        Ok(ktape)
    }

    /// A backup of the topics that match; gives its report too.
    pub(crate) fn backup(&self, topics: &str) -> Outcome<(Used, Value)> {
        let mut command = self.command("backup");
        command.args(["--bootstrap-server", &self.bootstrap, "--topics", topics, "--json"]);
        let ran = measure::run(&mut command, &self.folder)?;
        Ok((ran.used, ran.json()?["report"].take()))
    }

    /// A restore of one topic under another name. What it writes down is removed again.
    pub(crate) fn restore(&self, topic: &str, target: &str) -> Outcome<(Used, Value)> {
        let state = self.folder.join("state");
        let mut command = self.command("restore");
        command.args(["--bootstrap-server", &self.bootstrap, "--topics", topic]);
        command.args(["--rename", &format!("{topic}={target}"), "--json", "--state"]).arg(&state);
        let ran = measure::run(&mut command, &self.folder)?;
        fs::remove_dir_all(state)?;
        Ok((ran.used, ran.json()?["report"].take()))
    }

    /// Files of segments, and their bytes.
    pub(crate) fn stored(&self) -> Outcome<(u64, u64)> {
        let files = self.segments()?;
        let sizes: io::Result<Vec<u64>> = files.iter().map(|file| Ok(file.metadata()?.len())).collect();
        Ok((files.len() as u64, sizes?.iter().sum()))
    }

    /// Reads all segments, so that they are in the page cache.
    pub(crate) fn settle(&self) -> Outcome<()> {
        for file in self.segments()? {
            io::copy(&mut File::open(file)?, &mut io::sink())?;
        }
        Ok(())
    }

    fn segments(&self) -> Outcome<Vec<PathBuf>> {
        let mut files = Vec::new();
        let mut folders = vec![self.repository.join("topics")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else if entry.path().extension().is_some_and(|extension| extension == "log") {
                    files.push(entry.path());
                }
            }
        }
        Ok(files)
    }

    /// Removes the repository.
    pub(crate) fn remove(self) -> Outcome<()> {
        Ok(fs::remove_dir_all(self.repository)?)
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ktape"));
        command.arg(verb).arg("--quiet").arg("--repository").arg(&self.repository);
        command
    }
}

/// An error if a report speaks of losses.
pub(crate) fn complete(report: &Value) -> Outcome<()> {
    match report["incomplete"].as_array() {
        Some(losses) if losses.is_empty() => Ok(()),
        _ => Err(format!("not complete: {}", report["incomplete"]).into()),
    }
}
