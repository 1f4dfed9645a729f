//! A log that got longer than planned cannot be mended: its topic, which is ours, is deleted and begun again.

use std::time::{Duration, Instant};

use super::Producers;
use crate::batch::walk;
use crate::cluster::{
    Cluster, ClusterError, ConfigChange, ErrorCode, FetchLimits, FetchPartition, Metadata, NewTopic, OffsetSpec,
    Outcome, Subject,
};
use crate::model::{TopicId, TopicPartition, describe};
use crate::repository::format::{RestoreTopics, TargetTopic};
use crate::restore::error::RestoreError;
use crate::restore::target;

/// How long deleting and creating may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// Bytes of the log that are looked at for strangers at a time.
const LOOKED_AT: i32 = 1 << 20;

/// Marks the topic of a partition as one to begin again, before anything is done to it. Refused where it was not made by
/// this restore, or where anybody else has written: behind `planned`, or anywhere in another partition.
pub(in crate::restore) async fn mark(
    cluster: &Cluster,
    topics: &mut RestoreTopics,
    producers: Producers,
    (at, planned, found): (&TopicPartition, i64, i64),
) -> Result<(), RestoreError> {
    let stranger = || RestoreError::ForeignWriter { partition: at.clone(), planned, found };
    let ours = topics.topics.iter_mut().find(|topic| topic.target == at.topic && topic.created);
    let ours = ours.filter(|topic| topic.id != TopicId::ZERO).ok_or_else(stranger)?;
    let metadata = cluster.refresh(&*cluster.metadata().await?).await?;
    let there = metadata.topics.get(&ours.target).filter(|found| found.id == ours.id).ok_or_else(stranger)?;
    for number in there.partitions.keys() {
        // All of it is going to be deleted.
        let (one, from) =
            (TopicPartition::new(ours.target.clone(), *number), if *number == at.partition { planned } else { 0 });
        if let Some((end, found)) = foreign(cluster, &metadata, (&one, ours.id), from, producers).await? {
            return Err(RestoreError::ForeignBatch { partition: one, end, found, ours: producers.data });
        }
    }
    ours.again = true;
    Ok(())
}

/// Deletes a topic that is marked and creates it anew, from wherever that was cut off.
pub(in crate::restore) async fn begin_again(
    cluster: &Cluster,
    topic: &mut TargetTopic,
    new: NewTopic,
) -> Result<(), RestoreError> {
    tracing::debug!(phase = "create", topic = %topic.target, "deleting the topic to begin it again");
    delete(cluster, topic).await?;
    topic.id = create(cluster, topic, new).await?;
    topic.again = false;
    for partition in topic.partitions.iter_mut().filter(|partition| !partition.preserved) {
        partition.base = 0;
    }
    Ok(())
}

/// The first batch behind `planned` that nobody of ours has written: the offset after it, and its producer.
async fn foreign(
    cluster: &Cluster,
    metadata: &Metadata,
    (at, topic_id): (&TopicPartition, TopicId),
    planned: i64,
    producers: Producers,
) -> Result<Option<(i64, i64)>, RestoreError> {
    let leader = metadata.partition(at).filter(|found| found.leader >= 0);
    let leader = leader.ok_or_else(|| ClusterError::NoLeader(at.clone()))?.leader;
    let connection = cluster.data_connection(leader).await?;
    let subject = || Subject::Partition(at.clone());
    let limits = FetchLimits { max_bytes: LOOKED_AT, max_wait: Duration::from_millis(500), min_bytes: 1 };
    let starts = target::offsets(cluster, std::slice::from_ref(at), OffsetSpec::Earliest).await?;
    let mut offset = starts.get(at).copied().unwrap_or(0).max(planned);
    loop {
        let asked = FetchPartition {
            topic: at.topic.clone(),
            topic_id,
            partition: at.partition,
            leader_epoch: -1,
            last_epoch: -1,
            offset,
            max_bytes: LOOKED_AT,
        };
        let answer = connection.fetch(&[asked], limits).await?;
        let missing = || ClusterError::Unanswered { api: "Fetch", subject: subject() };
        let partition = answer.partitions.into_iter().next().ok_or_else(missing)?;
        if let Some(code) = partition.error.filter(|code| *code != ErrorCode::OFFSET_OUT_OF_RANGE) {
            return Err(ClusterError::Broker { api: "Fetch", subject: subject(), code, message: None }.into());
        }
        let before = offset;
        // The answer may end within a batch.
        for batch in walk(&partition.records).map_while(Result::ok) {
            let producer_id = batch.modern().map_or(-1, |header| header.producer_id);
            if !producers.include(producer_id) {
                return Ok(Some((batch.next_offset(), producer_id)));
            }
            offset = batch.next_offset();
        }
        if offset <= before {
            return Ok(None);
        }
    }
}

