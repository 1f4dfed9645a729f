//! What can go wrong in the harness.

use std::path::Path;
use std::time::Duration;
use std::{fmt, io};

/// An error of the harness: the environment lacks something, or a JVM did not do what was asked.
#[derive(thiserror::Error)]
pub enum HarnessError {
    /// Programs that must be installed are not, one line each.
    #[error("missing prerequisites:\n{}", .0.join("\n"))]
    Prerequisites(Vec<String>),
    /// An operation on a file or a process failed.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted, with its path.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A program ended with a failure.
    #[error("{what} failed with status {status}\n{output}")]
    Failed {
        /// Which program.
        what: String,
        /// Its exit status; 128 and more for a signal.
        status: i32,
        /// The end of what it printed.
        output: String,
    },
    /// Something did not happen before its deadline.
    #[error("{what} not done after {} s\n{output}", .after.as_secs())]
    Deadline {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
        /// The end of the log of whom we waited for.
        output: String,
    },
    /// No block of free ports was found.
    #[error("no {0} free ports between 12000 and 32000 on 127.0.0.1")]
    Ports(usize),
    /// A certificate or a token could not be made.
    #[error("make {what}: {reason}")]
    Certificate {
        /// Which one.
        what: String,
        /// Why not.
        reason: String,
    },
    /// Output of a program was not of the form expected.
    #[error("unexpected output of {what}: {output}")]
    Output {
        /// Which program.
        what: String,
        /// The line or the reason.
        output: String,
    },
}

/// As it is displayed: these errors carry whole logs, and tests unwrap them.
impl fmt::Debug for HarnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Adds what was attempted to an I/O error.
pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> HarnessError {
    let what = what.into();
    move |source| HarnessError::Io { what, source }
}

/// Adds what was attempted on which path to an I/O error.
pub fn on(what: &str, path: &Path) -> impl FnOnce(io::Error) -> HarnessError {
    io(format!("{what} {}", path.display()))
}
