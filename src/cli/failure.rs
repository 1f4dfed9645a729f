//! Every way a verb can end without its result.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use super::advice::{self, Advice};
use super::exit_code::ExitCode;
use super::signing::KeyError;
use crate::backup::BackupError;
use crate::check::CheckError;
use crate::cluster::ClusterError;
use crate::compare::CompareError;
use crate::copy::CopyError;
use crate::drill::DrillError;
use crate::export::ExportError;
use crate::model::describe;
use crate::offsets::OffsetsError;
use crate::properties::PropertiesError;
use crate::repository::RepositoryError;
use crate::restore::RestoreError;
use crate::store::StoreErrorKind;

/// Why a verb ended without its result. [`advice`] maps each to an exit code and one thing to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Flags that contradict each other, or name nothing.
    #[error("{0}")]
    Usage(String),
    /// A file or a stream of our own could not be written.
    #[error("writing {what}")]
    Write {
        /// The file, or standard output.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// Ctrl-C or SIGTERM before there was anything to report.
    #[error("interrupted before anything was done")]
    Interrupted,
    /// A bug in ktape.
    #[error("a part of ktape failed unexpectedly: {0}")]
    Panicked(String),
    /// The properties of `--command-config`.
    #[error("--command-config {}", path.display())]
    CommandConfig {
        /// The file.
        path: PathBuf,
        /// Why it cannot be used.
        source: PropertiesError,
    },
    /// A key for signatures.
    #[error("key {what}")]
    Key {
        /// Its file, or a public key as it was typed.
        what: String,
        /// Why it cannot be used.
        source: KeyError,
    },
    /// The repository, or the disk it lies on.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The cluster, or the way to it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The backup.
    #[error(transparent)]
    Backup(BackupError),
    /// The check.
    #[error(transparent)]
    Check(CheckError),
    /// The restore.
    #[error(transparent)]
    Restore(RestoreError),
    /// The comparison with a cluster.
    #[error(transparent)]
    Compare(CompareError),
    /// The copy.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The drill.
    #[error(transparent)]
    Drill(Box<DrillError>),
    /// The export.
    #[error(transparent)]
    Export(ExportError),
    /// Work on offsets.
    #[error(transparent)]
    Offsets(OffsetsError),
    /// Another snapshot than the one that was expected.
    #[error("snapshot {sequence} has the id {id}, {expected} was expected")]
    Unexpected {
        /// Its number.
        sequence: u64,
        /// Its id.
        id: String,
        /// The other.
        expected: String,
    },
    /// `--snapshot` fits nothing.
    #[error("{location} has {wanted}")]
    NoSnapshot {
        /// The repository.
        location: String,
        /// What it has not.
        wanted: String,
    },
    /// The process could not set itself up.
    #[error("starting up")]
    Start(#[source] io::Error),
}

/// What a verb hands on from a tower is that tower's failure.
impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Cluster(error) => Self::Cluster(error),
            BackupError::Repository(error) => Self::Repository(error),
            error => Self::Backup(error),
        }
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Cluster(error) => Self::Cluster(error),
            CheckError::Repository(error) => Self::Repository(error),
            error @ CheckError::Pattern(_) => Self::Check(error),
        }
    }
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Cluster(error) => Self::Cluster(error),
            // Whoever restores can write elsewhere what is written.
            RestoreError::Repository(RepositoryError::Store(error)) if error.kind == StoreErrorKind::ReadOnly => {
                Self::Restore(RepositoryError::Store(error).into())
            }
            RestoreError::Repository(error) => Self::Repository(error),
            error => Self::Restore(error),
        }
    }
}

impl From<CompareError> for Failure {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Cluster(error) => Self::Cluster(error),
            CompareError::Repository(error) => Self::Repository(error),
            error => Self::Compare(error),
        }
    }
}

impl From<DrillError> for Failure {
    fn from(error: DrillError) -> Self {
        match error {
            DrillError::Cluster(error) => Self::Cluster(error),
            DrillError::Repository(error) => Self::Repository(error),
            DrillError::Restore(error) => error.into(),
            DrillError::Compare(error) => error.into(),
            error => Self::Drill(Box::new(error)),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Repository(error) => Self::Repository(error),
            error => Self::Export(error),
        }
    }
}

impl From<OffsetsError> for Failure {
    fn from(error: OffsetsError) -> Self {
        match error {
            OffsetsError::Cluster(error) => Self::Cluster(error),
            OffsetsError::Repository(error) => Self::Repository(error),
            error => Self::Offsets(error),
        }
    }
}

impl Failure {
    /// How the process ends.
    pub fn exit_code(&self) -> ExitCode {
        self.advice().0
    }

    /// One thing to do, as a sentence without a final stop.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        Some(self.advice().1).filter(|hint| !hint.is_empty())
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Usage(_) => advice::usage(),
            Self::Interrupted => advice::interrupted(),
            Self::Write { .. } => advice::write(),
            Self::Panicked(_) => advice::bug(),
            Self::Start(_) => advice::start(),
            Self::CommandConfig { source, .. } => advice::properties(source),
            Self::Key { source, .. } => advice::key(source),
            Self::Repository(error) => advice::repository(error),
            Self::Cluster(error) => advice::cluster(error),
            Self::Backup(error) => advice::backup(error),
            Self::Check(error) => advice::check(error),
            Self::Restore(error) => advice::restore(error),
            Self::Compare(error) => advice::compare(error),
            Self::Copy(error) => advice::copy(error),
            Self::Drill(error) => advice::drill(error),
            Self::Export(error) => advice::export(error),
            Self::Offsets(error) => advice::offsets(error),
            Self::Unexpected { .. } => advice::unexpected(),
            Self::NoSnapshot { .. } => advice::no_snapshot(),
        }
    }

    /// The error and its causes on one line.
    pub fn chain(&self) -> String {
        describe(self).replace('\n', " ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_one_line_and_says_nothing_twice() {
        let failure = Failure::Write { what: "a file".to_owned(), source: io::Error::other("no\nspace") };
        assert_eq!(failure.chain(), "writing a file: no space");
    }
}