async fn delete(cluster: &Cluster, topic: &TargetTopic) -> Result<(), RestoreError> {
    let metadata = cluster.refresh(&*cluster.metadata().await?).await?;
    if metadata.topics.get(&topic.target).is_none_or(|found| found.id != topic.id) {
        return Ok(());
    }
    let name = std::slice::from_ref(&topic.target);
    for (_, answer) in cluster.delete_topics(name).await {
        match answer {
            Ok(()) | Err(ClusterError::UnknownTopic(_)) => {}
            Err(error) if error.outcome() == Outcome::Unknown => {}
            Err(error) => return Err(error.into()),
        }
    }
    let deadline = Instant::now() + DEADLINE;
    loop {
        let metadata = cluster.refresh(&*cluster.metadata().await?).await?;
        if metadata.topics.get(&topic.target).is_none_or(|found| found.id != topic.id) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let cause = "its topic was to be deleted and begun again, and is still there".to_owned();
            return Err(failed(topic, cause));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn create(cluster: &Cluster, topic: &TargetTopic, new: NewTopic) -> Result<TopicId, RestoreError> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let mut refused = None;
        for (_, answer) in cluster.create_topics(vec![new.clone()], false).await {
            refused = answer.err();
        }
        match refused {
            None => break,
            // It is still being deleted, or a lost answer was a yes.
            Some(error) if Instant::now() < deadline && error.code() == Some(ErrorCode::TOPIC_ALREADY_EXISTS) => {
                if leaders(cluster, topic).await?.is_some() {
                    set(cluster, &new).await?;
                    break;
                }
            }
            Some(error) if Instant::now() < deadline && error.outcome() == Outcome::Unknown => {
                tracing::debug!(error = describe(&error), "it is not known whether the topic was created");
            }
            Some(error) => return Err(target::cannot_create(topic.target.clone(), &error)),
        }
        tokio::time::sleep(PAUSE).await;
    }
    loop {
        if let Some(id) = leaders(cluster, topic).await? {
            return Ok(id);
        }
        if Instant::now() >= deadline {
            return Err(failed(topic, format!("no leader after {} s", DEADLINE.as_secs())));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Gives a topic what it would have been made with: a client that nobody stopped may have been quicker, and brokers make
/// topics for whoever asks (`auto.create.topics.enable`).
async fn set(cluster: &Cluster, new: &NewTopic) -> Result<(), RestoreError> {
    let change = |(name, value): &(String, String)| ConfigChange { name: name.clone(), value: Some(value.clone()) };
    let changes = new.configs.iter().map(change).collect();
    for (_, answer) in cluster.alter_topic_configs(vec![(new.name.clone(), changes)]).await {
        answer?;
    }
    Ok(())
}

/// The new topic's id, once all of its partitions have leaders.
async fn leaders(cluster: &Cluster, topic: &TargetTopic) -> Result<Option<TopicId>, RestoreError> {
    let metadata = cluster.refresh(&*cluster.metadata().await?).await?;
    let found = metadata.topics.get(&topic.target).filter(|found| found.id != topic.id);
    let ready = found.filter(|found| {
        let led = |number| found.partitions.get(&number).is_some_and(|one| one.leader >= 0);
        found.partitions.len() == topic.partitions.len() && topic.partitions.iter().all(|one| led(one.partition))
    });
    Ok(ready.map(|found| found.id))
}

fn failed(topic: &TargetTopic, cause: String) -> RestoreError {
    RestoreError::Partition { partition: TopicPartition::new(topic.target.clone(), 0), offset: -1, cause }
}
