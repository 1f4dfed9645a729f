//! Names of scratch topics and groups: legal, and nobody else's. Checked before anything is made.

use super::Context;
use super::error::DrillError;
use crate::model::TopicName;
use crate::repository::{Snapshot, SnapshotChoice};
use crate::restore::{Rename, Renames};

/// The snapshot that is meant, whole as far as the selection is concerned.
pub(super) fn snapshot(context: Context<'_>) -> Result<Snapshot, DrillError> {
    let filter = context.options.selection.topic_filter()?;
    let takes = |name: &TopicName, partition: i32| filter.takes(name.as_str(), partition);
    let (snapshot, skipped) = context.repository.choose_complete(context.options.snapshot, takes)?;
    match (snapshot, skipped.into_iter().next()) {
        // A rehearsal with an older snapshot would prove the wrong one.
        (_, Some(first)) => Err(first.reason.into()),
        (Some(snapshot), None) => Ok(snapshot),
        (None, None) => Err(DrillError::NoSnapshot(match context.options.snapshot {
            SnapshotChoice::At(time) => format!("taken at or before {time}"),
            _ => "at all: nothing was ever backed up into it".to_owned(),
        })),
    }
}

/// Every scratch topic has a legal name.
pub(super) fn are_legal(context: Context<'_>, snapshot: &Snapshot) -> Result<(), DrillError> {
    let prefix = &context.options.prefix;
    let filter = context.options.selection.topic_filter()?;
    for topic in context.repository.topics(&snapshot.head)? {
        let topic = topic?.name;
        if filter.takes_topic(topic.as_str()) && TopicName::new(&format!("{prefix}{topic}")).is_err() {
            return Err(DrillError::Name { topic, prefix: prefix.clone() });
        }
    }
    Ok(())
}

/// Nothing in the cluster has the prefix.
pub(super) async fn are_free(context: Context<'_>) -> Result<(), DrillError> {
    let prefix = &context.options.prefix;
    let in_use = |what: String| DrillError::PrefixInUse { what, prefix: prefix.clone() };
    let metadata = context.cluster.refresh(&*context.cluster.metadata().await?).await?;
    if let Some(topic) = metadata.topics.keys().find(|topic| topic.as_str().starts_with(prefix)) {
        return Err(in_use(format!("topic {topic}")));
    }
    let listing = context.cluster.list_groups().await;
    if let Some((_, error)) = listing.unanswered.into_iter().next() {
        return Err(error.into());
    }
    match listing.groups.iter().find(|group| group.id.as_str().starts_with(prefix)) {
        Some(group) => Err(in_use(format!("group {:?}", group.id.as_str()))),
        None => Ok(()),
    }
}

/// Every topic under the prefix.
pub(super) fn renames(prefix: &str) -> Renames {
    Renames::new(format!("*={prefix}*").parse::<Rename>().into_iter().collect())
}
