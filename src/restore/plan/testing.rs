//! Plans for tests.

use super::{PlannedPartition, PlannedTopic};
use crate::model::{OffsetRange, Timestamp, TopicId, TopicName};
use crate::repository::format::{ConfigEntry, SegmentList, TopicState};

/// A topic with one empty partition and these settings.
pub(in crate::restore) fn planned(name: &str, configs: &[(&str, &str)]) -> PlannedTopic {
    let name = TopicName::new(name).unwrap();
    let config =
        |(name, value): &(&str, &str)| ConfigEntry { name: (*name).to_owned(), value: Some((*value).to_owned()) };
    PlannedTopic {
        state: TopicState {
            name: name.clone(),
            id: TopicId::ZERO,
            replication_factor: 1,
            configs: configs.iter().map(config).collect(),
            effective: Vec::new(),
            partitions: Vec::new(),
        },
        target: name,
        exists: false,
        replication_factor: 1,
        partitions: vec![PlannedPartition {
            partition: 0,
            selected: true,
            keep: OffsetRange { base: 0, next: 0 },
            high_watermark: 0,
            bytes: 0,
            segments: SegmentList::default(),
            preserving: None,
        }],
        max_batch: 0,
        min_timestamp: Timestamp(-1),
        hold: None,
    }
}
