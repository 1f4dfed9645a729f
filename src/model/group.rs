//! Consumer groups and what they committed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A consumer group's id: any string, non-ASCII and empty included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(String);

impl GroupId {
    /// Takes the id as the broker or the user spelled it.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which protocol a group speaks (`ListGroups` v5, KIP-848). Brokers before 3.8 do not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupType {
    /// The protocol of `JoinGroup` and `SyncGroup`, and groups that only commit.
    Classic,
    /// KIP-848.
    Consumer,
    /// KIP-932; its positions are not committed offsets.
    Share,
    /// KIP-1071.
    Streams,
    /// The broker did not say.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What a group committed for one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommittedOffset {
    /// The offset that will be read next; -1 means nothing is committed.
    pub offset: i64,
    /// Leader epoch of the last record consumed, -1 if unknown (`OffsetFetch` v5+).
    pub leader_epoch: i32,
    /// Free text the consumer stored beside the offset.
    pub metadata: Option<String>,
}
