//! Ends the holding of retention: topics get the settings that restores into this cluster have held back.

use serde::Serialize;

use super::error::RestoreError;
use crate::cluster::{Cluster, ConfigChange};
use crate::model::{Patterns, Timestamp, TopicId, TopicName, describe};
use crate::repository::format::{HeldTopic, RestoreReleased};
use crate::repository::{RestoreFolder, RestoreStates};

/// What came of it. Printing is the command line's.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ReleaseReport {
    /// The cluster.
    pub target_cluster_id: String,
    /// Nothing was changed: this is what would be.
    pub dry_run: bool,
    /// Topics that have their settings now.
    pub released: Vec<ReleasedTopic>,
    /// Topics that need nothing any more, and why.
    pub settled: Vec<String>,
    /// Topics that could not be released, and why.
    pub failed: Vec<String>,
}

/// One topic.
#[derive(Debug, Clone, Serialize)]
pub struct ReleasedTopic {
    /// In the target.
    pub topic: String,
    /// The settings, as `name=value`; `name=` for the broker's default.
    pub configs: Vec<String>,
}

impl ReleaseReport {
    /// Whether nothing that was asked for is held any more.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty()
    }
}

/// Releases the topics that match, all without patterns, of every restore into the cluster that is written down here.
pub async fn release(
    cluster: &Cluster,
    states: &RestoreStates,
    topics: &[String],
    dry_run: bool,
) -> Result<ReleaseReport, RestoreError> {
    let patterns = Patterns::new(topics)?;
    let mut report = ReleaseReport { target_cluster_id: cluster.cluster_id(), dry_run, ..ReleaseReport::default() };
    let mut names = Vec::new();
    for folder in states.all()? {
        if folder.plan()?.key.target_cluster_id != report.target_cluster_id {
            continue;
        }
        let mut held = folder.held()?;
        names.extend(held.iter().map(|one| one.topic.to_string()));
        held.retain(|one| patterns.texts().is_empty() || patterns.matches(one.topic.as_str()));
        release_folder(cluster, &folder, held, &mut report).await?;
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match patterns.unmatched(&names).first() {
        Some(pattern) => Err(RestoreError::NothingHeld { pattern: (*pattern).to_owned() }),
        None => Ok(report),
    }
}

async fn release_folder(
    cluster: &Cluster,
    folder: &RestoreFolder,
    held: Vec<HeldTopic>,
    report: &mut ReleaseReport,
) -> Result<(), RestoreError> {
    let metadata = cluster.refresh(&*cluster.metadata().await?).await?;
    let mut over = Vec::new();
    for topic in held {
        let found = metadata.topics.get(&topic.topic);
        let same = found.is_some_and(|found| topic.id == TopicId::ZERO || found.id == topic.id);
        if !same {
            report.settled.push(format!("{}: it is gone, or was made anew", topic.topic));
            over.push(topic.topic);
        } else if release_topic(cluster, &topic, report).await? {
            over.push(topic.topic);
        }
    }
    if !over.is_empty() && !report.dry_run {
        folder.release(&RestoreReleased { released: Timestamp::now(), topics: over })?;
    }
    Ok(())
}

/// Whether the topic is held no more. What somebody has set otherwise since is left alone.
async fn release_topic(cluster: &Cluster, topic: &HeldTopic, report: &mut ReleaseReport) -> Result<bool, RestoreError> {
    let mut now = Vec::new();
    for (_, answer) in cluster.describe_topic_configs(std::slice::from_ref(&topic.topic)).await {
        now = answer?;
    }
    let mut changes = Vec::new();
    for config in &topic.configs {
        let value = now.iter().find(|one| one.name == config.name).and_then(|one| one.value.as_deref());
        if value == Some(config.held.as_str()) {
            changes.push(ConfigChange { name: config.name.clone(), value: config.release.clone() });
        } else {
            let value = value.unwrap_or("unknown");
            report.settled.push(format!("{}: {} was set to {value} since, and stays", topic.topic, config.name));
        }
    }
    if changes.is_empty() {
        return Ok(true);
    }
    let text = |change: &ConfigChange| format!("{}={}", change.name, change.value.as_deref().unwrap_or_default());
    let configs = changes.iter().map(text).collect();
    if !report.dry_run && !set(cluster, &topic.topic, changes, report).await {
        return Ok(false);
    }
    report.released.push(ReleasedTopic { topic: topic.topic.to_string(), configs });
    Ok(true)
}

async fn set(cluster: &Cluster, topic: &TopicName, changes: Vec<ConfigChange>, report: &mut ReleaseReport) -> bool {
    let answers = cluster.alter_topic_configs(vec![(topic.clone(), changes)]).await;
    let failed = answers.into_iter().find_map(|(_, answer)| answer.err());
    if let Some(error) = &failed {
        report.failed.push(format!("{topic}: {}", describe(error)));
    }
    failed.is_none()
}
