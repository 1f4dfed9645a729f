//! Which partitions keep their offsets, and why others do not. Asks, and changes nothing.

use std::collections::BTreeMap;

use super::need::Need;
use crate::cluster::{Cluster, Features, Operation, Operations};
use crate::model::{TopicName, TopicPartition};
use crate::repository::Repository;
use crate::repository::format::{RestoreTopics, TranslatedPartition};
use crate::restore::error::RestoreError;
use crate::restore::plan::{PlannedPartition, PlannedTopic};

/// Most offsets of one partition that are filled below its log start.
pub(super) const FILLER_LIMIT: i64 = 5_000_000_000;
/// Most markers of one partition.
pub(super) const MARKER_LIMIT: i64 = 5_000_000;

/// What is decided about a partition's offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preserving {
    /// What it takes.
    pub need: Need,
    /// Why its offsets are translated instead.
    pub why_not: Option<String>,
}

/// Finds out what every selected partition takes.
pub(in crate::restore) fn needs(repository: &Repository, topics: &mut [PlannedTopic]) -> Result<(), RestoreError> {
    for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions).filter(|one| one.selected) {
        let need = Need::of::<RestoreError>(partition.keep, repository.seals(&partition.segments))?;
        partition.preserving = Some(Preserving { need, why_not: None });
    }
    Ok(())
}

/// Asks the target what it offers and allows. `existed` tells the topics that were there before.
pub(in crate::restore) async fn decide(
    cluster: &Cluster,
    topics: &mut [PlannedTopic],
    existed: impl Fn(&PlannedTopic) -> bool,
) -> Result<(), RestoreError> {
    let has_holes = |one: &PlannedPartition| one.preserving.as_ref().is_some_and(|it| it.need.holes > 0);
    let asks = topics.iter().flat_map(|topic| &topic.partitions).any(has_holes);
    let operations = if asks { cluster.cluster_operations().await? } else { None };
    let target = Target { features: cluster.features(), operations };
    for topic in topics {
        let existed = existed(topic);
        for partition in &mut topic.partitions {
            if let Some(preserving) = &mut partition.preserving {
                preserving.why_not = target.hindrance(&preserving.need, existed);
            }
        }
    }
    Ok(())
}

/// Takes over what was decided when the topics were made.
pub(in crate::restore) fn recall(topics: &mut [PlannedTopic], made: &RestoreTopics) {
    for topic in topics {
        let target = topic.target.clone();
        for partition in &mut topic.partitions {
            let at = TopicPartition::new(target.clone(), partition.partition).to_string();
            let reason = made.translated.iter().find(|one| one.partition == at).map(|one| one.reason.clone());
            if let Some(preserving) = &mut partition.preserving {
                preserving.why_not = reason;
            }
        }
    }
}

/// The partitions that are translated although their offsets were to be preserved.
pub(in crate::restore) fn translated(topics: &[PlannedTopic]) -> Vec<TranslatedPartition> {
    let of = |topic: &PlannedTopic| {
        let target = topic.target.clone();
        let reason = |one: &PlannedPartition| Some((one.partition, one.preserving.as_ref()?.why_not.clone()?));
        let reasons: Vec<(i32, String)> = topic.partitions.iter().filter_map(reason).collect();
        reasons.into_iter().map(move |(number, reason)| TranslatedPartition {
            partition: TopicPartition::new(target.clone(), number).to_string(),
            reason,
        })
    };
    topics.iter().flat_map(of).collect()
}

/// Whether records of the topic get other offsets.
pub(in crate::restore) fn moves(topic: &PlannedTopic) -> bool {
    let kept = |one: &PlannedPartition| one.preserving.as_ref().is_some_and(|it| it.why_not.is_none());
    topic.partitions.iter().filter(|one| one.selected).any(|one| !kept(one))
}

/// How many partitions keep their offsets.
pub(in crate::restore) fn preserved(topics: &RestoreTopics) -> u64 {
    topics.topics.iter().flat_map(|topic| &topic.partitions).filter(|one| one.preserved).count() as u64
}

/// Asks what is allowed on topics that exist now. Where records may not be deleted, nothing can be filled below a log
/// start.
pub(in crate::restore) async fn decide_again(
    cluster: &Cluster,
    topics: &mut [PlannedTopic],
    bases: &BTreeMap<TopicPartition, i64>,
) -> Result<(), RestoreError> {
    for topic in topics.iter_mut() {
        let target = topic.target.clone();
        for partition in &mut topic.partitions {
            let at = TopicPartition::new(target.clone(), partition.partition);
            let base = bases.get(&at).copied().filter(|base| *base != 0);
            if let Some((preserving, base)) = partition.preserving.as_mut().zip(base) {
                let why = || format!("its new log begins at {base} and not at 0");
                preserving.why_not.get_or_insert_with(why);
            }
        }
    }
    let filled =
        |one: &PlannedPartition| one.preserving.as_ref().is_some_and(|it| it.why_not.is_none() && it.need.filler > 0);
    let asked = topics.iter().filter(|topic| topic.partitions.iter().any(filled));
    let names: Vec<TopicName> = asked.map(|topic| topic.target.clone()).collect();
    for (name, answer) in cluster.topic_operations(&names).await {
        if answer?.is_none_or(|allowed| allowed.allow(Operation::Delete)) {
            continue;
        }
        let topic = topics.iter_mut().filter(|topic| topic.target == name);
        for preserving in topic.flat_map(|topic| &mut topic.partitions).filter_map(|one| one.preserving.as_mut()) {
            if preserving.need.filler > 0 && preserving.why_not.is_none() {
                preserving.why_not = Some("DELETE on the topic is not allowed".to_owned());
            }
        }
    }
    Ok(())
}

