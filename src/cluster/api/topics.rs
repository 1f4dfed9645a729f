//! `CreateTopics` v2 to v7 and `DeleteTopics` v1 to v6. Neither is asked twice when the answer is lost: a second
//! request could meet its own success, or somebody else's topic.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;

use super::{GRACE, judge, millis, text, wire_topic};
use crate::cluster::ask::{Answered, Manner, Whom};
use crate::cluster::{Cluster, ClusterError, Each, NewTopic, Subject};
use crate::model::{TopicId, TopicName};
use crate::net::Connection;
use crate::wire::{ErrorCode, Exchange};

const CREATE: &str = "CreateTopics";
const DELETE: &str = "DeleteTopics";
/// First version that takes topics by name or id.
const DELETE_STATES: i16 = 6;
/// Topics in one request.
const CHUNK: usize = 200;

impl Cluster {
    /// Creates topics, or only checks whether they could be. The id is zero where the broker does not tell (before
    /// 2.8, and when only checking). Asked once: a topic whose fate is not known says so.
    pub async fn create_topics(&self, topics: Vec<NewTopic>, validate_only: bool) -> Each<TopicName, TopicId> {
        let manner = Manner { whom: Whom::Controller, chunk: CHUNK, once: !validate_only };
        let patience = self.patience();
        let created =
            self.ask_many(manner, topics, |connection, topics, _| create(connection, topics, validate_only, patience));
        created.await.into_iter().map(|(topic, result)| (topic.name, result)).collect()
    }

    /// Deletes topics. Asked once: a topic whose fate is not known says so.
    pub async fn delete_topics(&self, topics: &[TopicName]) -> Each<TopicName, ()> {
        let manner = Manner { whom: Whom::Controller, chunk: CHUNK, once: true };
        let patience = self.patience();
        self.ask_many(manner, topics.to_vec(), |connection, topics, _| delete(connection, topics, patience)).await
    }

    /// Deletes topics by their ids where brokers take ids (2.8+), so that one made anew under the same name stays; by
    /// name where they do not. Asked once: a topic whose fate is not known says so.
    pub async fn delete_topics_with_id(&self, topics: &[(TopicName, TopicId)]) -> Each<TopicName, ()> {
        let manner = Manner { whom: Whom::Controller, chunk: CHUNK, once: true };
        let patience = self.patience();
        let deleted = self
            .ask_many(manner, topics.to_vec(), |connection, topics, _| delete_with_id(connection, topics, patience));
        deleted.await.into_iter().map(|((topic, _), result)| (topic, result)).collect()
    }
}

async fn create(
    connection: Connection,
    topics: Vec<NewTopic>,
    validate_only: bool,
    patience: Duration,
) -> Answered<TopicId> {
    let config = |(name, value): &(String, String)| {
        CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
    };
    let wanted = |topic: &NewTopic| {
        CreatableTopic::default()
            .with_name(wire_topic(&topic.name))
            .with_num_partitions(topic.partitions)
            .with_replication_factor(topic.replication_factor)
            .with_configs(topic.configs.iter().map(config).collect())
    };
    let request = m::CreateTopicsRequest::default()
        .with_topics(topics.iter().map(wanted).collect())
        .with_timeout_ms(millis(patience))
        .with_validate_only(validate_only);
    let answer = connection.call(&request, patience + GRACE).await?;
    let found: HashMap<&str, _> = answer.topics.iter().map(|topic| (topic.name.as_str(), topic)).collect();
    let read = |topic: &NewTopic| {
        let subject = || Subject::Topic(topic.name.clone());
        let result = found.get(topic.name.as_str());
        let result = result.ok_or_else(|| ClusterError::Unanswered { api: CREATE, subject: subject() })?;
        judge(CREATE, result.error_code, subject, result.error_message.as_ref())?;
        // A broker that only checks makes up an id (4.2).
        Ok(if validate_only { TopicId::ZERO } else { TopicId(result.topic_id.into_bytes()) })
    };
    Ok(topics.iter().map(read).collect())
}

async fn delete(connection: Connection, topics: Vec<TopicName>, patience: Duration) -> Answered<()> {
    let mut request = m::DeleteTopicsRequest::default().with_timeout_ms(millis(patience));
    if connection.versions().has(&m::DeleteTopicsRequest::API, DELETE_STATES) {
        let state = |topic: &TopicName| DeleteTopicState::default().with_name(Some(wire_topic(topic)));
        request.topics = topics.iter().map(state).collect();
    } else {
        request.topic_names = topics.iter().map(wire_topic).collect();
    }
    let answer = connection.call(&request, patience + GRACE).await?;
    let named = |result: &m::delete_topics_response::DeletableTopicResult| {
        Some((result.name.as_ref()?.to_string(), result.clone()))
    };
    let found: HashMap<String, _> = answer.responses.iter().filter_map(named).collect();
    let read = |topic: &TopicName| {
        let subject = || Subject::Topic(topic.clone());
        let result = found.get(topic.as_str());
        let result = result.ok_or_else(|| ClusterError::Unanswered { api: DELETE, subject: subject() })?;
        if result.error_code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0 {
            return Err(ClusterError::UnknownTopic(topic.clone())); // the controller knows, there is nothing to wait for
        }
        judge(DELETE, result.error_code, subject, result.error_message.as_ref())
    };
    Ok(topics.iter().map(read).collect())
}

async fn delete_with_id(connection: Connection, topics: Vec<(TopicName, TopicId)>, patience: Duration) -> Answered<()> {
    let takes_ids = connection.versions().has(&m::DeleteTopicsRequest::API, DELETE_STATES);
    if !takes_ids || topics.iter().any(|(_, id)| *id == TopicId::ZERO) {
        return delete(connection, topics.into_iter().map(|(topic, _)| topic).collect(), patience).await;
    }
    let state = |(_, id): &(TopicName, TopicId)| {
        let id = id.0.to_vec().try_into().unwrap_or_default();
        DeleteTopicState::default().with_name(None).with_topic_id(id)
    };
    let request = m::DeleteTopicsRequest::default()
        .with_timeout_ms(millis(patience))
        .with_topics(topics.iter().map(state).collect());
    let answer = connection.call(&request, patience + GRACE).await?;
    let found: HashMap<[u8; 16], _> =
        answer.responses.iter().map(|result| (result.topic_id.into_bytes(), result)).collect();
    let read = |(topic, id): &(TopicName, TopicId)| {
        let subject = || Subject::Topic(topic.clone());
        let result = found.get(&id.0);
        let result = result.ok_or_else(|| ClusterError::Unanswered { api: DELETE, subject: subject() })?;
        if result.error_code == ErrorCode::UNKNOWN_TOPIC_ID.0 {
            return Err(ClusterError::UnknownTopic(topic.clone()));
        }
        judge(DELETE, result.error_code, subject, result.error_message.as_ref())
    };
    Ok(topics.iter().map(read).collect())
}
