//! `OffsetCommit` v2 to v9 for groups without members: generation -1, no member id.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};

use super::{NOT_YET_KNOWN, judge, text, wire_group, wire_topic};
use crate::cluster::{Cluster, ClusterError, Each, Subject};
use crate::model::{CommittedOffset, GroupId, TopicPartition};
use crate::net::{Connection, ConnectionError};
use crate::retry::{Attempt, settle};
use crate::wire::{ErrorCode, Exchange};

const API: &str = "OffsetCommit";
/// First version that carries leader epochs.
const LEADER_EPOCHS: i16 = 6;
/// Partitions in one request: a broker writes a request as one batch, which has to fit into `max.message.bytes`.
const CHUNK: usize = 1_000;
/// Bytes of metadata in one request, for the same reason.
const METADATA: usize = 256 << 10;

type Commit = (TopicPartition, CommittedOffset);

impl Cluster {
    /// Commits for a group without members. Offsets, leader epochs and metadata are stored as given; the broker checks
    /// neither. A commit that is made twice does no harm, so it is tried again.
    pub async fn commit_group_offsets(
        &self,
        group: &GroupId,
        offsets: &[(TopicPartition, CommittedOffset)],
    ) -> Result<Each<TopicPartition, ()>, ClusterError> {
        let policy = self.options().retry;
        let mut commits = offsets.to_vec();
        commits.sort_by(|a, b| a.0.cmp(&b.0));
        let settled = settle(policy, commits, |pending, attempt| self.commit_once(group, pending, attempt)).await;
        Ok(settled.into_iter().map(|((partition, _), result)| (partition, result)).collect())
    }

    async fn commit_once(
        &self,
        group: &GroupId,
        commits: Vec<Commit>,
        attempt: Attempt,
    ) -> Vec<(Commit, Result<(), ClusterError>)> {
        let mut results = Vec::with_capacity(commits.len());
        for chunk in chunks(&commits) {
            match self.commit_chunk(group, chunk, attempt).await {
                Ok(answers) => results.extend(answers),
                Err(error) => results.extend(chunk.iter().map(|_| Err(error.clone()))),
            }
        }
        commits.into_iter().zip(results).collect()
    }

    async fn commit_chunk(
        &self,
        group: &GroupId,
        commits: &[Commit],
        attempt: Attempt,
    ) -> Result<Vec<Result<(), ClusterError>>, ClusterError> {
        let found = self.coordinators_for(vec![group.clone()], attempt).await;
        let missing = || ClusterError::Unanswered { api: "FindCoordinator", subject: Subject::Group(group.clone()) };
        let node = found.into_iter().next().ok_or_else(missing)?.1?;
        let connection = self.control(node).await?;
        let answered = commit(&connection, group, commits, attempt, self.patience()).await;
        answered.map_err(|source| ClusterError::Connection { node, source })
    }
}

/// Cuts the list so that no request gets too large for the broker's batch.
fn chunks(commits: &[Commit]) -> Vec<&[Commit]> {
    let mut chunks = Vec::new();
    let mut rest = commits;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |(_, committed): &&Commit| {
            bytes += committed.metadata.as_ref().map_or(0, String::len);
            bytes <= METADATA
        };
        let count = rest.iter().take(CHUNK).take_while(fits).count().max(1);
        let (chunk, tail) = rest.split_at(count);
        chunks.push(chunk);
        rest = tail;
    }
    chunks
}

async fn commit(
    connection: &Connection,
    group: &GroupId,
    commits: &[Commit],
    attempt: Attempt,
    patience: Duration,
) -> Result<Vec<Result<(), ClusterError>>, ConnectionError> {
    let api = m::OffsetCommitRequest::API;
    let epochs = connection.versions().has(&api, LEADER_EPOCHS);
    let partition = |(partition, committed): &Commit| {
        OffsetCommitRequestPartition::default()
            .with_partition_index(partition.partition)
            .with_committed_offset(committed.offset)
            .with_committed_leader_epoch(if epochs { committed.leader_epoch } else { -1 })
            .with_committed_metadata(Some(text(committed.metadata.as_deref().unwrap_or_default())))
    };
    let topics = commits.chunk_by(|a, b| a.0.topic == b.0.topic).filter_map(|topic| {
        let name = wire_topic(&topic.first()?.0.topic);
        let partitions = topic.iter().map(partition).collect();
        Some(OffsetCommitRequestTopic::default().with_name(name).with_partitions(partitions))
    });
    let request = m::OffsetCommitRequest::default().with_group_id(wire_group(group)).with_topics(topics.collect());
    let answer = connection.call(&request, patience).await?;
    let mut found = HashMap::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            found.insert((topic.name.as_str(), partition.partition_index), partition.error_code);
        }
    }
    let read = |(partition, _): &Commit| {
        let subject = || Subject::Partition(partition.clone());
        let code = found.get(&(partition.topic.as_str(), partition.partition));
        let code = code.ok_or_else(|| ClusterError::Unanswered { api: API, subject: subject() })?;
        if *code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0 && attempt.elapsed >= NOT_YET_KNOWN {
            return Err(ClusterError::UnknownPartition(partition.clone()));
        }
        judge(API, *code, subject, None)
    };
    Ok(commits.iter().map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TopicName;

    #[test]
    fn requests_stay_small_enough_for_one_batch() {
        let commit = |metadata: usize| {
            let committed = CommittedOffset { offset: 1, leader_epoch: -1, metadata: Some("x".repeat(metadata)) };
            (TopicPartition::new(TopicName::new("t").unwrap(), 0), committed)
        };
        let sizes = |commits: Vec<Commit>| chunks(&commits).iter().map(|chunk| chunk.len()).collect::<Vec<_>>();
        assert_eq!(sizes((0..2_500).map(|_| commit(0)).collect()), [1_000, 1_000, 500]);
        assert_eq!(sizes((0..100).map(|_| commit(4_096)).collect()), [64, 36]);
        assert_eq!(sizes(vec![commit(300 << 10), commit(0)]), [1, 1]);
        assert!(sizes(Vec::new()).is_empty());
    }
}
