//! Every way a verb can fail, with its exit code and one thing to do about it. The only place that maps the two.

use std::borrow::Cow;
use std::error::Error;
use std::io;

use super::exit_code::ExitCode;
use crate::backup::BackupError;
use crate::cluster::{ClusterError, ErrorCode};
use crate::repository::RepositoryError;
use crate::store::StoreErrorKind;

/// Why a verb ended without its result.
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
    /// The repository, or the disk it lies on.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The cluster, or the way to it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The backup.
    #[error(transparent)]
    Backup(BackupError),
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

impl Failure {
    /// How the process ends.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::Usage,
            Self::Interrupted => ExitCode::Interrupted,
            Self::Repository(error) => repository_code(error),
            Self::Backup(error) => backup_code(error),
            Self::Write { .. } | Self::Panicked(_) | Self::Cluster(_) | Self::Start(_) => ExitCode::Failed,
        }
    }

    /// One thing to do, as a sentence without a final stop.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::Interrupted => return None,
            Self::Repository(error) => return Some(repository_hint(error)),
            Self::Cluster(error) => cluster_hint(error),
            Self::Backup(error) => backup_hint(error),
            Self::Usage(_) => "`ktape VERB --help` shows what a verb takes, with examples",
            Self::Write { .. } => "make room or choose another place, and run the same command again",
            Self::Panicked(_) => "run the same command again, and please report this with the output of `-vv`",
            Self::Start(_) => "look at the limits of this process (`ulimit -a`)",
        }))
    }

    /// The error and its causes on one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let next = error.to_string();
            // A transparent wrapper, or a text that quotes its cause, says it already.
            if !text.ends_with(&next) {
                text = format!("{text}: {next}");
            }
            cause = error.source();
        }
        text.replace('\n', " ")
    }
}

fn repository_code(error: &RepositoryError) -> ExitCode {
    match error {
        RepositoryError::Damaged { .. } | RepositoryError::Missing { .. } => ExitCode::Damaged,
        RepositoryError::Locked { .. } => ExitCode::Locked,
        RepositoryError::UnsupportedLocation { .. } | RepositoryError::InvalidKey(_) => ExitCode::Usage,
        RepositoryError::NotARepository { .. }
        | RepositoryError::AlreadyARepository { .. }
        | RepositoryError::NotEmpty { .. }
        | RepositoryError::NewerFormat { .. }
        | RepositoryError::NoSuchSnapshot { .. } => ExitCode::Refused,
        RepositoryError::Store(_)
        | RepositoryError::RefusedBatch { .. }
        | RepositoryError::OutOfOrder { .. }
        | RepositoryError::NotSealable { .. }
        | RepositoryError::Encode { .. } => ExitCode::Failed,
    }
}

fn repository_hint(error: &RepositoryError) -> Cow<'static, str> {
    Cow::Borrowed(match error {
        RepositoryError::NotARepository { location } => {
            return format!("is the disk mounted? To make a new one: ktape init --repository {location}").into();
        }
        RepositoryError::NoSuchSnapshot { location, .. } => {
            return format!("ktape list --repository {location}").into();
        }
        RepositoryError::Store(error) => store_hint(error.kind),
        RepositoryError::AlreadyARepository { .. } => "nothing to do: `ktape backup` can use it as it is",
        RepositoryError::NotEmpty { .. } => "choose a folder that is empty or does not exist yet",
        RepositoryError::NewerFormat { .. } => "use the ktape that wrote it, or a newer one",
        RepositoryError::UnsupportedLocation { .. } => "name a folder, as in --repository /backup/kafka",
        RepositoryError::InvalidKey(_) => "use names that Kafka allows",
        RepositoryError::Damaged { .. } | RepositoryError::Missing { .. } => {
            "`ktape verify` lists all that is damaged; take the file from a copy of the repository, or restore another snapshot"
        }
        RepositoryError::Locked { .. } => "wait until it has ended; its lock ends with it",
        RepositoryError::RefusedBatch { .. } | RepositoryError::OutOfOrder { .. } => {
            "look at the broker's log of this partition with Kafka's DumpLogSegments: its disk or the network spoils data"
        }
        RepositoryError::NotSealable { .. } | RepositoryError::Encode { .. } => "run the same command again",
    })
}

fn store_hint(kind: StoreErrorKind) -> &'static str {
    match kind {
        StoreErrorKind::NoSpace => {
            "make room on the disk and run the same command again: it goes on where this run stopped"
        }
        StoreErrorKind::ReadOnly => "mount the repository's file system writable",
        StoreErrorKind::PermissionDenied => "give this user the right to read and write the repository's folder",
        StoreErrorKind::NotFound | StoreErrorKind::AlreadyExists | StoreErrorKind::Other => {
            "look at the disk (`dmesg`), then run the same command again"
        }
    }
}

fn backup_code(error: &BackupError) -> ExitCode {
    match error {
        BackupError::Pattern(_) | BackupError::NothingMatches { .. } => ExitCode::Usage,
        BackupError::OtherCluster { .. } => ExitCode::Refused,
        _ => ExitCode::Failed,
    }
}

fn backup_hint(error: &BackupError) -> &'static str {
    match error {
        BackupError::Pattern(_) => "patterns are globs: * and ? and [a-z] and {a,b}, in quotes",
        BackupError::NothingMatches { .. } => {
            "check the spelling; patterns match whole names, and `--dry-run` without them lists all"
        }
        BackupError::OtherCluster { .. } => {
            "check --bootstrap-server, or make another repository for this cluster with `ktape init`"
        }
        _ => "run the same command again, and please report this with the output of `-vv`",
    }
}

fn cluster_hint(error: &ClusterError) -> &'static str {
    match error {
        ClusterError::Bootstrap { .. } => {
            "check --bootstrap-server, and that the broker's plain listener is reachable from here"
        }
        ClusterError::Advertised { .. } => "say where it can be reached: --broker-address ID=HOST:PORT",
        ClusterError::Override { .. } => "check --broker-address, or leave it out if the advertised address is right",
        ClusterError::Unsupported { .. } => {
            "this broker is too old for what was asked; leave it out or upgrade the broker"
        }
        ClusterError::Broker { code, .. } if is_authorization(*code) => {
            "grant this client the rights that OPERATIONS.md lists"
        }
        ClusterError::UnknownNode(_) | ClusterError::NoLeader(_) => {
            "look at the brokers: one is down or just starting; then run the same command again"
        }
        _ => "run the same command again: it goes on where this run stopped; `-vv` logs every request",
    }
}

fn is_authorization(code: ErrorCode) -> bool {
    [
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        ErrorCode::GROUP_AUTHORIZATION_FAILED,
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
    ]
    .contains(&code)
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
