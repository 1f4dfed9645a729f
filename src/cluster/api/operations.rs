//! What this client may do, asked of the brokers (KIP-430), so that a plan changes nothing to find out: `DescribeCluster`
//! v0 to v2, or Metadata v8 to v10, for the cluster; Metadata v8 to v12 for topics.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;

use super::{judge, judge_topic, wire_topic};
use crate::cluster::ask::{Answered, Manner, Whom};
use crate::cluster::{Cluster, ClusterError, Each, Operations, Subject, TopicRights};
use crate::model::TopicName;
use crate::net::Connection;
use crate::retry::Attempt;
use crate::wire::{ErrorCode, Exchange};

const CLUSTER: &str = "DescribeCluster";
const METADATA: &str = "Metadata";
/// First Metadata version with operations (2.3).
const OPERATIONS: i16 = 8;
/// Last one with those of the cluster (2.7).
const OF_CLUSTER: i16 = 10;
/// Topics in one request.
const CHUNK: usize = 1_000;

impl Cluster {
    /// What this client may do with the cluster; `None` where brokers cannot tell (before 2.3). One that may not even
    /// describe the cluster is shown no operation at all.
    pub async fn cluster_operations(&self) -> Result<Option<Operations>, ClusterError> {
        let manner = Manner { whom: Whom::Any, chunk: 1, once: false };
        let patience = self.patience();
        let told = self.ask_many(manner, vec![()], |connection, _, _| of_cluster(connection, patience)).await;
        let missing = || ClusterError::Unanswered { api: CLUSTER, subject: Subject::Request };
        told.into_iter().next().ok_or_else(missing)?.1
    }

    /// What this client may do with topics by name, whether they exist or not: a plan asks about topics that are still
    /// to be made. Where brokers cannot tell (before 2.3) there are no operations.
    pub async fn topic_rights(&self, topics: &[TopicName]) -> Each<TopicName, TopicRights> {
        let manner = Manner { whom: Whom::Any, chunk: CHUNK, once: false };
        let patience = self.patience();
        self.ask_many(manner, topics.to_vec(), |connection, topics, _| rights(connection, topics, patience)).await
    }

    /// What this client may do with topics; `None` where brokers cannot tell (before 2.3).
    pub async fn topic_operations(&self, topics: &[TopicName]) -> Each<TopicName, Option<Operations>> {
        let manner = Manner { whom: Whom::Any, chunk: CHUNK, once: false };
        let patience = self.patience();
        self.ask_many(manner, topics.to_vec(), |connection, topics, attempt| {
            of_topics(connection, topics, attempt, patience)
        })
        .await
    }
}

async fn of_cluster(connection: Connection, patience: Duration) -> Answered<Option<Operations>> {
    if connection.versions().has(&m::DescribeClusterRequest::API, 0) {
        let request = m::DescribeClusterRequest::default()
            .with_include_cluster_authorized_operations(true)
            .with_endpoint_type(BROKERS);
        let answer = connection.call(&request, patience).await?;
        let judged = judge(CLUSTER, answer.error_code, || Subject::Request, answer.error_message.as_ref());
        return Ok(vec![judged.map(|()| Operations::of_bits(answer.cluster_authorized_operations))]);
    }
    let Ok(version) = connection.versions().pick_between(&m::MetadataRequest::API, OPERATIONS, OF_CLUSTER) else {
        return Ok(vec![Ok(None)]);
    };
    let request = m::MetadataRequest::default()
        .with_topics(Some(Vec::new()))
        .with_allow_auto_topic_creation(false)
        .with_include_cluster_authorized_operations(true);
    let answer = connection.call_in(&request, version, patience).await?;
    Ok(vec![Ok(Operations::of_bits(answer.cluster_authorized_operations))])
}

async fn rights(connection: Connection, topics: Vec<TopicName>, patience: Duration) -> Answered<TopicRights> {
    let api = m::MetadataRequest::API;
    let told = connection.versions().pick_between(&api, OPERATIONS, api.most);
    let version = told.as_ref().map_or_else(|_| connection.versions().pick(&api), |version| Ok(*version));
    let version = version.map_err(|error| connection.wire_error(METADATA, error))?;
    let topic = |name: &TopicName| MetadataRequestTopic::default().with_name(Some(wire_topic(name)));
    let request = m::MetadataRequest::default()
        .with_topics(Some(topics.iter().map(topic).collect()))
        .with_allow_auto_topic_creation(false)
        .with_include_topic_authorized_operations(told.is_ok());
    let answer = connection.call_in(&request, version, patience).await?;
    let named = |topic: &m::metadata_response::MetadataResponseTopic| {
        Some((topic.name.as_ref()?.to_string(), (topic.error_code, topic.topic_authorized_operations)))
    };
    let found: HashMap<String, (i16, i32)> = answer.topics.iter().filter_map(named).collect();
    let read = |name: &TopicName| {
        let subject = || Subject::Topic(name.clone());
        let (code, bits) =
            found.get(name.as_str()).ok_or_else(|| ClusterError::Unanswered { api: METADATA, subject: subject() })?;
        let code = ErrorCode(*code);
        let hidden = code == ErrorCode::TOPIC_AUTHORIZATION_FAILED;
        let absent = code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
        // A topic without a leader is there all the same.
        let operations = Operations::of_bits(*bits).filter(|_| told.is_ok() && !hidden);
        Ok(TopicRights { exists: !absent && !hidden, hidden, operations })
    };
    Ok(topics.iter().map(read).collect())
}

/// The endpoints that `DescribeCluster` is to list (KIP-919).
const BROKERS: i8 = 1;

async fn of_topics(
    connection: Connection,
    topics: Vec<TopicName>,
    attempt: Attempt,
    patience: Duration,
) -> Answered<Option<Operations>> {
    let api = m::MetadataRequest::API;
    let Ok(version) = connection.versions().pick_between(&api, OPERATIONS, api.most) else {
        return Ok(topics.iter().map(|_| Ok(None)).collect());
    };
    let topic = |name: &TopicName| MetadataRequestTopic::default().with_name(Some(wire_topic(name)));
    let request = m::MetadataRequest::default()
        .with_topics(Some(topics.iter().map(topic).collect()))
        .with_allow_auto_topic_creation(false)
        .with_include_topic_authorized_operations(true);
    let answer = connection.call_in(&request, version, patience).await?;
    let named = |topic: &m::metadata_response::MetadataResponseTopic| {
        Some((topic.name.as_ref()?.to_string(), (topic.error_code, topic.topic_authorized_operations)))
    };
    let found: HashMap<String, (i16, i32)> = answer.topics.iter().filter_map(named).collect();
    let read = |name: &TopicName| {
        let missing = || ClusterError::Unanswered { api: METADATA, subject: Subject::Topic(name.clone()) };
        let (code, bits) = found.get(name.as_str()).ok_or_else(missing)?;
        judge_topic(METADATA, *code, name, None, attempt)?;
        Ok(Operations::of_bits(*bits))
    };
    Ok(topics.iter().map(read).collect())
}
