//! One committed offset of a snapshot, and where it lies in a target.

use std::collections::BTreeSet;

use serde::Serialize;

use super::error::OffsetsError;
use crate::model::{GroupId, Patterns, Selection, TopicName, TopicPartition};
use crate::repository::format::GroupOffset;
use crate::repository::{Repository, Snapshot};
use crate::restore::OutOfRange;

/// One committed offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Position {
    /// The group, in the snapshot; see `target`.
    pub group: GroupId,
    /// Topic, partition, offset and metadata in the snapshot.
    #[serde(flatten)]
    pub source: GroupOffset,
    /// Where it lies in the target; `None` where no restore is known, or it lies nowhere.
    pub target: Option<TargetPosition>,
    /// Why it lies nowhere.
    pub left_out: Option<String>,
}

/// Where an offset lies in the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetPosition {
    /// The group there.
    pub group: GroupId,
    /// The topic there.
    pub topic: TopicName,
    /// The offset there.
    pub offset: i64,
    /// How it was found.
    pub origin: Origin,
}

/// How an offset of the target was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// By the offset map of the restore.
    Map,
    /// By the offset map, and moved up to the first offset that was restored.
    MovedUp,
    /// By the offset map, and moved down to the end of what was restored.
    MovedDown,
    /// Taken as it is: no restore made the topic, and its log covers the offset.
    Same,
    /// Moved up to where the target's log begins; no restore made the topic.
    SameMovedUp,
    /// Moved down to where the target's log ends; no restore made the topic.
    SameMovedDown,
}

impl Origin {
    /// Whether the offset lay outside.
    pub fn is_moved(self) -> bool {
        !matches!(self, Self::Map | Self::Same)
    }

    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Map => "by the map of the restore",
            Self::MovedUp => "below the first restored offset",
            Self::MovedDown => "beyond the end of the restored data",
            Self::Same => "as it is",
            Self::SameMovedUp => "below the log start of the target",
            Self::SameMovedDown => "beyond the log end of the target",
        }
    }
}

impl Position {
    /// Its partition in the target, if it lies anywhere there.
    pub(super) fn place(&self) -> Option<TopicPartition> {
        Some(TopicPartition::new(self.target.as_ref()?.topic.clone(), self.source.partition))
    }

    fn leave_out(&mut self, why: impl Into<String>) {
        self.target = None;
        self.left_out = Some(why.into());
    }
}

/// The committed offsets of a snapshot that are selected.
pub(super) fn of_snapshot(
    repository: &Repository,
    snapshot: &Snapshot,
    selection: &Selection,
) -> Result<Vec<Position>, OffsetsError> {
    let (groups, exclude) = (Patterns::new(&selection.groups)?, Patterns::new(&selection.exclude_groups)?);
    let topics = selection.topic_filter()?;
    let part = repository.groups(&snapshot.head)?;
    let nothing = |what| OffsetsError::NothingMatches { snapshot: snapshot.head.sequence, what };
    let ids: Vec<&str> = part.groups.iter().map(|group| group.id.as_str()).collect();
    if let Some(pattern) = groups.unmatched(&ids).first() {
        return Err(nothing(format!("group pattern {pattern:?}")));
    }
    let all: BTreeSet<(&str, i32)> =
        part.groups.iter().flat_map(|group| &group.offsets).map(|one| (one.topic.as_str(), one.partition)).collect();
    let sizes: Vec<(&str, usize)> =
        all.iter().map(|(topic, partition)| (*topic, usize::try_from(*partition).map_or(0, |one| one + 1))).collect();
    if let Some(pattern) = topics.unmatched(&sizes).first() {
        return Err(nothing(format!("topic pattern {pattern:?}")));
    }
    let takes = |id: &str| (groups.texts().is_empty() || groups.matches(id)) && !exclude.matches(id);
    let mut positions = Vec::new();
    for group in part.groups.into_iter().filter(|group| takes(group.id.as_str())) {
        let chosen = group.offsets.into_iter().filter(|one| topics.takes(one.topic.as_str(), one.partition));
        let id = group.id;
        positions.extend(chosen.map(|source| Position { group: id.clone(), source, target: None, left_out: None }));
    }
    Ok(positions)
}

/// What becomes of positions that had to be moved.
pub(super) fn judge_moved(positions: &mut [Position], how: OutOfRange) -> Result<(), OffsetsError> {
    let moved = |one: &Position| one.target.as_ref().map(|target| target.origin).filter(|origin| origin.is_moved());
    match how {
        OutOfRange::Clamp => {}
        OutOfRange::Omit => {
            for one in positions {
                if let Some(origin) = moved(one) {
                    one.leave_out(format!("it lies {}", origin.describe()));
                }
            }
        }
        OutOfRange::Refuse => {
            let outside: Vec<(&Position, Origin)> =
                positions.iter().filter_map(|one| moved(one).map(|origin| (one, origin))).collect();
            if let Some((one, origin)) = outside.first() {
                let at = format!("{}-{}", one.source.topic, one.source.partition);
                let (group, offset) = (one.group.as_str(), one.source.committed.offset);
                let first = format!("group {group:?} on {at}: {offset} lies {}", origin.describe());
                return Err(OffsetsError::OutOfRange { count: outside.len(), first });
            }
        }
    }
    Ok(())
}
