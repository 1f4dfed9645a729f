//! A wall clock that a test moves while a process runs: a small library in C, made by the host's compiler, that the process
//! loads before all others (`shims/clock.c`). Programs without shared libraries do not heed it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::error::{HarnessError, io, on};

const SOURCE: &str = include_str!("../shims/clock.c");

/// A clock, right at first.
#[derive(Debug)]
pub struct Clock {
    folder: TempDir,
    of_disk: bool,
}

impl Clock {
    /// Makes one. With `of_disk` the times of files that are synced are moved too, as on a disk of the same host; without it
    /// the disk has a clock of its own, as that of a server has.
    ///
    /// # Errors
    /// There is no C compiler.
    pub fn make(of_disk: bool) -> Result<Self, HarnessError> {
        let folder = TempDir::with_prefix("ktape-clock-").map_err(io("make a folder"))?;
        let clock = Self { folder, of_disk };
        fs::write(clock.path("clock.c"), SOURCE).map_err(on("write", &clock.path("clock.c")))?;
        clock.compile()?;
        clock.set(0)?;
        Ok(clock)
    }

    /// Moves it to so many seconds ahead of the right time; negative is behind. Who reads it meanwhile sees the old or the new.
    ///
    /// # Errors
    /// Its file cannot be written.
    pub fn set(&self, ahead: i64) -> Result<(), HarnessError> {
        let (new, shift) = (self.path("new"), self.path("shift"));
        fs::write(&new, ahead.to_string()).map_err(on("write", &new))?;
        fs::rename(&new, &shift).map_err(on("replace", &shift))
    }

    /// Gives it to a process that is about to start.
    pub fn give(&self, command: &mut Command) {
        command.env("LD_PRELOAD", self.path("clock.so")).env("CLOCK_SHIFT_FILE", self.path("shift"));
        if self.of_disk {
            command.env("CLOCK_SHIFT_OF_DISK", "1");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn compile(&self) -> Result<(), HarnessError> {
        let named = std::env::var_os("CC").filter(|name| !name.is_empty());
        let mut compiler = Command::new(named.unwrap_or_else(|| "cc".into()));
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]);
        compiler.arg(self.path("clock.so")).arg(self.path("clock.c")).stdin(Stdio::null());
        let done = compiler.output().map_err(io("run the C compiler"))?;
        let output = String::from_utf8_lossy(&done.stderr).into_owned();
        if done.status.success() {
            return Ok(());
        }
        Err(HarnessError::Failed {
            what: "the C compiler".to_owned(),
            status: done.status.code().unwrap_or(-1),
            output,
        })
    }
}
