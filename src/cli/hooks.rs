//! Hooks: a command of the person's own when a verb has ended, with its report on standard input.
//!
//! A hook never changes how the verb ends: what goes wrong with it is a line on standard error.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process_group};

use super::exit_code::ExitCode;
use super::{terminal, units};

/// Between two looks at a hook that runs.
const GLANCE: Duration = Duration::from_millis(10);

/// What to run when the verb has ended.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Hooks")]
pub struct HookArgs {
    /// Run this by `sh -c` after exit code 0, with the report as JSON on its standard input
    #[arg(long, env = "KTAPE_ON_SUCCESS", hide_env_values = true, value_name = "CMD")]
    on_success: Option<String>,
    /// Run this after any other exit code, which is in `KTAPE_EXIT_CODE`
    #[arg(long, env = "KTAPE_ON_FAILURE", hide_env_values = true, value_name = "CMD")]
    on_failure: Option<String>,
    /// How long a hook may take before it is ended
    #[arg(long, env = "KTAPE_HOOK_TIMEOUT", hide_env_values = true, value_name = "TIME", default_value = "1m", value_parser = units::parse_duration)]
    hook_timeout: Duration,
}

/// What went wrong with a hook.
#[derive(Debug, thiserror::Error)]
enum HookFault {
    #[error("it could not be run: {0}")]
    Io(#[from] io::Error),
    #[error("it ended with {0}")]
    Failed(ExitStatus),
    #[error("it did not end within {} and was ended with all it had started", units::duration(*.0))]
    TimedOut(Duration),
}

/// The last report of the verb, kept for its hooks.
#[derive(Debug, Clone, Default)]
pub struct LastReport(Arc<Mutex<Vec<u8>>>);

impl LastReport {
    /// Keeps a report, in the form that `--json` prints.
    pub fn keep(&self, document: Vec<u8>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = document;
    }

    /// Hands it on.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HookArgs {
    /// Whether there is anything to run, however the verb ends.
    pub fn is_wanted(&self) -> bool {
        self.on_success.is_some() || self.on_failure.is_some()
    }

    /// Runs the hook that fits, and waits for it.
    pub fn run(&self, code: ExitCode, report: Vec<u8>) {
        let (flag, command) = match code {
            ExitCode::Done => ("--on-success", &self.on_success),
            _ => ("--on-failure", &self.on_failure),
        };
        let Some(command) = command else { return };
        if let Err(fault) = execute(command, code, report, self.hook_timeout) {
            terminal::line(&format!("warning: {flag} {command:?}: {fault}"));
        }
    }
}

fn execute(command: &str, code: ExitCode, report: Vec<u8>, patience: Duration) -> Result<(), HookFault> {
    let end = Instant::now() + patience;
    let mut child = Command::new("sh")
        .args(["-c", command])
        .env("KTAPE_EXIT_CODE", code.number().to_string())
        // A ktape that the hook runs must not run the hook.
        .env_remove("KTAPE_ON_SUCCESS")
        .env_remove("KTAPE_ON_FAILURE")
        .stdin(Stdio::piped())
        // Standard output holds the report and nothing else.
        .stdout(Stdio::from(io::stderr()))
        .process_group(0)
        .spawn()?;
    if let Some(pipe) = child.stdin.take() {
        feed(pipe, report);
    }
    match wait(&mut child, end)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(HookFault::Failed(status)),
        None => {
            end_group(&child);
            child.wait()?;
            Err(HookFault::TimedOut(patience))
        }
    }
}

/// A hook need not read: another thread writes, and ends with the pipe or with the process.
fn feed(mut pipe: ChildStdin, report: Vec<u8>) {
    std::thread::spawn(move || {
        let _ = pipe.write_all(&report);
    });
}

fn wait(child: &mut Child, end: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        let status = child.try_wait()?;
        if status.is_some() || Instant::now() >= end {
            return Ok(status);
        }
        std::thread::sleep(GLANCE);
    }
}

fn end_group(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn run(command: &str, report: &[u8]) -> Result<(), HookFault> {
        execute(command, ExitCode::Incomplete, report.to_vec(), Duration::from_secs(20))
    }

    #[test]
    fn a_hook_gets_the_report_and_the_exit_code() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seen");
        run(&format!("(cat; echo \"$KTAPE_EXIT_CODE\") > {}", file.display()), b"{\"ktape\":1}\n").unwrap();
        assert_eq!(fs::read_to_string(file).unwrap(), "{\"ktape\":1}\n3\n");
    }

    #[test]
    fn a_hook_may_fail_and_need_not_read() {
        assert!(matches!(run("exit 7", b"x"), Err(HookFault::Failed(status)) if status.code() == Some(7)));
        run("true", &vec![b'x'; 1 << 20]).unwrap();
    }

    #[test]
    fn a_hook_that_hangs_is_ended_with_all_it_started() {
        let began = Instant::now();
        let short = Duration::from_millis(300);
        let fault = execute("sleep 60 & sleep 60", ExitCode::Done, vec![b'x'; 1 << 20], short).unwrap_err();
        assert!(matches!(fault, HookFault::TimedOut(_)) && began.elapsed() < Duration::from_secs(15), "{fault}");
    }
}
