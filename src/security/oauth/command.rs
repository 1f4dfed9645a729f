//! A token that a command prints.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::token::LARGEST;
use super::{OAuthError, Token};

/// What went wrong with a command. Its standard error is not shown: it may hold what it should not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandFault {
    /// There is none.
    #[error("it is empty")]
    Empty,
    /// It could not be started or watched.
    #[error("{0}")]
    Io(String),
    /// It says itself that it failed.
    #[error("it ended with {0}")]
    Failed(String),
    /// It took too long, and was ended with all it had started.
    #[error("it did not end within {0:?}")]
    TimedOut(Duration),
    /// What it prints is no text.
    #[error("what it prints is no text")]
    NotText,
}

/// Time for a command.
pub const PATIENCE: Duration = Duration::from_secs(30);
const GLANCE: Duration = Duration::from_millis(10);

/// Runs the command without a shell and takes what it prints.
pub(super) async fn run(words: &[String], origin: &str) -> Result<Token, OAuthError> {
    let program = words.first().cloned().unwrap_or_default();
    let ran = {
        let words = words.to_vec();
        tokio::task::spawn_blocking(move || output(&words, PATIENCE)).await
    };
    let ran = ran.unwrap_or_else(|error| Err(CommandFault::Io(error.to_string())));
    let text = ran.map_err(|fault| OAuthError::Command { program, fault })?;
    Token::parse(&text, origin)
}

/// What a command prints, run without a shell and ended with all it started when its time is over.
pub(crate) fn output(words: &[String], patience: Duration) -> Result<String, CommandFault> {
    let (program, arguments) = words.split_first().ok_or(CommandFault::Empty)?;
    let end = Instant::now() + patience;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(fault)?;
    let result = read(&mut child, end).and_then(|bytes| Ok((bytes, wait(&mut child, end)?)));
    // Whatever it left running has no business any more.
    end_group(&child);
    match result {
        Err(CommandFault::TimedOut(_)) => {
            child.wait().map_err(fault)?;
            Err(CommandFault::TimedOut(patience))
        }
        Err(other) => Err(other),
        Ok((_, status)) if !status.success() => Err(CommandFault::Failed(status.to_string())),
        Ok((bytes, _)) => String::from_utf8(bytes).map_err(|_| CommandFault::NotText),
    }
}

/// All it prints, up to a little more than any token has. A grandchild may hold the pipe open: another thread reads.
fn read(child: &mut Child, end: Instant) -> Result<Vec<u8>, CommandFault> {
    let Some(pipe) = child.stdout.take() else { return Ok(Vec::new()) };
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.take(LARGEST as u64 + 2).read_to_end(&mut bytes).map(|_| bytes);
        let _ = send.send(read);
    });
    let left = end.saturating_duration_since(Instant::now());
    receive.recv_timeout(left).map_err(|_| CommandFault::TimedOut(left))?.map_err(fault)
}

fn wait(child: &mut Child, end: Instant) -> Result<ExitStatus, CommandFault> {
    loop {
        if let Some(status) = child.try_wait().map_err(fault)? {
            return Ok(status);
        }
        if Instant::now() >= end {
            return Err(CommandFault::TimedOut(Duration::ZERO));
        }
        std::thread::sleep(GLANCE);
    }
}

fn end_group(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It is gone already, mostly.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function of an error")]
fn fault(error: std::io::Error) -> CommandFault {
    CommandFault::Io(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Result<String, CommandFault> {
        output(&["/bin/sh", "-c", script].map(str::to_owned), patience)
    }

    #[tokio::test]
    async fn what_it_prints_is_the_token() {
        let words = ["/bin/echo", "abc.def.ghi"].map(str::to_owned);
        assert_eq!(run(&words, "it").await.unwrap().value.expose(), "abc.def.ghi");
        let error = run(&["/bin/echo".to_owned(), "not a token".to_owned()], "it").await.unwrap_err().to_string();
        assert!(!error.contains("not a"), "{error}");
    }

    #[test]
    fn failures_are_told_without_what_it_printed() {
        let long = Duration::from_secs(20);
        assert_eq!(shell("echo hunter2; exit 3", long), Err(CommandFault::Failed("exit status: 3".to_owned())));
        assert_eq!(shell("printf '\\377'", long), Err(CommandFault::NotText));
        assert_eq!(output(&[], long), Err(CommandFault::Empty));
        assert!(matches!(output(&["/no/such/program".to_owned()], long), Err(CommandFault::Io(_))));
    }

    #[test]
    fn neither_a_command_that_hangs_nor_one_that_talks_for_ever_is_waited_for() {
        let short = Duration::from_millis(300);
        let began = Instant::now();
        // The second one leaves the pipe to a child of its own.
        for script in ["sleep 60", "sleep 60 & sleep 60", "while :; do :; done"] {
            assert_eq!(shell(script, short), Err(CommandFault::TimedOut(short)), "{script}");
        }
        let endless =
            shell("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done", Duration::from_secs(3));
        assert!(endless.is_err() || endless.is_ok_and(|text| text.len() <= LARGEST + 2));
        assert!(began.elapsed() < Duration::from_secs(15));
    }
}
