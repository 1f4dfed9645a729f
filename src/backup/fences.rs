//! Log start, last stable offset and high watermark of every partition, and whether stored epochs still hold.

use std::collections::BTreeMap;

use super::error::BackupError;
use super::plan::PlannedTopic;
use super::resume::Broken;
use crate::cluster::{Cluster, OffsetSpec};
use crate::model::TopicPartition;
use crate::repository::format::{Incomplete, IncompleteKind};

/// The broker's three bounds of one partition: `log_start <= last_stable <= high_watermark`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// First offset.
    pub log_start: i64,
    /// End of what every transaction has decided: this run's fence.
    pub last_stable: i64,
    /// End of what is replicated.
    pub high_watermark: i64,
}

/// Bounds by partition.
pub(super) type Fences = BTreeMap<TopicPartition, Bounds>;

/// Asks for the bounds. A partition that does not tell all three is reported and has no entry.
pub(super) async fn take(
    cluster: &Cluster,
    partitions: &[TopicPartition],
) -> Result<(Fences, Vec<Incomplete>), BackupError> {
    let mut incomplete = BTreeMap::new();
    // The ends first: a log start read later can only be larger, so an offset is never missed unnoticed.
    let last_stable = ask(cluster, partitions, OffsetSpec::LastStable, &mut incomplete).await?;
    let high_watermark = ask(cluster, partitions, OffsetSpec::HighWatermark, &mut incomplete).await?;
    let log_start = ask(cluster, partitions, OffsetSpec::Earliest, &mut incomplete).await?;
    let mut fences = Fences::new();
    for (at, stable) in last_stable {
        let (Some(end), Some(start)) = (high_watermark.get(&at), log_start.get(&at)) else { continue };
        // DeleteRecords or retention may have moved the log start past an end that was read a moment ago.
        let last_stable = stable.max(*start);
        let high_watermark = (*end).max(last_stable);
        fences.insert(at, Bounds { log_start: *start, last_stable, high_watermark });
    }
    Ok((fences, incomplete.into_values().collect()))
}

async fn ask(
    cluster: &Cluster,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
    incomplete: &mut BTreeMap<TopicPartition, Incomplete>,
) -> Result<BTreeMap<TopicPartition, i64>, BackupError> {
    let mut offsets = BTreeMap::new();
    for (at, answer) in cluster.list_offsets(partitions, spec).await? {
        match answer {
            Ok(found) => {
                offsets.insert(at, found.offset);
            }
            Err(error) => {
                let detail = format!("its bounds could not be read: {error}");
                let subject = at.to_string();
                incomplete.insert(at, Incomplete { kind: IncompleteKind::NotReached, subject, detail });
            }
        }
    }
    Ok(offsets)
}

/// Compares the last stored leader epoch of every continued partition with the log (KIP-320): an epoch that ends
/// before what is stored means that the log was cut, and the partition is read again in a new lineage.
/// Costs few requests however many partitions there are; those with new data are also proved by the batch itself.
pub(super) async fn check_epochs(cluster: &Cluster, topics: &mut [PlannedTopic]) {
    let mut asked = Vec::new();
    for topic in topics.iter() {
        for partition in &topic.partitions {
            let Some(proof) = &partition.continuation.proof else { continue };
            if partition.bounds.is_some() && proof.leader_epoch >= 0 {
                asked.push((TopicPartition::new(topic.name.clone(), partition.partition), proof.leader_epoch));
            }
        }
    }
    if asked.is_empty() {
        return;
    }
    let ends: BTreeMap<_, _> = cluster.epoch_ends(asked).await.into_iter().collect();
    for topic in topics {
        for partition in &mut topic.partitions {
            let at = TopicPartition::new(topic.name.clone(), partition.partition);
            let (Some(Ok(Some(end))), Some(bounds)) = (ends.get(&at), partition.bounds) else { continue };
            let Some(proof) = &partition.continuation.proof else { continue };
            let holds = end.epoch < 0 || (end.epoch == proof.leader_epoch && end.end_offset >= proof.next);
            if !holds && proof.next > bounds.log_start {
                partition.continuation = partition.continuation.begin_again(Broken::Truncated, bounds.log_start);
            }
        }
    }
}
