//! Topic settings while restoring, and afterwards.

use std::collections::{BTreeMap, BTreeSet};

use super::options::TopicConfigOverride;
use super::plan::PlannedTopic;
use super::target::Limits;
use crate::cluster::ConfigChange;

/// Largest value of a Java `long`.
const UNLIMITED: &str = "9223372036854775807";
/// Space above the largest batch: the broker may not think of the same size as we do.
const BATCH_SLACK: u64 = 4096;
/// Kafka's default for `max.message.bytes`.
const DEFAULT_MAX_MESSAGE: u64 = 1_048_588;

/// Settings that keep the target from deleting, rejecting or rewriting what is restored (design of Kafka class
/// `LogValidator`): no retention, no compaction, times as they are, batches as they are.
pub(super) fn while_restoring(topic: &PlannedTopic, limits: Limits) -> Vec<(String, String)> {
    let max_message = (topic.max_batch + BATCH_SLACK).max(DEFAULT_MAX_MESSAGE).min(i32::MAX as u64);
    let mut configs = vec![
        ("cleanup.policy", "delete".to_owned()),
        ("compression.type", "producer".to_owned()),
        ("max.message.bytes", max_message.to_string()),
        ("message.timestamp.type", "CreateTime".to_owned()),
        ("retention.bytes", "-1".to_owned()),
        ("retention.ms", "-1".to_owned()),
        ("unclean.leader.election.enable", "false".to_owned()),
    ];
    configs.extend(limits.lifted().into_iter().map(|name| (name, UNLIMITED.to_owned())));
    configs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The settings a topic ends with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Final {
    /// Changes from what was set while restoring.
    pub changes: Vec<ConfigChange>,
    /// Settings of the snapshot that the target does not know, or that were not readable.
    pub left_out: Vec<(String, String)>,
}

/// What to change so that the topic has exactly the settings it had, with the overrides on top.
/// `known` are the names that the target has for a topic.
pub(super) fn finally(
    topic: &PlannedTopic,
    overrides: &[TopicConfigOverride],
    limits: Limits,
    known: &BTreeSet<String>,
) -> Final {
    let mut wanted: BTreeMap<&str, &str> = BTreeMap::new();
    let mut last = Final::default();
    for entry in &topic.state.configs {
        match &entry.value {
            Some(_) if is_bound_to_cluster(&entry.name) => {
                last.left_out.push((entry.name.clone(), "it is about brokers of the source".to_owned()));
            }
            Some(value) => {
                wanted.insert(&entry.name, value);
            }
            None => last.left_out.push((entry.name.clone(), "the source did not show its value".to_owned())),
        }
    }
    let about = |one: &&TopicConfigOverride| one.topic.as_deref().is_none_or(|name| name == topic.target.as_str());
    for one in overrides.iter().filter(about) {
        wanted.insert(&one.name, &one.value);
    }
    for (name, _) in while_restoring(topic, limits) {
        if !wanted.contains_key(name.as_str()) {
            last.changes.push(ConfigChange { name, value: None });
        }
    }
    for (name, value) in wanted {
        if known.contains(name) {
            last.changes.push(ConfigChange { name: name.to_owned(), value: Some(value.to_owned()) });
        } else {
            last.left_out.push((name.to_owned(), "the target does not know it".to_owned()));
        }
    }
    last
}

/// Lists of replicas by node id mean nothing elsewhere.
fn is_bound_to_cluster(name: &str) -> bool {
    matches!(name, "leader.replication.throttled.replicas" | "follower.replication.throttled.replicas")
}
