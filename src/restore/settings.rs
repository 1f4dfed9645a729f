//! Gives topics the settings they end with.

use std::collections::{BTreeMap, BTreeSet};

use super::configs;
use super::error::RestoreError;
use super::options::RestoreOptions;
use super::plan::RestorePlan;
use super::report::ConfigLeftOut;
use crate::cluster::{Cluster, ConfigChange};
use crate::model::{TopicId, TopicName, describe};
use crate::repository::format::{HeldTopic, RestoreTopics};

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Settings that were left out on purpose.
    pub left_out: Vec<ConfigLeftOut>,
    /// Settings that the target refused, in words.
    pub failed: Vec<String>,
}

/// Sets what each topic of the plan ends with. Doing it twice changes nothing.
pub(super) async fn put_back(
    cluster: &Cluster,
    options: &RestoreOptions,
    plan: &RestorePlan,
) -> Result<Settings, RestoreError> {
    let names: Vec<TopicName> = plan.topics.iter().map(|topic| topic.target.clone()).collect();
    let mut known: BTreeMap<TopicName, BTreeSet<String>> = BTreeMap::new();
    for (name, answer) in cluster.describe_topic_configs(&names).await {
        known.insert(name, answer?.into_iter().map(|config| config.name).collect());
    }
    let (mut changes, mut settings) = (BTreeMap::new(), Settings::default());
    for topic in &plan.topics {
        let known = known.remove(&topic.target).unwrap_or_default();
        let last = configs::finally(topic, &options.topic_configs, plan.limits, &known);
        let left_out = |(name, reason)| ConfigLeftOut { topic: topic.target.to_string(), name, reason };
        settings.left_out.extend(last.left_out.into_iter().map(left_out));
        changes.insert(topic.target.clone(), last.changes);
    }
    tracing::debug!(phase = "configs", topics = changes.len(), "putting settings back");
    for (name, answer) in cluster.alter_topic_configs(changes.clone().into_iter().collect()).await {
        if answer.is_err() {
            let changes = changes.remove(&name).unwrap_or_default();
            settings.failed.extend(one_by_one(cluster, &name, changes).await);
        }
    }
    Ok(settings)
}

/// A broker takes all changes of a topic or none: one that it refuses must not keep the others from the topic.
async fn one_by_one(cluster: &Cluster, topic: &TopicName, changes: Vec<ConfigChange>) -> Vec<String> {
    let mut failed = Vec::new();
    for change in changes {
        let value = change.value.clone().unwrap_or_else(|| "the default".to_owned());
        let name = change.name.clone();
        for (_, answer) in cluster.alter_topic_configs(vec![(topic.clone(), vec![change])]).await {
            if let Err(error) = answer {
                failed.push(format!("topic {topic}: {name}={value} could not be set: {}", describe(&error)));
            }
        }
    }
    failed
}

/// What is held, with the topics' ids in the target.
pub(super) fn held(plan: &RestorePlan, topics: &RestoreTopics) -> Vec<HeldTopic> {
    let id =
        |name: &TopicName| topics.topics.iter().find(|one| one.target == *name).map_or(TopicId::ZERO, |one| one.id);
    let held = |topic: &super::plan::PlannedTopic| {
        let hold = topic.hold.clone()?;
        let (topic, id) = (topic.target.clone(), id(&topic.target));
        Some(HeldTopic { topic, id, configs: hold.configs, reason: hold.reason })
    };
    plan.topics.iter().filter_map(held).collect()
}
