//! Whether every partition of `__consumer_offsets` has a coordinator that knows its groups, and shows them.
//!
//! One that is still reading them hides them from `ListGroups` without a word, but not from `DescribeGroups`, which says
//! that it is not ready: so each is asked about a group of its own that nobody has. One that has read them shows no
//! more than lies below the partition's high watermark, and a new leader's is behind until the followers have asked it
//! for more: `ListOffsets` says so until then (KIP-207).

use std::collections::BTreeSet;

use crate::cluster::{Cluster, ClusterError, ErrorCode, Leaders, Metadata, OffsetSpec, PartitionMeta};
use crate::model::{GroupId, OFFSETS_TOPIC, TopicName, TopicPartition};

/// Names that are tried for each partition until all have one.
const TRIES: i32 = 64;

/// The leaders as the metadata have them; `None` where the topic does not exist, or is hidden from this client.
pub(super) fn leaders(metadata: &Metadata) -> Option<Leaders> {
    let topic = metadata.topics.iter().find(|(name, _)| name.as_str() == OFFSETS_TOPIC).map(|(_, topic)| topic)?;
    let leader = |(at, partition): (&i32, &PartitionMeta)| (*at, (partition.leader, partition.leader_epoch));
    Some(topic.partitions.iter().map(leader).collect())
}

/// What the coordinators say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    /// All know their groups.
    Yes,
    /// Some do not answer, or do not know them in time.
    No,
    /// They may not tell this client.
    Untold,
}

impl Cluster {
    /// Waits for the coordinators of all partitions, as long as for anything else.
    pub(super) async fn coordinators_ready(&self, leaders: &Leaders) -> Ready {
        let nobodies = nobodies(leaders.len());
        if nobodies.len() < leaders.len() {
            return Ready::Untold;
        }
        let answers = self.known_groups(&nobodies).await;
        match told(answers.into_iter().filter_map(|(_, answer)| answer.err())) {
            Ready::Yes => self.all_committed(leaders).await,
            other => other,
        }
    }

    /// Waits until everything that was written before a leader became one lies below its high watermark.
    pub(super) async fn all_committed(&self, leaders: &Leaders) -> Ready {
        let Ok(topic) = TopicName::new(OFFSETS_TOPIC) else { return Ready::Untold };
        let partitions: Vec<TopicPartition> =
            leaders.keys().map(|partition| TopicPartition::new(topic.clone(), *partition)).collect();
        match self.list_offsets(&partitions, OffsetSpec::HighWatermark).await {
            Ok(answers) => told(answers.into_iter().filter_map(|(_, answer)| answer.err())),
            Err(_) => Ready::No,
        }
    }
}

/// What the errors of those that were asked come to.
fn told(errors: impl Iterator<Item = ClusterError>) -> Ready {
    let codes: Vec<Option<ErrorCode>> = errors.map(|error| error.code()).collect();
    let refused = |code: &Option<ErrorCode>| {
        matches!(code, Some(ErrorCode::GROUP_AUTHORIZATION_FAILED | ErrorCode::TOPIC_AUTHORIZATION_FAILED))
    };
    match codes.as_slice() {
        [] => Ready::Yes,
        codes if codes.iter().all(refused) => Ready::Untold,
        _ => Ready::No,
    }
}

/// A group for each partition. None is made: they are only asked about.
fn nobodies(partitions: usize) -> Vec<GroupId> {
    let count = i32::try_from(partitions).unwrap_or(i32::MAX);
    let mut open: BTreeSet<i32> = (0..count).collect();
    let mut found = Vec::with_capacity(partitions);
    for number in 0..count.saturating_mul(TRIES) {
        if open.is_empty() {
            break;
        }
        let id = format!("ktape-nobody-{number}");
        if open.remove(&partition_of(&id, count)) {
            found.push(GroupId::new(id.as_str()));
        }
    }
    found
}

/// The partition that keeps a group (Kafka class `GroupCoordinatorService`, Java's `String.hashCode`).
fn partition_of(group: &str, partitions: i32) -> i32 {
    let hash = group.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
    hash.checked_abs().unwrap_or(0) % partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_a_group_that_nobody_has() {
        for count in [1, 4, 50, 200] {
            let partitions: BTreeSet<i32> =
                nobodies(count).iter().map(|id| partition_of(id.as_str(), count as i32)).collect();
            assert_eq!(partitions.len(), count);
        }
        assert!(nobodies(0).is_empty());
    }

    #[test]
    fn groups_are_spread_as_java_does() {
        // `"console-consumer-1".hashCode()`, `"group".hashCode()` and the one whose absolute value does not exist.
        assert_eq!(partition_of("group", i32::MAX), 98_629_247);
        assert_eq!(partition_of("polygenelubricants", 50), 0);
    }
}
