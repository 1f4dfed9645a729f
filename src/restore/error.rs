//! Why a restore did not happen or stopped. What merely could not be kept is in the report.

use crate::batch::BatchError;
use crate::cluster::ClusterError;
use crate::model::{
    Classify, ErrorClass, InvalidPattern, InvalidTopicName, OffsetRange, Timestamp, TopicName, TopicPartition,
};
use crate::repository::RepositoryError;

/// A restore that failed or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The cluster could not be reached or refused something that is not one topic's alone.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The repository could not be read or written.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// A pattern is malformed.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    /// A rename leads to an illegal name.
    #[error(transparent)]
    Name(#[from] InvalidTopicName),
    /// The repository has no such snapshot.
    #[error("the repository has no snapshot {0}")]
    NoSnapshot(String),
    /// An include pattern or a rename fits nothing in the snapshot.
    #[error("nothing in snapshot {snapshot} matches {what}")]
    NothingMatches {
        /// Which snapshot.
        snapshot: u64,
        /// `topic "x*"`, `rename "a=b"`.
        what: String,
    },
    /// `--release` of topics that are not held.
    #[error("no restore into this cluster holds the retention of a topic that matches {pattern:?}")]
    NothingHeld {
        /// As it was typed.
        pattern: String,
    },
    /// Two topics would get the same name.
    #[error("topics {first} and {second} would both be restored as {target}")]
    SameTarget {
        /// One.
        first: TopicName,
        /// The other.
        second: TopicName,
        /// The name in the target.
        target: TopicName,
    },
    /// A target topic holds records, or held some.
    #[error("topic {topic} exists in the target and is not empty: partition {partition} holds offsets {range}")]
    NotEmpty {
        /// The topic in the target.
        topic: TopicName,
        /// The first partition that is not empty.
        partition: i32,
        /// What it holds.
        range: OffsetRange,
    },
    /// A topic belongs to a restore that was begun and is not done.
    #[error("topic {topic} belongs to a restore that was begun at {started} and is not finished ({state})")]
    Unfinished {
        /// The topic in the target.
        topic: TopicName,
        /// Where that restore is written down.
        state: String,
        /// The flags that make a command that restore.
        command: String,
        /// When it began.
        started: Timestamp,
    },
    /// Of an earlier attempt's topics some are there and some are not.
    #[error("of the restore in {state}, topics were deleted or made anew: {gone}; others are still there: {there}")]
    PartlyGone {
        /// Where that restore is written down.
        state: String,
        /// The topics that are not the ones it made.
        gone: String,
        /// Those that are.
        there: String,
    },
    /// An earlier attempt planned other topics or partitions.
    #[error("the restore in {state} was begun with another plan: topic {topic} is not in it as it is now")]
    OtherPlan {
        /// Where it is written down.
        state: String,
        /// The topic in the target.
        topic: TopicName,
    },
    /// A group's positions could not be committed for now.
    #[error("group {group:?} could not be committed at {partition}: {cause}")]
    Commit {
        /// The group in the target.
        group: String,
        /// The first partition.
        partition: TopicPartition,
        /// What the cluster said.
        cause: String,
    },
    /// A target topic exists with another number of partitions.
    #[error("topic {topic} exists in the target with {found} partitions, the snapshot has {needed}")]
    PartitionCount {
        /// The topic in the target.
        topic: TopicName,
        /// In the target.
        found: usize,
        /// In the snapshot.
        needed: usize,
    },
    /// The target has fewer brokers than a topic has replicas.
    #[error("topic {topic} has replication factor {needed}, but the target has only {brokers} broker(s)")]
    TooFewBrokers {
        /// The topic in the target.
        topic: TopicName,
        /// Its replication factor.
        needed: i16,
        /// Brokers alive.
        brokers: usize,
    },
    /// A batch does not fit into a request that the target takes.
    #[error(
        "topic {topic} has a batch of {bytes} bytes, and a broker of the target takes requests of at most {limit} (socket.request.max.bytes)"
    )]
    BatchTooLarge {
        /// The topic in the target.
        topic: TopicName,
        /// Bytes of its largest batch.
        bytes: u64,
        /// Bytes that a broker takes.
        limit: u64,
    },
    /// The target does not allow this client what the restore does to topics.
    #[error("the target does not allow this client to restore: it needs {}", .0.join("; "))]
    Rights(Vec<String>),
    /// The target would not create a topic.
    #[error("the target would not create topic {topic}: {reason}")]
    CannotCreate {
        /// The topic in the target.
        topic: TopicName,
        /// What it says.
        reason: String,
    },
    /// Groups with members would lose what is committed for them.
    #[error("consumer group(s) {0} have members in the target")]
    ActiveGroups(String),
    /// Positions lie outside the restored data, and that was to be refused.
    #[error("{count} committed offset(s) lie outside the restored data, first {first}")]
    OutOfRange {
        /// How many.
        count: usize,
        /// The first, in words.
        first: String,
    },
    /// A cut by time would leave behind more than should be.
    #[error(
        "cut at the first record later than {until}, partition {partition} would end at offset {offset}, whose record is from \
         {timestamp}: at least {behind} of {at_or_before} records at or before that time lie behind it{}",
        and_others(*.others)
    )]
    CutLeavesBehind {
        /// The worst partition, in the snapshot.
        partition: TopicPartition,
        /// Its cut.
        offset: i64,
        /// Time of the record there.
        timestamp: Timestamp,
        /// Records at or before the time behind the cut, at least.
        behind: u64,
        /// Records at or before the time.
        at_or_before: u64,
        /// What was asked for.
        until: Timestamp,
        /// More partitions that leave too much behind.
        others: usize,
    },
    /// A stored batch cannot be read.
    #[error("segment {object}: {source}")]
    Batch {
        /// Key of the segment.
        object: String,
        /// What is wrong.
        source: BatchError,
    },
    /// The broker stored a batch at another offset than planned: somebody else writes to the topic.
    #[error(
        "partition {partition}: a batch was stored at offset {found} instead of {planned}; somebody else writes to it"
    )]
    ForeignWriter {
        /// The partition in the target.
        partition: TopicPartition,
        /// Where it should be.
        planned: i64,
        /// Where it is; the log end if seen at the end.
        found: i64,
    },
    /// What lies before the log end was not produced by this restore.
    #[error(
        "partition {partition}: the batch before offset {end} is from producer id {found}, not from this restore's {ours}; somebody else writes to it"
    )]
    ForeignBatch {
        /// The partition in the target.
        partition: TopicPartition,
        /// Its log end.
        end: i64,
        /// Producer id of the batch, -1 if it has none.
        found: i64,
        /// The restore's producer id.
        ours: i64,
    },
    /// The leader knows this restore's producer no more, and takes nothing from one that it does not know but the beginning.
    #[error(
        "partition {partition}: its leader has forgotten the producer of this restore, as brokers up to 2.4 do after transactional.id.expiration.ms or once its records are gone, and takes nothing more of it"
    )]
    ForgottenProducer {
        /// The partition in the target.
        partition: TopicPartition,
    },
    /// A log whose offsets are to be as they were got longer than planned: markers landed twice.
    #[error("partition {partition}: its log ends at offset {found}, which is not a beginning of what is to be in it")]
    OutOfPlace {
        /// The partition in the target.
        partition: TopicPartition,
        /// First offset that is not as planned, at most.
        planned: i64,
        /// The log end.
        found: i64,
    },
    /// The target does not allow what keeping offsets needs.
    #[error("partition {partition}: its offsets cannot be kept: {reason}")]
    CannotPreserve {
        /// The partition in the target.
        partition: TopicPartition,
        /// Why.
        reason: String,
    },
    /// A partition made no progress, or was refused.
    #[error("partition {partition}, source offsets from {offset}: {cause}")]
    Partition {
        /// The partition in the target.
        partition: TopicPartition,
        /// First source offset that is not restored.
        offset: i64,
        /// What the cluster said last.
        cause: String,
    },
    /// The snapshot is of a time before settings of the cluster were taken.
    #[error("snapshot {snapshot} holds no settings of the cluster: it is of a time before ktape took them")]
    NoSettings {
        /// Which snapshot.
        snapshot: u64,
    },
    /// The target does not take settings of a kind, or this client may not set them.
    #[error("{what} cannot be restored: {reason}")]
    CannotSet {
        /// `ACLs`, `client quotas`, ...
        what: String,
        /// Why.
        reason: String,
    },
    /// The restore is done, and did not restore the settings that are asked for now.
    #[error("this restore is done, and it was run without {flags}")]
    SettingsNotPart {
        /// Flags that are new, as they are typed.
        flags: String,
    },
    /// The user asked.
    #[error("interrupted")]
    Interrupted,
    /// A thread of ours ended without an answer.
    #[error("the thread that {doing} ended unexpectedly")]
    Thread {
        /// What it was doing.
        doing: &'static str,
    },
}

