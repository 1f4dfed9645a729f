//! Positions of a snapshot through the offset maps of a restore.

use std::collections::{BTreeMap, HashMap};

use super::error::OffsetsError;
use super::position::{Origin, Position, TargetPosition};
use super::restored::Restored;
use crate::model::{GroupId, OffsetRange, Positions, TopicName};
use crate::repository::RestoreFolder;

/// Finds where each position lies in the target of the restore. Blocks, and reads one map after the other.
pub(super) fn by_restore(restored: &Restored, positions: &mut [Position]) -> Result<(), OffsetsError> {
    let selected = restored.plan.key.selection.topic_filter()?;
    let mut places: HashMap<(&TopicName, i32), (&TopicName, OffsetRange)> = HashMap::new();
    for topic in &restored.topics.topics {
        let chosen = topic.partitions.iter().filter(|one| selected.takes(topic.source.as_str(), one.partition));
        places.extend(chosen.map(|one| ((&topic.source, one.partition), (&topic.target, one.keep))));
    }
    let mut asked: BTreeMap<(TopicName, i32), Vec<i64>> = BTreeMap::new();
    for one in positions.iter() {
        let at = (one.source.topic.clone(), one.source.partition);
        asked.entry(at).or_default().push(one.source.committed.offset);
    }
    let mut answers = HashMap::new();
    for ((topic, partition), offsets) in asked {
        if places.contains_key(&(&topic, partition)) {
            let answer = translate(&restored.folder, &topic, partition, offsets)?;
            answers.insert((topic, partition), answer);
        }
    }
    let prefix = restored.plan.key.group_prefix.as_deref().unwrap_or_default();
    for one in positions {
        let at = (one.source.topic.clone(), one.source.partition);
        let offset = one.source.committed.offset;
        let place = places.get(&(&at.0, at.1));
        let Some((topic, keep)) = place else {
            one.left_out = Some("its partition was not restored".to_owned());
            continue;
        };
        let answer = answers.get(&at).and_then(Option::as_ref).and_then(|answers| answers.get(&offset));
        match answer {
            None => one.left_out = Some("its partition has no offset map".to_owned()),
            Some(target) => {
                let group = GroupId::new(format!("{prefix}{}", one.group));
                let origin = origin(offset, *keep);
                one.target = Some(TargetPosition { group, topic: (*topic).clone(), offset: *target, origin });
            }
        }
    }
    Ok(())
}

fn origin(offset: i64, keep: OffsetRange) -> Origin {
    match offset {
        low if low < keep.base => Origin::MovedUp,
        high if high > keep.next => Origin::MovedDown,
        _ => Origin::Map,
    }
}

/// Target offsets by source offset; `None` if the partition has no map.
fn translate(
    folder: &RestoreFolder,
    topic: &TopicName,
    partition: i32,
    offsets: Vec<i64>,
) -> Result<Option<BTreeMap<i64, i64>>, OffsetsError> {
    let Some(mut map) = folder.map(topic, partition)? else { return Ok(None) };
    let mut positions = Positions::new(offsets);
    for piece in map.by_ref() {
        positions.pass(piece?);
    }
    Ok(Some(positions.finish(map.summary()?.log_end)))
}
