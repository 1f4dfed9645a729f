//! `OffsetFetch` v2 to v9, all topics of a group; many groups in one request since v8 (3.0). v10 names topics by id
//! and is left alone.
//!
//! Offsets that an open transaction is about to commit make the broker ask for patience (v7+); when it lasts, what was
//! committed before is taken and marked.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;

use super::{judge, wire_group};
use crate::cluster::join::join_all;
use crate::cluster::{Cluster, ClusterError, Each, GroupOffsets, Subject};
use crate::model::{CommittedOffset, GroupId, TopicName, TopicPartition};
use crate::net::{Connection, ConnectionError};
use crate::retry::Attempt;
use crate::wire::{ErrorCode, Exchange};

const API: &str = "OffsetFetch";
/// First version that takes many groups.
const MANY: i16 = 8;
/// First version that can ask for stable offsets.
const STABLE: i16 = 7;
/// How long an open transaction is waited for.
const STABLE_PATIENCE: Duration = Duration::from_secs(5);

/// `None`: the group's offsets did not become stable in time.
type Fetched = Result<Option<GroupOffsets>, ClusterError>;

impl Cluster {
    /// What one group committed.
    pub async fn fetch_group_offsets(&self, group: &GroupId) -> Result<GroupOffsets, ClusterError> {
        let fetched = self.fetch_groups(std::slice::from_ref(group)).await;
        let missing = || ClusterError::Unanswered { api: API, subject: Subject::Group(group.clone()) };
        fetched.into_iter().next().ok_or_else(missing)?.1
    }

    /// What many groups committed, asked in batches per coordinator.
    pub async fn fetch_groups(&self, groups: &[GroupId]) -> Each<GroupId, GroupOffsets> {
        let patience = self.patience();
        let stable = self.ask_coordinators(groups.to_vec(), |connection, groups, attempt| {
            fetch(connection, groups, Some(attempt), patience)
        });
        let mut results = Vec::with_capacity(groups.len());
        let mut unstable = Vec::new();
        for (group, fetched) in stable.await {
            match fetched {
                Ok(Some(offsets)) => results.push((group, Ok(offsets))),
                Ok(None) => unstable.push(group),
                Err(error) => results.push((group, Err(error))),
            }
        }
        let rest = self.ask_coordinators(unstable, |connection, groups, _| fetch(connection, groups, None, patience));
        for (group, fetched) in rest.await {
            let offsets = fetched.map(|offsets| GroupOffsets { unstable: true, ..offsets.unwrap_or_default() });
            results.push((group, offsets));
        }
        results
    }
}

async fn fetch(
    connection: Connection,
    groups: Vec<GroupId>,
    stable: Option<Attempt>,
    patience: Duration,
) -> Result<Vec<Fetched>, ConnectionError> {
    if connection.versions().has(&m::OffsetFetchRequest::API, MANY) {
        return fetch_many(&connection, &groups, stable, patience).await;
    }
    let single = groups.iter().map(|group| fetch_one(&connection, group, stable, patience));
    join_all(single.collect()).await.into_iter().collect()
}

async fn fetch_many(
    connection: &Connection,
    groups: &[GroupId],
    stable: Option<Attempt>,
    patience: Duration,
) -> Result<Vec<Fetched>, ConnectionError> {
    let all_topics = |group: &GroupId| {
        m::offset_fetch_request::OffsetFetchRequestGroup::default().with_group_id(wire_group(group)).with_topics(None)
    };
    let request = m::OffsetFetchRequest::default()
        .with_groups(groups.iter().map(all_topics).collect())
        .with_require_stable(stable.is_some());
    let answer = connection.call(&request, patience).await?;
    let found: HashMap<&str, _> = answer.groups.iter().map(|group| (group.group_id.as_str(), group)).collect();
    let read = |id: &GroupId| {
        let group = found.get(id.as_str());
        let missing = || ClusterError::Unanswered { api: API, subject: Subject::Group(id.clone()) };
        let group = group.ok_or_else(missing)?;
        let mut reading = Reading::begin(id, group.error_code, stable)?;
        for topic in &group.topics {
            for part in &topic.partitions {
                let offset = committed(part.committed_offset, part.committed_leader_epoch, part.metadata.as_deref());
                reading.add(&topic.name, part.partition_index, part.error_code, offset)?;
            }
        }
        reading.end()
    };
    Ok(groups.iter().map(read).collect())
}

async fn fetch_one(
    connection: &Connection,
    id: &GroupId,
    stable: Option<Attempt>,
    patience: Duration,
) -> Result<Fetched, ConnectionError> {
    let can_wait = connection.versions().has(&m::OffsetFetchRequest::API, STABLE);
    let request = m::OffsetFetchRequest::default()
        .with_group_id(wire_group(id))
        .with_topics(None)
        .with_require_stable(can_wait && stable.is_some());
    let answer = connection.call(&request, patience).await?;
    let read = || {
        let mut reading = Reading::begin(id, answer.error_code, stable)?;
        for topic in &answer.topics {
            for part in &topic.partitions {
                let offset = committed(part.committed_offset, part.committed_leader_epoch, part.metadata.as_deref());
                reading.add(&topic.name, part.partition_index, part.error_code, offset)?;
            }
        }
        reading.end()
    };
    Ok(read())
}

fn committed(offset: i64, leader_epoch: i32, metadata: Option<&str>) -> CommittedOffset {
    CommittedOffset { offset, leader_epoch, metadata: metadata.filter(|text| !text.is_empty()).map(str::to_owned) }
}

/// One group's answer, partition by partition.
struct Reading<'a> {
    group: &'a GroupId,
    stable: Option<Attempt>,
    offsets: GroupOffsets,
    pending: bool,
}

impl<'a> Reading<'a> {
    fn begin(group: &'a GroupId, error_code: i16, stable: Option<Attempt>) -> Result<Self, ClusterError> {
        judge(API, error_code, || Subject::Group(group.clone()), None)?;
        Ok(Self { group, stable, offsets: GroupOffsets::default(), pending: false })
    }

    fn add(
        &mut self,
        topic: &str,
        partition: i32,
        error_code: i16,
        committed: CommittedOffset,
    ) -> Result<(), ClusterError> {
        let bad_name =
            |error: crate::model::InvalidTopicName| ClusterError::Nonsense { api: API, what: error.to_string() };
        let partition = TopicPartition::new(TopicName::new(topic).map_err(bad_name)?, partition);
        match ErrorCode::failure(error_code) {
            Some(ErrorCode::UNSTABLE_OFFSET_COMMIT) => self.pending = true,
            Some(code) => self.offsets.refused.push((partition, code)),
            None if committed.offset >= 0 => self.offsets.offsets.push((partition, committed)),
            None => {}
        }
        Ok(())
    }

    fn end(self) -> Fetched {
        if !self.pending {
            return Ok(Some(self.offsets));
        }
        match self.stable {
            Some(attempt) if attempt.elapsed < STABLE_PATIENCE => {
                let code = ErrorCode::UNSTABLE_OFFSET_COMMIT.0;
                judge(API, code, || Subject::Group(self.group.clone()), None).map(|()| None)
            }
            _ => Ok(None),
        }
    }
}
