//! Log start, last stable offset and high watermark of every partition, and whether stored epochs still hold.

use std::collections::BTreeMap;

use super::error::BackupError;
use super::options::FenceAt;
use super::plan::PlannedTopic;
use super::resume::Broken;
use crate::cluster::{Cluster, ClusterError, OffsetSpec};
use crate::model::TopicPartition;
use crate::repository::format::{Incomplete, IncompleteKind};

/// The broker's bounds of one partition, and where the snapshot ends:
/// `log_start <= last_stable <= fence <= high_watermark`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// First offset.
    pub log_start: i64,
    /// End of what every transaction has decided.
    pub last_stable: i64,
    /// End of what is replicated.
    pub high_watermark: i64,
    /// Where this run ends.
    pub fence: i64,
}

impl Bounds {
    /// `DeleteRecords` or retention may have moved the log start past an end that was read a moment ago.
    pub(super) fn new(log_start: i64, last_stable: i64, high_watermark: i64, fence: FenceAt) -> Self {
        let last_stable = last_stable.max(log_start);
        let high_watermark = high_watermark.max(last_stable);
        let fence = match fence {
            FenceAt::LastStable => last_stable,
            FenceAt::HighWatermark => high_watermark,
        };
        Self { log_start, last_stable, high_watermark, fence }
    }
}

/// Bounds by partition.
pub(super) type Fences = BTreeMap<TopicPartition, Bounds>;

/// Asks for the bounds. A partition that does not tell all three is reported and has no entry.
pub(super) async fn take(
    cluster: &Cluster,
    partitions: &[TopicPartition],
    fence: FenceAt,
) -> Result<(Fences, Vec<Incomplete>), BackupError> {
    let mut asked = Asked { cluster, incomplete: Vec::new() };
    // The ends first: a log start read later can only be larger, so an offset is never missed unnoticed. A partition
    // that has not answered in all the time there was for it is not asked for the rest.
    let last_stable = asked.ask(partitions, OffsetSpec::LastStable).await?;
    let partitions: Vec<TopicPartition> = last_stable.keys().cloned().collect();
    let high_watermark = asked.ask(&partitions, OffsetSpec::HighWatermark).await?;
    let partitions: Vec<TopicPartition> = high_watermark.keys().cloned().collect();
    let log_start = asked.ask(&partitions, OffsetSpec::Earliest).await?;
    let mut fences = Fences::new();
    for (at, start) in log_start {
        let (Some(stable), Some(end)) = (last_stable.get(&at), high_watermark.get(&at)) else { continue };
        fences.insert(at, Bounds::new(start, *stable, *end, fence));
    }
    Ok((fences, asked.incomplete))
}

/// The bounds of one partition, or why they are not known.
pub(super) async fn of_one(cluster: &Cluster, at: &TopicPartition, fence: FenceAt) -> Result<Bounds, String> {
    match take(cluster, std::slice::from_ref(at), fence).await {
        Err(error) => Err(error.to_string()),
        Ok((found, mut incomplete)) => match found.get(at) {
            Some(bounds) => Ok(*bounds),
            None => Err(incomplete.pop().map_or_else(|| "its bounds are not known".to_owned(), |one| one.detail)),
        },
    }
}

struct Asked<'a> {
    cluster: &'a Cluster,
    incomplete: Vec<Incomplete>,
}

impl Asked<'_> {
    async fn ask(
        &mut self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
    ) -> Result<BTreeMap<TopicPartition, i64>, ClusterError> {
        let mut offsets = BTreeMap::new();
        if partitions.is_empty() {
            return Ok(offsets);
        }
        for (at, answer) in self.cluster.list_offsets(partitions, spec).await? {
            match answer {
                Ok(found) => {
                    offsets.insert(at, found.offset);
                }
                Err(error) => {
                    let detail = format!("its bounds could not be read: {error}");
                    let subject = at.to_string();
                    self.incomplete.push(Incomplete::new(IncompleteKind::NotReached, subject, detail));
                }
            }
        }
        Ok(offsets)
    }
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
