//! Topic settings while restoring, and afterwards.

use std::collections::{BTreeMap, BTreeSet};

use super::limits::Limits;
use super::options::TopicConfigOverride;
use super::plan::PlannedTopic;
use crate::cluster::ConfigChange;

/// Largest value of a Java `long`.
const UNLIMITED: &str = "9223372036854775807";
/// Space above the largest batch: the broker may not think of the same size as we do.
const BATCH_SLACK: u64 = 4096;
/// First version whose message format takes idempotent producers.
const FIRST_WITH_V2: &str = "0.11.0";
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
    configs.extend(limits.lifted().iter().map(|name| (*name, UNLIMITED.to_owned())));
    if limits.old_format {
        configs.push(("message.format.version", FIRST_WITH_V2.to_owned()));
    }
    let replicas = i64::from(topic.replication_factor);
    if replicas > 0 && limits.min_insync_replicas.is_some_and(|needed| needed > replicas) {
        configs.push(("min.insync.replicas", replicas.to_string()));
    }
    if limits.segment_bytes.is_some_and(|bytes| bytes < max_message as i64) {
        configs.push(("segment.bytes", max_message.to_string()));
    }
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

/// The value that a setting of the topic ends with; `None` for the target's default.
pub(super) fn final_value(topic: &PlannedTopic, overrides: &[TopicConfigOverride], name: &str) -> Option<String> {
    let wish = overrides.iter().rev().find(|one| one.name == name && is_about(one, topic));
    let own = || topic.state.configs.iter().find(|entry| entry.name == name)?.value.clone();
    wish.map(|one| one.value.clone()).or_else(own)
}

/// Bytes of the largest batch that the topic takes with its own settings.
pub(super) fn largest_batch(topic: &PlannedTopic, overrides: &[TopicConfigOverride]) -> usize {
    let value = final_value(topic, overrides, "max.message.bytes").and_then(|value| value.parse().ok());
    value.unwrap_or(DEFAULT_MAX_MESSAGE as usize)
}

fn is_about(one: &TopicConfigOverride, topic: &PlannedTopic) -> bool {
    one.topic.as_deref().is_none_or(|name| name == topic.target.as_str())
}

/// What to change so that the topic has exactly the settings it had, with the overrides on top, but for what is held.
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
            Some(value) if needs_tiered_storage(&entry.name, value) && !limits.tiered => {
                last.left_out.push((entry.name.clone(), "tiered storage is switched off in the target".to_owned()));
            }
            Some(value) => {
                wanted.insert(&entry.name, value);
            }
            None => last.left_out.push((entry.name.clone(), "the source did not show its value".to_owned())),
        }
    }
    for one in overrides.iter().filter(|one| is_about(one, topic)) {
        wanted.insert(&one.name, &one.value);
    }
    let held = |name: &str| topic.hold.iter().flat_map(|hold| &hold.configs).any(|one| one.name == name);
    wanted.retain(|name, _| !held(name));
    for (name, _) in while_restoring(topic, limits) {
        if !held(&name) && !wanted.contains_key(name.as_str()) {
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

/// Kafka refuses to switch it on for a topic where brokers have none (KIP-405).
fn needs_tiered_storage(name: &str, value: &str) -> bool {
    name == "remote.storage.enable" && value == "true"
}

/// Lists of replicas by node id mean nothing elsewhere.
fn is_bound_to_cluster(name: &str) -> bool {
    matches!(name, "leader.replication.throttled.replicas" | "follower.replication.throttled.replicas")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::format::HeldConfig;
    use crate::restore::hold::Hold;
    use crate::restore::plan::testing::planned;

    fn value(configs: &[(String, String)], name: &str) -> Option<String> {
        configs.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn what_brokers_would_refuse_is_lifted_while_restoring() {
        let mut topic = planned("orders", &[]);
        topic.max_batch = 5_000_000;
        let strict = Limits { min_insync_replicas: Some(2), segment_bytes: Some(1 << 20), ..Limits::default() };
        let configs = while_restoring(&topic, strict);
        assert_eq!(value(&configs, "min.insync.replicas").as_deref(), Some("1"));
        assert_eq!(value(&configs, "max.message.bytes").as_deref(), Some("5004096"));
        assert_eq!(value(&configs, "segment.bytes").as_deref(), Some("5004096"));
        assert_eq!(value(&configs, "message.format.version"), None);
        let configs = while_restoring(&topic, Limits { old_format: true, ..strict });
        assert_eq!(value(&configs, "message.format.version").as_deref(), Some("0.11.0"));
        topic.replication_factor = 3;
        let configs = while_restoring(&topic, Limits { segment_bytes: Some(1 << 30), ..strict });
        assert_eq!((value(&configs, "min.insync.replicas"), value(&configs, "segment.bytes")), (None, None));
    }

    #[test]
    fn a_wish_for_one_topic_is_about_no_other() {
        let wish = |topic: &str| TopicConfigOverride {
            topic: Some(topic.to_owned()),
            name: "retention.ms".to_owned(),
            value: "5".to_owned(),
        };
        let topic = planned("orders", &[("retention.ms", "1")]);
        let value = |wishes: &[TopicConfigOverride]| final_value(&topic, wishes, "retention.ms");
        assert_eq!(value(&[wish("other")]).as_deref(), Some("1"));
        assert_eq!(value(&[wish("other"), wish("orders")]).as_deref(), Some("5"));
    }

    #[test]
    fn only_tiered_storage_that_is_switched_on_is_left_out() {
        let settings = [("remote.storage.enable", "false"), ("preallocate", "true")];
        let known = settings.map(|(name, _)| name.to_owned()).into();
        let last = finally(&planned("orders", &settings), &[], Limits::default(), &known);
        assert_eq!(last.left_out, []);
        let set = |name: &str| last.changes.iter().find(|one| one.name == name)?.value.clone();
        assert_eq!(
            (set("remote.storage.enable").as_deref(), set("preallocate").as_deref()),
            (Some("false"), Some("true"))
        );
    }

    #[test]
    fn a_topic_ends_with_its_own_settings_but_for_what_is_held() {
        let mut topic = planned("orders", &[("retention.ms", "1000"), ("remote.storage.enable", "true"), ("x", "1")]);
        let known = ["retention.ms", "retention.bytes", "cleanup.policy"].map(str::to_owned).into();
        let change = |last: &Final, name: &str| last.changes.iter().find(|one| one.name == name).cloned();
        let last = finally(&topic, &[], Limits::default(), &known);
        assert_eq!(change(&last, "retention.ms").unwrap().value.as_deref(), Some("1000"));
        assert_eq!(change(&last, "retention.bytes").unwrap().value, None, "back to the default");
        let left_out: Vec<&str> = last.left_out.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(left_out, ["remote.storage.enable", "x"]);
        let (name, held) = ("retention.ms".to_owned(), "-1".to_owned());
        let configs = vec![HeldConfig { name, held, release: Some("1000".to_owned()) }];
        topic.hold = Some(Hold { configs, reason: String::new() });
        assert_eq!(change(&finally(&topic, &[], Limits::default(), &known), "retention.ms"), None);
    }
}
