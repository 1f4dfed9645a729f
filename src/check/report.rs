//! What a check found.

use std::collections::BTreeMap;

use serde::Serialize;

use super::needs::{Level, On, Use};
use crate::model::{OffsetRange, Timestamp, TopicName};
use crate::repository::format::Incomplete;

/// The result of a check. Printing is the command line's.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// When it was made.
    pub checked: Timestamp,
    /// The cluster; `None` if it was not looked at, or does not answer.
    pub cluster: Option<ClusterState>,
    /// What this client may do there, one entry for each use.
    pub rights: Vec<UseRights>,
    /// The repository; `None` if it was not looked at, or cannot be read.
    pub repository: Option<RepositoryState>,
    /// What is not saved yet; `None` unless both were looked at.
    pub retention: Option<RetentionState>,
    /// What a person has to look after.
    pub problems: Vec<Problem>,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

impl CheckReport {
    pub(super) fn new(checked: Timestamp) -> Self {
        Self {
            checked,
            cluster: None,
            rights: Vec::new(),
            repository: None,
            retention: None,
            problems: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// Something that a person has to look after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// What it is about.
    pub subject: String,
    /// One sentence with the numbers.
    pub detail: String,
    /// One thing to do.
    pub remedy: String,
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The cluster or the repository cannot be reached.
    NotReachable,
    /// A broker does not answer.
    Broker,
    /// A right is missing.
    Rights,
    /// There is no snapshot of this selection.
    NoSnapshot,
    /// The newest snapshot is too old.
    TooOld,
    /// The newest snapshot is less than it should be.
    Incomplete,
    /// The newest snapshot is of another cluster.
    OtherCluster,
    /// The repository cannot be written to.
    NotWritable,
    /// There is no room for the next backup.
    Space,
    /// Retention deleted what was not saved.
    Overtaken,
    /// Retention will soon delete what is not saved.
    SoonOvertaken,
    /// It could not be found out.
    Unknown,
}

/// The cluster.
#[derive(Debug, Clone, Serialize)]
pub struct ClusterState {
    /// Its id.
    pub cluster_id: String,
    /// Node id of the controller as brokers say, -1 if unknown.
    pub controller: i32,
    /// Its brokers, ascending.
    pub brokers: Vec<BrokerState>,
    /// What all brokers that answered offer.
    pub features: BTreeMap<&'static str, bool>,
    /// The controller's clock; `None` where it cannot be read.
    pub clock: Option<ClockState>,
    /// Why it cannot be read.
    pub clock_unknown: Option<String>,
}

/// One broker.
#[derive(Debug, Clone, Serialize)]
pub struct BrokerState {
    /// Its node id.
    pub node: i32,
    /// The address it advertises.
    pub address: String,
    /// The address that was used instead.
    pub instead: Option<String>,
    /// Its rack.
    pub rack: Option<String>,
    /// Milliseconds until a connection was ready for requests.
    pub connected_ms: Option<u64>,
    /// Why it does not answer.
    pub error: Option<String>,
}

/// How far the active controller's clock is from ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ClockState {
    /// Its node id.
    pub controller: i32,
    /// Milliseconds that it is ahead of this host; negative where it is behind.
    pub ahead_ms: i64,
    /// The difference is right to so many milliseconds: half the round trip.
    pub uncertain_ms: u64,
}

/// The rights for one use.
#[derive(Debug, Clone, Serialize)]
pub struct UseRights {
    /// What for.
    #[serde(rename = "for")]
    pub use_of: Use,
    /// What is missing makes the exit code 3.
    pub counts: bool,
    /// How many topics and groups were asked about.
    pub topics: usize,
    /// See `topics`.
    pub groups: usize,
    /// Rights that this client lacks.
    pub missing: Vec<Right>,
    /// Rights of which the brokers do not say whether it has them.
    pub unknown: Vec<Right>,
}

/// One right on one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Right {
    /// Kind of the resource.
    pub on: On,
    /// Its name; `kafka-cluster` for the cluster, as Kafka's tools call it.
    pub name: String,
    /// `Read`, or `Alter or ClusterAction`.
    pub operation: String,
    /// How much is lost without it.
    pub level: Level,
    /// What it is for.
    pub why: &'static str,
}

/// The repository.
#[derive(Debug, Clone, Serialize)]
pub struct RepositoryState {
    /// Where it lies.
    pub location: String,
    /// Its id.
    pub repository_id: String,
    /// Why nothing can be written to it; `None` if something can.
    pub not_writable: Option<String>,
    /// Bytes free where it lies; `None` where nobody knows.
    pub free_bytes: Option<u64>,
    /// How many snapshots it holds, of all clusters and selections.
    pub snapshots: usize,
    /// Cluster of the newest snapshot of all.
    pub newest_cluster_id: Option<String>,
    /// The newest snapshot of this cluster with this selection; with another one where there is none.
    pub newest: Option<SnapshotState>,
    /// When the newest snapshot that holds all it should was taken.
    pub last_success: Option<Timestamp>,
}

/// One snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotState {
    /// Its number.
    pub sequence: u64,
    /// Its id.
    pub id: String,
    /// When its fences were taken.
    pub fences_taken: Timestamp,
    /// When it was committed.
    pub committed: Timestamp,
    /// Seconds since its fences were taken.
    pub age_seconds: u64,
    /// It was taken with the selection that was asked about.
    pub same_selection: bool,
    /// What it holds.
    pub topics: u64,
    /// See `topics`.
    pub partitions: u64,
    /// See `topics`.
    pub groups: u64,
    /// Bytes of record batches.
    pub bytes: u64,
    /// Why it is less than it should be.
    pub incomplete: Vec<Incomplete>,
}

/// What the repository does not have yet, and how long the cluster will keep it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RetentionState {
    /// Offsets that are not saved yet.
    pub unsaved_offsets: u64,
    /// Bytes that the next backup needs, estimated from the sizes of the leaders' logs; `None` where brokers do not tell.
    pub needed_bytes: Option<u64>,
    /// Offsets between last stable offsets and high watermarks: open transactions hold a backup back.
    pub held_back_offsets: u64,
    /// Seconds until retention may take the first thing that is not saved: the smallest of all topics. `None` if nothing
    /// will be taken.
    pub left_seconds: Option<u64>,
    /// The topics with something that is not saved, ascending.
    pub topics: Vec<TopicLeft>,
    /// Topics and partitions of which it could not be found out, and why.
    pub unknown: Vec<(String, String)>,
}

/// One topic with something that is not saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicLeft {
    /// Its name.
    pub topic: TopicName,
    /// Partitions with something that is not saved.
    pub partitions: usize,
    /// Offsets that are not saved.
    pub unsaved_offsets: u64,
    /// Seconds until retention may take the first of them, at the earliest; `None` if it takes none.
    pub left_seconds: Option<u64>,
    /// The partition that is the first to lose something.
    pub partition: Option<i32>,
    /// The setting that takes it: `retention.ms` or `retention.bytes`. The time of the latter is estimated from how fast
    /// the partition grew since the last backup.
    pub limit: Option<&'static str>,
    /// What retention took already although it was not saved, by partition.
    pub lost: BTreeMap<i32, OffsetRange>,
}
