//! `OffsetCommit` and `OffsetDelete`.

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse};

use super::groups::coordinated;
use super::{At, Call};
use crate::fake::code;
use crate::fake::groups::Committed;
use crate::fake::state::State;

/// `offset.metadata.max.bytes`.
const METADATA_MAX: usize = 4096;

impl Call for OffsetCommitRequest {
    type Answer = OffsetCommitResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let (node, version) = (at.node, at.version);
        let topics = at.shared.with(|state| {
            let whole = self.may_commit(state, node, version);
            let topic = |topic: &OffsetCommitRequestTopic| {
                let one = |part: &OffsetCommitRequestPartition| {
                    let code = whole.and_then(|()| commit(state, &self.group_id, &topic.name, part)).err();
                    OffsetCommitResponsePartition::default()
                        .with_partition_index(part.partition_index)
                        .with_error_code(code.unwrap_or(code::NONE))
                };
                let parts = topic.partitions.iter().map(one).collect();
                OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(parts)
            };
            self.topics.iter().map(topic).collect()
        });
        let answer = OffsetCommitResponse::default().with_topics(topics);
        if version >= 3 { answer.with_throttle_time_ms(at.throttle) } else { answer }
    }
}

trait MayCommit {
    fn may_commit(&self, state: &State, node: i32, version: i16) -> Result<(), i16>;
}

impl MayCommit for OffsetCommitRequest {
    fn may_commit(&self, state: &State, node: i32, version: i16) -> Result<(), i16> {
        coordinated(state, node, &self.group_id)?;
        let group = state.groups.get(self.group_id.as_str());
        if self.generation_id_or_member_epoch >= 0 && group.is_none() {
            return Err(if version >= 9 { code::GROUP_ID_NOT_FOUND } else { code::ILLEGAL_GENERATION });
        }
        match group {
            Some(group) if group.group_type == "share" => Err(code::GROUP_ID_NOT_FOUND),
            Some(group) if group.members > 0 => Err(code::UNKNOWN_MEMBER_ID),
            _ => Ok(()),
        }
    }
}

fn commit(state: &mut State, group: &str, topic: &str, part: &OffsetCommitRequestPartition) -> Result<(), i16> {
    if state.partition(topic, part.partition_index).is_none() {
        return Err(code::UNKNOWN_TOPIC_OR_PARTITION);
    }
    let metadata = part.committed_metadata.as_deref().unwrap_or_default();
    if metadata.len() > METADATA_MAX {
        return Err(code::OFFSET_METADATA_TOO_LARGE);
    }
    let committed = Committed {
        offset: part.committed_offset,
        leader_epoch: part.committed_leader_epoch,
        metadata: metadata.to_owned(),
    };
    state.commit(group, topic, part.partition_index, Some(committed));
    Ok(())
}

impl Call for OffsetDeleteRequest {
    type Answer = OffsetDeleteResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let node = at.node;
        let answer = OffsetDeleteResponse::default().with_throttle_time_ms(at.throttle);
        let id = self.group_id.as_str();
        at.shared.with(|state| {
            if let Err(code) = coordinated(state, node, id) {
                return answer.with_error_code(code);
            }
            match state.groups.get(id) {
                None => return answer.with_error_code(code::GROUP_ID_NOT_FOUND),
                Some(group) if group.members > 0 => return answer.with_error_code(code::NON_EMPTY_GROUP),
                Some(_) => {}
            }
            let topic = |topic: &OffsetDeleteRequestTopic| {
                let one = |part: &OffsetDeleteRequestPartition| {
                    state.commit(id, &topic.name, part.partition_index, None);
                    OffsetDeleteResponsePartition::default().with_partition_index(part.partition_index)
                };
                let parts = topic.partitions.iter().map(one).collect();
                OffsetDeleteResponseTopic::default().with_name(topic.name.clone()).with_partitions(parts)
            };
            answer.with_topics(self.topics.iter().map(topic).collect())
        })
    }
}
