//! Who may answer about a partition.

use super::code;
use super::state::State;
use super::topics::Partition;

/// The partition, if this broker leads it under the epoch that the client knows (-1 where it does not say).
pub(crate) fn led<'a>(
    state: &'a State,
    node: i32,
    topic: &str,
    partition: i32,
    known_epoch: i32,
) -> Result<&'a Partition, i16> {
    let partition = state.partition(topic, partition).ok_or(code::UNKNOWN_TOPIC_OR_PARTITION)?;
    judge(partition, node, known_epoch)?;
    Ok(partition)
}

/// The same, to be changed.
pub(crate) fn led_mut<'a>(
    state: &'a mut State,
    node: i32,
    topic: &str,
    partition: i32,
) -> Result<&'a mut Partition, i16> {
    let partition = state.partition_mut(topic, partition).ok_or(code::UNKNOWN_TOPIC_OR_PARTITION)?;
    judge(partition, node, -1)?;
    Ok(partition)
}

fn judge(partition: &Partition, node: i32, known_epoch: i32) -> Result<(), i16> {
    if known_epoch >= 0 && known_epoch < partition.epoch && partition.replicas.contains(&node) {
        return Err(code::FENCED_LEADER_EPOCH);
    }
    if known_epoch > partition.epoch {
        return Err(code::UNKNOWN_LEADER_EPOCH);
    }
    if partition.leader == node { Ok(()) } else { Err(code::NOT_LEADER_OR_FOLLOWER) }
}