fn and_others(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => "; 1 other partition is like it".to_owned(),
        more => format!("; {more} other partitions are like it"),
    }
}

impl Classify for RestoreError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Cluster(error) => error.class(),
            Self::Repository(error) => error.class(),
            Self::Batch { .. } => ErrorClass::Corrupt,
            Self::Interrupted => ErrorClass::Cancelled,
            Self::Thread { .. }
            | Self::Partition { .. }
            | Self::Commit { .. }
            | Self::ForeignWriter { .. }
            | Self::ForeignBatch { .. }
            | Self::ForgottenProducer { .. }
            | Self::OutOfPlace { .. }
            | Self::CannotPreserve { .. } => ErrorClass::Fatal,
            _ => ErrorClass::Reject,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_of_the_class_that_decides_the_exit_code() {
        let missing = || RepositoryError::Missing { object: "part".to_owned() };
        assert_eq!(RestoreError::Repository(missing()).class(), missing().class());
        let unknown = || ClusterError::NoLeader(TopicPartition::new(TopicName::new("orders").unwrap(), 0));
        assert_eq!(RestoreError::Cluster(unknown()).class(), unknown().class());
        assert_ne!(unknown().class(), ErrorClass::Reject);
        let source = BatchError::Cut { needed: 61, found: 5 };
        assert_eq!(RestoreError::Batch { object: "segment".to_owned(), source }.class(), ErrorClass::Corrupt);
        assert_eq!(RestoreError::Interrupted.class(), ErrorClass::Cancelled);
        assert_eq!(RestoreError::Thread { doing: "reads" }.class(), ErrorClass::Fatal);
    }
}
