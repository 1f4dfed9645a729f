//! Consumer groups as one snapshot holds them.

use serde::{Deserialize, Serialize};

use crate::model::{CommittedOffset, GroupId, GroupType, TopicName};

/// Part of a snapshot: the groups, ascending by id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupsPart {
    /// The groups.
    pub groups: Vec<GroupState>,
}

/// One consumer group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupState {
    /// Its id.
    pub id: GroupId,
    /// Which protocol it speaks.
    pub group_type: GroupType,
    /// `consumer`, `connect`, or empty for a group that only commits.
    pub protocol_type: String,
    /// `Empty`, `Stable`, ... as the coordinator said; empty where it does not say.
    pub state: String,
    /// True where a commit was pending in an open transaction, so the last stable one was taken.
    #[serde(default)]
    pub unstable: bool,
    /// What it committed, ascending by topic and partition.
    pub offsets: Vec<GroupOffset>,
}

/// One committed offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOffset {
    /// Topic.
    pub topic: TopicName,
    /// Partition.
    pub partition: i32,
    /// What was committed.
    #[serde(flatten)]
    pub committed: CommittedOffset,
}
