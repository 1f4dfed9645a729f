//! `OffsetFetch`: what groups committed.

use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse};

use super::groups::{coordinated, shown};
use super::{At, Call, text, topic_name};
use crate::fake::code;
use crate::fake::groups::Committed;
use crate::fake::state::State;

/// A partition and what was committed for it, or why that is not told.
type Position = (String, i32, Result<Committed, i16>);

impl Call for OffsetFetchRequest {
    type Answer = OffsetFetchResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let (node, version) = (at.node, at.version);
        at.shared.look(|state| {
            let answer = OffsetFetchResponse::default();
            if version >= 8 {
                let one = |group: &kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup| {
                    let topics = group.topics.as_ref().map(|topics| {
                        topics.iter().map(|topic| (topic.name.to_string(), topic.partition_indexes.clone())).collect()
                    });
                    let id = group.group_id.as_str();
                    many(id, positions(state, node, id, topics, self.require_stable))
                };
                let groups = self.groups.iter().map(one).collect();
                return answer.with_throttle_time_ms(at.throttle).with_groups(groups);
            }
            let topics = self.topics.as_ref().map(|topics| {
                topics.iter().map(|topic| (topic.name.to_string(), topic.partition_indexes.clone())).collect()
            });
            let found = positions(state, node, &self.group_id, topics, self.require_stable);
            let answer = if version >= 3 { answer.with_throttle_time_ms(at.throttle) } else { answer };
            match found {
                Err(code) => answer.with_error_code(code),
                Ok(found) => answer.with_topics(single(&found, version)),
            }
        })
    }
}

fn positions(
    state: &State,
    node: i32,
    id: &str,
    topics: Option<Vec<(String, Vec<i32>)>>,
    stable: bool,
) -> Result<Vec<Position>, i16> {
    coordinated(state, node, id)?;
    let group = shown(state, id);
    let committed = group.map(|group| group.shown(state.shown_below(id))).unwrap_or_default();
    let pending = group.map(|group| group.pending.as_slice()).unwrap_or_default();
    let nothing = || Committed { offset: -1, leader_epoch: -1, metadata: String::new() };
    let asked: Vec<(String, i32)> = match topics {
        None => committed.keys().chain(pending.iter().filter(|at| !committed.contains_key(at))).cloned().collect(),
        Some(topics) => {
            let parts = |(name, numbers): (String, Vec<i32>)| numbers.into_iter().map(move |at| (name.clone(), at));
            topics.into_iter().flat_map(parts).collect()
        }
    };
    let one = |at: (String, i32)| {
        let unstable = stable && pending.contains(&at);
        let found = committed.get(&at).cloned().unwrap_or_else(nothing);
        let found = if unstable { Err(code::UNSTABLE_OFFSET_COMMIT) } else { Ok(found) };
        (at.0, at.1, found)
    };
    let mut found: Vec<Position> = asked.into_iter().map(one).collect();
    found.retain(|(_, _, found)| stable || found.as_ref().map_or(true, |found| found.offset >= 0));
    Ok(found)
}

fn by_topic(found: &[Position]) -> impl Iterator<Item = (&str, &[Position])> {
    let chunks = found.chunk_by(|a, b| a.0 == b.0);
    chunks.filter_map(|chunk| Some((chunk.first()?.0.as_str(), chunk)))
}

fn single(found: &[Position], version: i16) -> Vec<OffsetFetchResponseTopic> {
    let one = |(_, number, found): &Position| {
        let answer = OffsetFetchResponsePartition::default().with_partition_index(*number).with_committed_offset(-1);
        match found {
            Err(code) => answer.with_error_code(*code).with_metadata(Some(text(""))),
            Ok(found) => {
                let answer = answer.with_committed_offset(found.offset).with_metadata(Some(text(&found.metadata)));
                if version >= 5 { answer.with_committed_leader_epoch(found.leader_epoch) } else { answer }
            }
        }
    };
    by_topic(found)
        .map(|(name, chunk)| {
            let parts = chunk.iter().map(one).collect();
            OffsetFetchResponseTopic::default().with_name(topic_name(name)).with_partitions(parts)
        })
        .collect()
}

fn many(id: &str, found: Result<Vec<Position>, i16>) -> OffsetFetchResponseGroup {
    let answer = OffsetFetchResponseGroup::default().with_group_id(super::group_id(id));
    let one = |(_, number, found): &Position| {
        let answer = OffsetFetchResponsePartitions::default().with_partition_index(*number).with_committed_offset(-1);
        match found {
            Err(code) => answer.with_error_code(*code).with_metadata(Some(text(""))),
            Ok(found) => answer
                .with_committed_offset(found.offset)
                .with_committed_leader_epoch(found.leader_epoch)
                .with_metadata(Some(text(&found.metadata))),
        }
    };
    match found {
        Err(code) => answer.with_error_code(code),
        Ok(found) => answer.with_topics(
            by_topic(&found)
                .map(|(name, chunk)| {
                    let parts = chunk.iter().map(one).collect();
                    OffsetFetchResponseTopics::default().with_name(topic_name(name)).with_partitions(parts)
                })
                .collect(),
        ),
    }
}
