//! What a cut leaves out, for the plan and the report.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{Timestamp, TopicName, TopicPartition};

/// The cut of one partition. Only partitions that are cut have one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionCut {
    /// In the snapshot.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub partition: TopicPartition,
    /// First source offset that is restored, if that is not the log start.
    pub from: Option<i64>,
    /// First source offset that is not restored any more, if that is not the end.
    pub until: Option<i64>,
    /// Time of the first record that is later than what was asked for; `None` where no record is, or the cut was made by
    /// when data was fetched.
    pub timestamp: Option<Timestamp>,
    /// Records at or before the time that lie behind the cut, at least.
    pub behind: u64,
    /// Records at or before the time in all; 0 where none lies behind the cut.
    pub at_or_before: u64,
    /// How far the earliest of those behind the cut lies before the record that it is made at, in milliseconds, at
    /// least.
    pub jump_ms: Option<i64>,
}

fn as_text<S: Serializer>(partition: &TopicPartition, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(partition)
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TopicPartition, D::Error> {
    let text = String::deserialize(deserializer)?;
    let parts =
        text.rsplit_once('-').and_then(|(topic, number)| Some((TopicName::new(topic).ok()?, number.parse().ok()?)));
    let (topic, partition) = parts.ok_or_else(|| D::Error::custom("a topic and a partition were expected"))?;
    Ok(TopicPartition::new(topic, partition))
}