/// What the target offers and allows.
struct Target {
    features: Features,
    operations: Option<Operations>,
}

impl Target {
    fn hindrance(&self, need: &Need, exists: bool) -> Option<String> {
        if exists {
            return Some("its topic was there before".to_owned());
        }
        self.hinders_filling(need).or_else(|| self.hinders_marking(need))
    }

    fn hinders_filling(&self, need: &Need) -> Option<String> {
        match () {
            () if need.filler == 0 => None,
            () if need.filler > FILLER_LIMIT => Some(format!(
                "its log starts at {}, beyond the {FILLER_LIMIT} offsets that are filled at most",
                need.filler
            )),
            () if !self.features.zstd => Some("the target does not take zstd".to_owned()),
            () if !self.features.delete_records => Some("the target has no DeleteRecords".to_owned()),
            () => None,
        }
    }

    fn hinders_marking(&self, need: &Need) -> Option<String> {
        if need.holes == 0 {
            return None;
        }
        let most = if need.exact { "" } else { "up to " };
        let has = format!("{most}{} of its offsets have no record", need.holes);
        if need.holes > MARKER_LIMIT {
            return Some(format!("{has}, more than the {MARKER_LIMIT} that are marked at most"));
        }
        if !self.features.write_markers {
            return Some(format!("{has}, and the target has no WriteTxnMarkers v1"));
        }
        let any = [Operation::Alter, Operation::ClusterAction];
        let allowed = self.operations.is_none_or(|operations| any.iter().any(|one| operations.allow(*one)));
        (!allowed).then(|| format!("{has}, and neither ALTER nor CLUSTER_ACTION on the cluster is allowed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::plan::testing::planned;

    const ALL: Features = Features {
        topic_ids: true,
        zstd: true,
        epoch_ends: true,
        stable_offsets: true,
        alter_configs: true,
        create_defaults: true,
        producer_ids: true,
        delete_records: true,
        describe_producers: true,
        write_markers: true,
        group_configs: true,
        describe_transactions: true,
    };

    fn why(features: Features, bits: Option<i32>, need: Need, exists: bool) -> String {
        let operations = bits.and_then(Operations::of_bits);
        Target { features, operations }.hindrance(&need, exists).unwrap_or_default()
    }

    #[test]
    fn a_partition_is_translated_only_for_what_it_needs() {
        let need = |filler, holes| Need { filler, holes, exact: true, stretches: holes };
        let old = Features { zstd: false, delete_records: false, write_markers: false, ..ALL };
        assert_eq!(why(old, Some(0), need(0, 0), false), "", "nothing to fill, nothing to ask for");
        assert_eq!(why(ALL, None, need(5, 5), false), "");
        assert_eq!(why(ALL, None, need(FILLER_LIMIT, MARKER_LIMIT), false), "", "as many as are allowed");
        assert_eq!(why(ALL, Some(1 << 7), need(5, 5), false), "");
        assert_eq!(why(ALL, Some(1 << 9), need(5, 5), false), "");
        for (reason, expected) in [
            (why(ALL, Some(1 << 8), need(5, 5), false), "neither ALTER nor CLUSTER_ACTION"),
            (why(ALL, None, need(5, 5), true), "there before"),
            (why(old, None, need(5, 0), false), "zstd"),
            (why(Features { delete_records: false, ..ALL }, None, need(5, 0), false), "DeleteRecords"),
            (why(old, None, need(0, 5), false), "WriteTxnMarkers"),
            (why(ALL, None, need(FILLER_LIMIT + 1, 0), false), "at most"),
            (why(ALL, None, need(0, MARKER_LIMIT + 1), false), "at most"),
        ] {
            assert!(reason.contains(expected), "{reason}");
        }
    }

    fn partition(partition: i32, why_not: Option<&str>) -> PlannedPartition {
        let preserving = Preserving { need: Need::default(), why_not: why_not.map(str::to_owned) };
        PlannedPartition { partition, preserving: Some(preserving), ..planned("one", &[]).partitions.remove(0) }
    }

    #[test]
    fn a_restore_that_goes_on_knows_what_was_decided() {
        let reasons = |topic: &mut PlannedTopic, reasons: &[Option<&str>]| {
            topic.partitions = (0..).zip(reasons).map(|(number, why)| partition(number, *why)).collect();
        };
        let decided = [[None, Some("forbidden")], [None, None]];
        let mut topics = ["first", "second"].map(|name| planned(name, &[]));
        topics.iter_mut().zip(&decided).for_each(|(topic, decided)| reasons(topic, decided));
        let made = RestoreTopics { topics: Vec::new(), translated: translated(&topics) };
        let told: Vec<&str> = made.translated.iter().map(|one| one.partition.as_str()).collect();
        assert_eq!(told, ["first-1"]);
        // As if it were decided again, and otherwise.
        reasons(&mut topics[0], &[None, None]);
        reasons(&mut topics[1], &[Some("another"), None]);
        recall(&mut topics, &made);
        assert_eq!(translated(&topics), made.translated);
        assert_eq!(topics.each_ref().map(moves), [true, false]);
    }
}
