//! One process, and what it needed.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use wait4::Wait4;

use crate::Outcome;

/// Far more than any contender takes.
const DEADLINE: Duration = Duration::from_secs(1800);

/// What a process needed. The kernel counts a child's peak from that of the process that starts it, so this program
/// stays small: whatever needs memory is a process of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) wall: Duration,
    /// User and system.
    pub(crate) cpu: Duration,
    /// Bytes.
    pub(crate) peak: u64,
}

/// A process that ended well.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) used: Used,
    pub(crate) stdout: String,
}

impl Ran {
    /// Its standard output as JSON.
    pub(crate) fn json(&self) -> Outcome<Value> {
        Ok(serde_json::from_str(&self.stdout).map_err(|error| format!("{error} in {:?}", self.stdout))?)
    }
}

/// Runs a command to its end, which must be a good one; `folder` takes what it prints.
pub(crate) fn run(command: &mut Command, folder: &Path) -> Outcome<Ran> {
    let out = folder.join("stdout");
    let used = run_into(command, &out, folder)?;
    let ran = Ran { used, stdout: fs::read_to_string(&out)? };
    fs::remove_file(&out)?;
    Ok(ran)
}

/// The same with the standard output in a file that is the contender's product.
pub(crate) fn run_into(command: &mut Command, out: &Path, folder: &Path) -> Outcome<Used> {
    let errors = folder.join("stderr");
    command.stdin(Stdio::null()).stdout(File::create(out)?).stderr(File::create(&errors)?);
    let begun = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let watch = Watch::over(child.id());
    let ended = child.wait4()?;
    let wall = begun.elapsed();
    drop(watch);
    if !ended.status.success() {
        let program = command.get_program().display();
        let (out, errors) = (protocol_tests::jvm::tail(out), protocol_tests::jvm::tail(&errors));
        return Err(format!("{program} ended with {}\n{out}\n{errors}", ended.status).into());
    }
    fs::remove_file(&errors)?;
    let cpu = ended.rusage.utime + ended.rusage.stime;
    Ok(Used { wall, cpu, peak: ended.rusage.maxrss })
}

/// Kills a process that outlives the deadline; until it is dropped.
struct Watch(Option<(mpsc::Sender<()>, thread::JoinHandle<()>)>);

impl Watch {
    fn over(pid: u32) -> Self {
        let (ended, waits) = mpsc::channel::<()>();
        let watcher = thread::spawn(move || {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            if let (Err(mpsc::RecvTimeoutError::Timeout), Some(pid)) = (waits.recv_timeout(DEADLINE), pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        Self(Some((ended, watcher)))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((ended, watcher)) = self.0.take() {
            drop(ended);
            let _ = watcher.join();
        }
    }
}
