//! Offsets that are taken as they are, where the target's log covers them.

use std::collections::BTreeMap;

use super::error::OffsetsError;
use super::position::{Origin, Position, TargetPosition};
use crate::cluster::{Cluster, ClusterError, Metadata, OffsetSpec};
use crate::model::{OffsetRange, TopicName, TopicPartition};

/// Gives the positions that have no place yet one of the same number.
pub(super) async fn place(
    cluster: &Cluster,
    metadata: &Metadata,
    names: &BTreeMap<TopicName, TopicName>,
    positions: &mut [Position],
) -> Result<(), OffsetsError> {
    let mut logs: BTreeMap<TopicPartition, Option<OffsetRange>> = BTreeMap::new();
    for one in positions.iter().filter(|one| is_open(one)) {
        logs.insert(at(one, names), None);
    }
    let known: Vec<TopicPartition> = logs.keys().filter(|at| metadata.partition(at).is_some()).cloned().collect();
    if !known.is_empty() {
        let starts = offsets(cluster, &known, OffsetSpec::Earliest).await?;
        let ends = offsets(cluster, &known, OffsetSpec::HighWatermark).await?;
        for at in known {
            let range = starts.get(&at).zip(ends.get(&at)).map(|(base, next)| OffsetRange { base: *base, next: *next });
            logs.insert(at, range);
        }
    }
    for one in positions.iter_mut().filter(|one| is_open(one)) {
        let at = at(one, names);
        let Some(range) = logs.get(&at).copied().flatten() else {
            one.left_out = Some("the target's topic has no such partition".to_owned());
            continue;
        };
        let (offset, origin) = within(one.source.committed.offset, range);
        one.target = Some(TargetPosition { group: one.group.clone(), topic: at.topic, offset, origin });
    }
    Ok(())
}

fn is_open(one: &Position) -> bool {
    one.target.is_none() && one.left_out.is_none()
}

fn at(one: &Position, names: &BTreeMap<TopicName, TopicName>) -> TopicPartition {
    let topic = names.get(&one.source.topic).unwrap_or(&one.source.topic);
    TopicPartition::new(topic.clone(), one.source.partition)
}

fn within(offset: i64, log: OffsetRange) -> (i64, Origin) {
    match offset {
        low if low < log.base => (log.base, Origin::SameMovedUp),
        high if high > log.next => (log.next, Origin::SameMovedDown),
        same => (same, Origin::Same),
    }
}

async fn offsets(
    cluster: &Cluster,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
) -> Result<BTreeMap<TopicPartition, i64>, ClusterError> {
    let mut offsets = BTreeMap::new();
    for (at, answer) in cluster.list_offsets(partitions, spec).await? {
        offsets.insert(at, answer?.offset);
    }
    Ok(offsets)
}
