//! Removes what drills made: topics by their ids, groups by what was written down before the first commit.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::error::DrillError;
use super::report::{Former, Left, Removed};
use crate::cluster::{Cluster, ErrorCode, Metadata};
use crate::model::{GroupId, Timestamp, TopicId, TopicName, describe};
use crate::progress::Progress;
use crate::repository::format::{RestorePlanDocument, SavedGroups};
use crate::repository::{RestoreFolder, RestoreStates};

/// `drill-ended.json` in the folder of a drill's restore: there is nothing left to remove.
const ENDED: &str = "drill-ended.json";
/// How long deleted topics may be seen.
const DEADLINE: Duration = Duration::from_secs(30);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Why nothing is left to remove.
#[derive(Debug, Serialize, Deserialize)]
struct Ended {
    ended: Timestamp,
    kept: bool,
}

/// Writes down that the scratch topics are to stay.
pub(super) fn write_kept(folder: &RestoreFolder) -> Result<(), DrillError> {
    Ok(folder.put(ENDED, &Ended { ended: Timestamp::now(), kept: true })?)
}

/// Removes what drills into this cluster left that were killed. Nobody else does so at the same time: a drill holds a
/// lock.
pub(super) async fn former(
    cluster: &Cluster,
    states: &RestoreStates,
    progress: &dyn Progress,
) -> Result<Vec<Former>, DrillError> {
    let mut former = Vec::new();
    for folder in states.all()? {
        let plan = folder.plan()?;
        let here = plan.drill && plan.key.target_cluster_id == cluster.cluster_id();
        if !here || folder.get::<Ended>(ENDED)?.is_some() {
            continue;
        }
        progress.note(&format!("removing what the drill of {} left", plan.started));
        let removed = remove(cluster, &folder, false).await?;
        former.push(Former { restore: folder.path().to_owned(), started: plan.started, removed });
    }
    Ok(former)
}

/// Removes what one drill made. `own` is the drill that runs now: it knows that nothing had its prefix before, so topics
/// that its restore had no time to write down are its own too.
pub(super) async fn remove(cluster: &Cluster, folder: &RestoreFolder, own: bool) -> Result<Removed, DrillError> {
    let plan = folder.plan()?;
    let mut removed = Removed::default();
    remove_groups(cluster, folder, &plan, &mut removed).await?;
    let metadata = cluster.refresh(&*cluster.metadata().await?).await?;
    let topics = topics(folder, &plan, &metadata, own, &mut removed)?;
    remove_topics(cluster, topics, &mut removed).await?;
    if removed.left.is_empty() {
        folder.put(ENDED, &Ended { ended: Timestamp::now(), kept: false })?;
    }
    Ok(removed)
}

/// Groups of which it was written down that nothing was committed for them before.
async fn remove_groups(
    cluster: &Cluster,
    folder: &RestoreFolder,
    plan: &RestorePlanDocument,
    removed: &mut Removed,
) -> Result<(), DrillError> {
    let Some(prefix) = plan.key.group_prefix.as_deref().filter(|prefix| !prefix.is_empty()) else { return Ok(()) };
    let Some(before) = folder.get::<SavedGroups>("groups-before.json")? else { return Ok(()) };
    let mine = before.groups.into_iter().filter(|group| group.offsets.is_empty()).map(|group| group.id);
    let mine: BTreeSet<GroupId> = mine.filter(|id| id.as_str().starts_with(prefix)).collect();
    let listing = cluster.list_groups().await;
    for (node, error) in &listing.unanswered {
        let reason = format!("broker {node} did not list its groups: {}", describe(error));
        removed.left.push(Left { subject: "consumer groups".to_owned(), reason });
    }
    let there: Vec<GroupId> = listing.groups.into_iter().map(|group| group.id).filter(|id| mine.contains(id)).collect();
    for (id, answer) in cluster.delete_groups(&there).await {
        match answer {
            Err(error) if error.code() != Some(ErrorCode::GROUP_ID_NOT_FOUND) => {
                let subject = format!("group {:?}", id.as_str());
                removed.left.push(Left { subject, reason: describe(&error) });
            }
            _ => removed.groups.push(id.to_string()),
        }
    }
    Ok(())
}

/// Topics that are the drill's, by name and id.
fn topics(
    folder: &RestoreFolder,
    plan: &RestorePlanDocument,
    metadata: &Metadata,
    own: bool,
    removed: &mut Removed,
) -> Result<Vec<(TopicName, TopicId)>, DrillError> {
    let id_now = |name: &TopicName| metadata.topics.get(name).map(|topic| topic.id);
    let mut left = |name: &TopicName, reason: &str| {
        removed.left.push(Left { subject: format!("topic {name}"), reason: reason.to_owned() });
    };
    let mut topics = Vec::new();
    let Some(written) = folder.topics()? else {
        let created = plan.targets.iter().filter(|name| !plan.existed.contains(name));
        for (name, id) in created.filter_map(|name| Some((name, id_now(name)?))) {
            if own {
                topics.push((name.clone(), id));
            } else {
                left(name, "the drill was killed before it wrote down the topic's id; delete it if it is not yours");
            }
        }
        return Ok(topics);
    };
    for topic in written.topics.into_iter().filter(|topic| topic.created) {
        match id_now(&topic.target) {
            None => {}
            // A topic of the same name that was made since is somebody else's.
            Some(now) if now != topic.id => {}
            Some(TopicId::ZERO) if !own => {
                left(&topic.target, "the brokers have no topic ids, so nobody can tell whose it is; delete it by hand");
            }
            Some(id) => topics.push((topic.target, id)),
        }
    }
    Ok(topics)
}

/// Deletes topics until none of them is seen any more.
async fn remove_topics(
    cluster: &Cluster,
    mut topics: Vec<(TopicName, TopicId)>,
    removed: &mut Removed,
) -> Result<(), DrillError> {
    let deadline = Instant::now() + DEADLINE;
    let mut reasons = std::collections::BTreeMap::new();
    while !topics.is_empty() {
        for (name, answer) in cluster.delete_topics_with_id(&topics).await {
            if let Err(error) = answer {
                reasons.insert(name, describe(&error));
            }
        }
        let metadata = cluster.refresh(&*cluster.metadata().await?).await?;
        let is_there = |(name, id): &(TopicName, TopicId)| metadata.topics.get(name).is_some_and(|now| now.id == *id);
        let (still, gone): (Vec<_>, Vec<_>) = topics.into_iter().partition(is_there);
        removed.topics.extend(gone.into_iter().map(|(name, _)| name.to_string()));
        topics = still;
        if Instant::now() >= deadline {
            break;
        }
        if !topics.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    for (name, _) in topics {
        let reason = reasons.remove(&name).unwrap_or_else(|| "it was deleted and is still listed".to_owned());
        removed.left.push(Left { subject: format!("topic {name}"), reason });
    }
    removed.topics.sort();
    Ok(())
}
