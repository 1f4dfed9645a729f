//! What can go wrong with a copy.

use super::Context;
use super::segment::Fault;
use crate::model::{Classify, ErrorClass};
use crate::repository::{ContentDigest, Repository, RepositoryError};

/// A copy that failed.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The repository that is copied cannot be read.
    #[error("copying from {location}")]
    Source {
        /// Where it lies.
        location: String,
        /// Why.
        source: RepositoryError,
    },
    /// The repository that is copied to cannot be written or read.
    #[error("copying to {location}")]
    Target {
        /// Where it lies.
        location: String,
        /// Why.
        source: RepositoryError,
    },
    /// Both are one repository, or one is a copy of the other's files.
    #[error("{from} and {to} are the same repository: both have the id {repository_id}")]
    SameRepository {
        /// Where the one lies.
        from: String,
        /// Where the other lies.
        to: String,
        /// Their id.
        repository_id: String,
    },
    /// The target holds backups of something else.
    #[error("{to} holds snapshots of cluster {found}, of which {from} has none")]
    OtherCluster {
        /// Where the source lies.
        from: String,
        /// Where the target lies.
        to: String,
        /// Cluster of the target's newest snapshot.
        found: String,
    },
    /// A seal's digest is kept, and all of a repository have one kind.
    #[error("{from} has {theirs} digests of its segments, {to} has {ours}")]
    OtherDigests {
        /// Where the source lies.
        from: String,
        /// Where the target lies.
        to: String,
        /// Those of the source.
        theirs: ContentDigest,
        /// Those of the target.
        ours: ContentDigest,
    },
    /// There is nothing to copy, or nothing as old.
    #[error("{location} has no snapshot that fits")]
    NoSnapshot {
        /// Where.
        location: String,
    },
    /// A snapshot of the target, of which segments are shared, is gone.
    #[error("snapshot {sequence} of {location} was removed while something that shares segments with it was copied")]
    Removed {
        /// Its number.
        sequence: u64,
        /// Where.
        location: String,
    },
    /// A thread of ours ended in the middle.
    #[error("a thread that copied segments ended unexpectedly")]
    Thread,
}

impl CopyError {
    pub(super) fn source(repository: &Repository, source: RepositoryError) -> Self {
        Self::Source { location: repository.location().to_owned(), source }
    }

    pub(super) fn target(repository: &Repository, source: RepositoryError) -> Self {
        Self::Target { location: repository.location().to_owned(), source }
    }
}

impl CopyError {
    /// Says which end a fault is about.
    pub(super) fn of(context: Context<'_>, fault: Fault) -> Self {
        match fault {
            Fault::Source(error) => Self::source(context.source, error),
            Fault::Target(error) => Self::target(context.target, error),
            Fault::Removed(sequence) => Self::Removed { sequence, location: context.target.location().to_owned() },
            Fault::Cancelled | Fault::Thread => Self::Thread,
        }
    }
}

impl Classify for CopyError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Source { source, .. } | Self::Target { source, .. } => source.class(),
            Self::SameRepository { .. }
            | Self::OtherCluster { .. }
            | Self::OtherDigests { .. }
            | Self::NoSnapshot { .. } => ErrorClass::Reject,
            Self::Removed { .. } | Self::Thread => ErrorClass::Fatal,
        }
    }
}
