//! A restore of offsets only, onto a cluster that has the data already: through the map of the restore that made each
//! topic, or as they are where no restore made it.

use std::collections::{BTreeMap, HashMap};

use super::commit::Wanted;
use super::error::OffsetsError;
use super::options::OnlyOptions;
use super::position::{self, Position};
use super::report::CommitReport;
use super::restored::{self, Restored};
use super::{identity, translate};
use crate::cluster::{Cluster, Metadata};
use crate::model::{TopicId, TopicName};
use crate::repository::{Repository, RestoreStates, Snapshot};

/// Commits a snapshot's offsets for topics that are there.
pub async fn commit_only(
    cluster: &Cluster,
    repository: &Repository,
    states: &RestoreStates,
    options: &OnlyOptions,
) -> Result<CommitReport, OffsetsError> {
    let snapshot = repository.choose(options.snapshot)?.ok_or(OffsetsError::NoSnapshot)?;
    let mut positions = position::of_snapshot(repository, &snapshot, &options.selection)?;
    let names = target_names(&positions, &snapshot, options)?;
    let metadata = cluster.refresh(&*cluster.metadata().await?).await?;
    let restored = restored::all(states)?;
    let mut makers: HashMap<&TopicName, &Restored> = HashMap::new();
    for (source, target) in &names {
        if let Some(maker) = maker(&restored, &metadata, &cluster.cluster_id(), source, target, &snapshot)? {
            makers.insert(source, maker);
        }
    }
    let mut notes = Vec::new();
    for maker in &restored {
        let mut own: Vec<Position> = positions
            .extract_if(.., |one| makers.get(&one.source.topic).is_some_and(|found| found.id() == maker.id()))
            .collect();
        if !own.is_empty() {
            translate::by_restore(maker, &mut own)?;
            notes.push(format!("{} offsets are translated by the map of restore {}", own.len(), maker.id()));
            positions.extend(own);
        }
    }
    let same = positions.iter().filter(|one| one.target.is_none() && one.left_out.is_none()).count();
    if same > 0 {
        notes.push(format!("{same} offsets are taken as they are: no restore known here made their topics"));
    }
    identity::place(cluster, &metadata, &names, &mut positions).await?;
    positions.sort_by(|a, b| order(a).cmp(&order(b)));
    position::judge_moved(&mut positions, options.out_of_range)?;
    Wanted { snapshot, restore: None, positions, notes }.commit(cluster, states, options.dry_run).await
}

fn order(one: &Position) -> (&str, &str, i32) {
    (one.group.as_str(), one.source.topic.as_str(), one.source.partition)
}

/// Names in the target by names in the snapshot.
fn target_names(
    positions: &[Position],
    snapshot: &Snapshot,
    options: &OnlyOptions,
) -> Result<BTreeMap<TopicName, TopicName>, OffsetsError> {
    let mut names = BTreeMap::new();
    for one in positions {
        names.insert(one.source.topic.clone(), options.renames.target(&one.source.topic)?);
    }
    let sources: Vec<TopicName> = names.keys().cloned().collect();
    match options.renames.idle(&sources).first() {
        Some(rename) => {
            let what = format!("rename {rename:?}");
            Err(OffsetsError::NothingMatches { snapshot: snapshot.head.sequence, what })
        }
        None => Ok(names),
    }
}

/// The finished restore of this snapshot that made the topic; `None` if none did. One of something else is refused: its
/// offsets are no longer the source's.
fn maker<'a>(
    restored: &'a [Restored],
    metadata: &Metadata,
    cluster: &str,
    source: &TopicName,
    target: &TopicName,
    snapshot: &Snapshot,
) -> Result<Option<&'a Restored>, OffsetsError> {
    let Some(found) = metadata.topics.get(target) else {
        return Err(OffsetsError::NoTopic { topic: target.clone() });
    };
    for one in restored.iter().filter(|one| one.plan.key.target_cluster_id == cluster) {
        let made = one.topics.topics.iter().find(|topic| topic.target == *target);
        let Some(made) = made.filter(|made| made.id == TopicId::ZERO || made.id == found.id) else { continue };
        let why = match () {
            () if made.source != *source => format!("was restored from topic {}", made.source),
            () if one.plan.key.snapshot_id != snapshot.id => {
                format!("was restored from snapshot {} by restore {}", one.plan.snapshot, one.id())
            }
            () if !one.finished => format!("belongs to restore {}, which is not finished", one.id()),
            () => return Ok(Some(one)),
        };
        return Err(OffsetsError::OtherTopic { topic: target.clone(), why });
    }
    Ok(None)
}
