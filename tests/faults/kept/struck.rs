//! Commands that are killed between two of their requests to the store.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::faults::kill::Random;
use crate::faults::{Ended, ktape};

/// Far more than a command takes, on a machine that is also building.
const DEADLINE: Duration = Duration::from_secs(120);
/// A kill comes at most so long after the request that it waited for.
const LATER_MICROS: u64 = 2_000;

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Struck {
    Killed,
    /// It had ended well before.
    Completed,
}

/// Lets a command run to its end; how many requests to the store it logged.
pub(super) fn count_requests(command: &[String]) -> u64 {
    let (process, requests) = start(command);
    let count = requests.iter().count() as u64;
    completed(process);
    assert!(count > 0, "no request was logged: {command:?}");
    count
}

/// SIGKILL once it has logged the `nth` request.
pub(super) fn strike(command: &[String], nth: u64, random: &mut Random) -> Struck {
    let (mut process, requests) = start(command);
    for _ in 0..nth {
        match requests.recv_timeout(DEADLINE) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let _ = process.kill();
                panic!("{command:?} hangs");
            }
        }
    }
    thread::sleep(Duration::from_micros(random.below(LATER_MICROS)));
    process.kill().unwrap();
    if process.wait().unwrap().signal() == Some(9) {
        return Struck::Killed;
    }
    completed(process);
    Struck::Completed
}

fn completed(process: Child) {
    Ended::of(&process.wait_with_output().unwrap()).exits(0);
}

fn start(command: &[String]) -> (Child, Receiver<()>) {
    let flags = ["-vv", "--log-format", "json"];
    let mut process = ktape().args(command).args(flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (tell, requests) = mpsc::channel();
    let stderr = process.stderr.take().unwrap();
    thread::spawn(move || listen(stderr, &tell));
    (process, requests)
}

/// Sends word of every request until the process has ended.
fn listen(stderr: ChildStderr, tell: &mpsc::Sender<()>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if line.contains("store request") {
            // Nobody listens any more once the process is killed.
            let _ = tell.send(());
        }
    }
}
