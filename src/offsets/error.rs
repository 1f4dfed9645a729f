//! Why offsets could not be shown or committed. What merely could not be kept is in the report.

use crate::cluster::ClusterError;
use crate::model::{Classify, ErrorClass, InvalidPattern, InvalidTopicName, TopicName};
use crate::repository::RepositoryError;

/// Work on offsets that failed or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OffsetsError {
    /// The cluster could not be reached or refused.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The repository, or the folder of states, could not be read or written.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// A pattern is malformed.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    /// A rename leads to an illegal name.
    #[error(transparent)]
    Name(#[from] InvalidTopicName),
    /// The repository has no such snapshot.
    #[error("the repository has no such snapshot")]
    NoSnapshot,
    /// A pattern or a rename fits nothing.
    #[error("no committed offset of snapshot {snapshot} matches {what}")]
    NothingMatches {
        /// Number of the snapshot.
        snapshot: u64,
        /// `group pattern "x*"`.
        what: String,
    },
    /// No restore has that id.
    #[error("{location} knows no restore {id:?}")]
    UnknownRestore {
        /// Where restores are written down.
        location: String,
        /// As it was typed.
        id: String,
    },
    /// The restore is of another snapshot than the one that was asked for.
    #[error("restore {restore} is of snapshot {found}, not {wanted}")]
    OtherSnapshot {
        /// The restore.
        restore: String,
        /// Its snapshot.
        found: u64,
        /// The one asked for.
        wanted: u64,
    },
    /// Nothing was restored into this cluster, as far as is known here.
    #[error("{location} knows no finished restore into cluster {cluster}")]
    NoRestore {
        /// Where restores are written down.
        location: String,
        /// The cluster.
        cluster: String,
    },
    /// The restore went into another cluster, or did not end.
    #[error("restore {restore} {why}")]
    Unfit {
        /// The restore.
        restore: String,
        /// `is not finished`.
        why: String,
    },
    /// A topic is not there.
    #[error("topic {topic} does not exist in the target, or is hidden from this client, which needs Read on it")]
    NoTopic {
        /// In the target.
        topic: TopicName,
    },
    /// A topic is not the one that was restored.
    #[error("topic {topic} of the target {why}, so nothing says where its offsets lie")]
    OtherTopic {
        /// In the target.
        topic: TopicName,
        /// `was made by restore ... of snapshot ...`.
        why: String,
    },
    /// Groups with members would lose what is committed for them.
    #[error("consumer group(s) {0} have members in the target")]
    ActiveGroups(String),
    /// Positions lie outside, and that was to be refused.
    #[error("{count} committed offset(s) lie outside of what the target holds, first {first}")]
    OutOfRange {
        /// How many.
        count: usize,
        /// The first, in words.
        first: String,
    },
    /// There is no commit that was not undone already.
    #[error("{location} knows no commit of offsets to cluster {cluster} that was not undone")]
    NothingToUndo {
        /// Where commits are written down.
        location: String,
        /// The cluster.
        cluster: String,
    },
    /// A thread of ours ended without an answer.
    #[error("the thread that {doing} ended unexpectedly")]
    Thread {
        /// What it was doing.
        doing: &'static str,
    },
}

impl Classify for OffsetsError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Cluster(error) => error.class(),
            Self::Repository(error) => error.class(),
            Self::Thread { .. } => ErrorClass::Fatal,
            _ => ErrorClass::Reject,
        }
    }
}
