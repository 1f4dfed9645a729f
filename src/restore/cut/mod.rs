//! Which part of each partition is restored, where a time was asked for: the cut is put into the plan's `keep`, and what
//! it leaves behind is counted. A cut that would leave too much behind is refused: one record with a time from the
//! future must not empty a restore.

mod partition;
mod report;

pub use report::PartitionCut;

use super::error::RestoreError;
use super::options::RestoreOptions;
use super::plan::PlannedTopic;
use crate::model::{Timestamp, TopicPartition};
use crate::repository::Repository;
use crate::repository::format::RestoreCut;

/// One in so many of a partition's records at or before the time may lie behind its cut, without `--force`.
const BEHIND_MAX: u64 = 100;

/// Cuts every partition, and says where. Blocks, and reads segments.
pub(super) fn apply(
    repository: &Repository,
    options: &RestoreOptions,
    topics: &mut [PlannedTopic],
) -> Result<Vec<PartitionCut>, RestoreError> {
    let cut = options.cut;
    if cut == RestoreCut::default() {
        return Ok(Vec::new());
    }
    let mut cuts = Vec::new();
    for topic in topics {
        for one in topic.partitions.iter_mut().filter(|one| one.selected) {
            let at = TopicPartition::new(topic.state.name.clone(), one.partition);
            cuts.extend(partition::cut(repository, cut, &at, one)?);
        }
    }
    if !options.force {
        refuse(&cuts, cut)?;
    }
    Ok(cuts)
}

fn refuse(cuts: &[PartitionCut], cut: RestoreCut) -> Result<(), RestoreError> {
    let too_much = |one: &&PartitionCut| one.behind.saturating_mul(BEHIND_MAX) > one.at_or_before;
    let refused = cuts.iter().filter(too_much).count();
    let share = |one: &PartitionCut| one.behind as f64 / one.at_or_before.max(1) as f64;
    let worst = cuts.iter().filter(too_much).max_by(|a, b| share(a).total_cmp(&share(b)));
    let (Some(worst), Some(until)) = (worst, cut.until) else { return Ok(()) };
    Err(RestoreError::CutLeavesBehind {
        partition: worst.partition.clone(),
        offset: worst.until.unwrap_or(-1),
        timestamp: worst.timestamp.unwrap_or(Timestamp(-1)),
        behind: worst.behind,
        at_or_before: worst.at_or_before,
        until,
        others: refused - 1,
    })
}

/// What a person should know of the cut.
pub(super) fn notes(cut: RestoreCut, cuts: &[PartitionCut]) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(until) = cut.until
        && cuts.iter().all(|one| one.timestamp.is_none())
    {
        notes.push(format!("no record is later than {until}: no partition is cut there"));
    }
    if cut.until_observed.is_some() {
        notes.push(
            "cut by when it was fetched: nothing that was fetched later is restored, and what was fetched within the ten seconds \
             before, or in the same 4 MiB, may be missing"
                .to_owned(),
        );
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(partition: i32, behind: u64, at_or_before: u64) -> PartitionCut {
        PartitionCut {
            partition: TopicPartition::new(crate::model::TopicName::new("t").unwrap(), partition),
            from: None,
            until: Some(5),
            timestamp: Some(Timestamp(9)),
            behind,
            at_or_before,
            jump_ms: None,
        }
    }

    #[test]
    fn the_worst_partition_is_named() {
        let asked = RestoreCut { until: Some(Timestamp(7)), ..RestoreCut::default() };
        assert!(refuse(&[cut(0, 0, 0), cut(1, 10, 1_000)], asked).is_ok(), "one in a hundred is let through");
        let refused = refuse(&[cut(0, 41, 4_000), cut(1, 30, 60), cut(2, 40, 4_000)], asked).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains("t-1") && text.contains("30 of 60") && text.contains("1 other"), "{text}");
    }
}
