//! Topic configs: what is set on each topic, and the effective values that decide what a restored topic keeps.

use std::collections::BTreeMap;

use crate::cluster::{Cluster, TopicConfig};
use crate::model::TopicName;
use crate::repository::format::{ConfigEntry, Incomplete, IncompleteKind};

/// Effective values worth keeping, because the target's broker defaults may differ.
const EFFECTIVE: &[&str] = &[
    "cleanup.policy",
    "compression.type",
    "delete.retention.ms",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.ms",
];

/// The configs of all topics of a run.
#[derive(Debug, Default)]
pub(super) struct Configs {
    topics: BTreeMap<TopicName, TopicConfigs>,
    /// Topics whose configs could not be read.
    pub incomplete: Vec<Incomplete>,
}

/// The configs of one topic, each list ascending by name.
#[derive(Debug, Clone, Default)]
pub(super) struct TopicConfigs {
    /// Set on the topic itself.
    pub set_on_topic: Vec<ConfigEntry>,
    /// Effective values.
    pub effective: Vec<ConfigEntry>,
}

/// Reads the configs of the topics.
pub(super) async fn read(cluster: &Cluster, topics: &[TopicName]) -> Configs {
    let mut configs = Configs::default();
    for (name, answer) in cluster.describe_topic_configs(topics).await {
        match answer {
            Ok(entries) => {
                configs.topics.insert(name, TopicConfigs::new(entries));
            }
            Err(error) => configs.incomplete.push(Incomplete::new(
                IncompleteKind::Other,
                name.to_string(),
                format!("its configs could not be read, a restore would use the target's defaults: {error}"),
            )),
        }
    }
    configs
}

impl Configs {
    /// What is known of one topic.
    pub(super) fn of(&self, name: &TopicName) -> TopicConfigs {
        self.topics.get(name).cloned().unwrap_or_default()
    }
}

impl TopicConfigs {
    fn new(mut entries: Vec<TopicConfig>) -> Self {
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let mut configs = Self::default();
        for entry in entries {
            let kept = ConfigEntry { name: entry.name, value: entry.value };
            if EFFECTIVE.contains(&kept.name.as_str()) {
                configs.effective.push(kept.clone());
            }
            if entry.set_on_topic {
                configs.set_on_topic.push(kept);
            }
        }
        configs
    }

    /// Smallest `delete.retention.ms` now and at the last snapshot, if the topic is or was compacted.
    pub(super) fn delete_retention_ms(&self, past: Option<&[ConfigEntry]>) -> Option<i64> {
        let past = past.unwrap_or_default();
        let compacted =
            |configs: &[ConfigEntry]| value(configs, "cleanup.policy").is_some_and(|v| v.contains("compact"));
        if !compacted(&self.effective) && !compacted(past) {
            return None;
        }
        let millis = |configs| value(configs, "delete.retention.ms").and_then(|v| v.parse::<i64>().ok());
        Some(millis(&self.effective).into_iter().chain(millis(past)).min().unwrap_or(0))
    }
}

fn value<'a>(configs: &'a [ConfigEntry], name: &str) -> Option<&'a str> {
    configs.iter().find(|entry| entry.name == name)?.value.as_deref()
}
