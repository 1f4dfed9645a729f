//! How a run ended, as a number that scripts and monitoring can act on.

/// The process's exit code. OPERATIONS.md documents the table; a number never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything that was asked for is done.
    Done = 0,
    /// It failed; running the same command again may help.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// It ended, but with less than it should have; the report says what is missing.
    Incomplete = 3,
    /// The repository is damaged.
    Damaged = 4,
    /// It would have been wrong to go on: not a repository, target not empty, other cluster, active group.
    Refused = 5,
    /// Another run holds the lock.
    Locked = 6,
    /// A cluster does not hold what the snapshot holds.
    Different = 7,
    /// Ctrl-C or SIGTERM; the same command goes on where this one stopped.
    Interrupted = 130,
}

impl ExitCode {
    /// The number.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}
