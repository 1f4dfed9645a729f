//! Signatures whose bodies follow.

#![expect(clippy::unused_async, clippy::unused_self, reason = "bodies follow")]

use crate::cluster::*;
use crate::model::{CommittedOffset, GroupId, TopicId, TopicName, TopicPartition};

fn not_yet() -> ClusterError {
    ClusterError::Unsupported { node: -1, what: "this build".to_owned() }
}

fn none<K: Clone, T>(keys: &[K]) -> Each<K, T> {
    keys.iter().map(|key| (key.clone(), Err(not_yet()))).collect()
}

impl Cluster {
    /// Asks every broker for its groups until two rounds agree.
    pub async fn list_groups(&self) -> GroupListing {
        GroupListing::default()
    }

    /// What one group committed.
    pub async fn fetch_group_offsets(&self, group: &GroupId) -> Result<GroupOffsets, ClusterError> {
        let _ = group;
        Err(not_yet())
    }

    /// What many groups committed, asked in batches per coordinator.
    pub async fn fetch_groups(&self, groups: &[GroupId]) -> Each<GroupId, GroupOffsets> {
        none(groups)
    }

    /// State and members of groups; one that does not exist is `Dead`.
    pub async fn describe_groups(&self, groups: &[GroupId]) -> Each<GroupId, GroupDescription> {
        none(groups)
    }

    /// Commits for a group without members, at generation -1.
    pub async fn commit_group_offsets(
        &self,
        group: &GroupId,
        offsets: &[(TopicPartition, CommittedOffset)],
    ) -> Result<Each<TopicPartition, ()>, ClusterError> {
        let _ = (group, offsets);
        Err(not_yet())
    }

    /// The effective settings of topics.
    pub async fn describe_topic_configs(&self, topics: &[TopicName]) -> Each<TopicName, Vec<TopicConfig>> {
        none(topics)
    }

    /// The effective settings of a broker.
    pub async fn describe_broker_configs(&self, node: i32) -> Result<Vec<BrokerConfig>, ClusterError> {
        let _ = node;
        Err(not_yet())
    }

    /// Creates topics, or only checks whether they could be. The id is zero where the broker does not tell (before
    /// 2.8, and when only checking). Asked once: a topic whose fate is not known says so.
    pub async fn create_topics(&self, topics: Vec<NewTopic>, validate_only: bool) -> Each<TopicName, TopicId> {
        let _ = validate_only;
        topics.into_iter().map(|topic| (topic.name, Err(not_yet()))).collect()
    }

    /// Deletes topics. Asked once: a topic whose fate is not known says so.
    pub async fn delete_topics(&self, topics: &[TopicName]) -> Each<TopicName, ()> {
        none(topics)
    }

    /// Changes settings of topics, leaving the others as they are.
    pub async fn alter_topic_configs(&self, changes: Vec<(TopicName, Vec<ConfigChange>)>) -> Each<TopicName, ()> {
        changes.into_iter().map(|(topic, _)| (topic, Err(not_yet()))).collect()
    }

    /// Asks for a producer identity without a transactional id.
    pub async fn init_producer_id(&self) -> Result<ProducerIdentity, ClusterError> {
        Err(not_yet())
    }
}
