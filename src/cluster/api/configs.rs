//! `DescribeConfigs` v0 to v4 and `IncrementalAlterConfigs` v0 to v1; where brokers lack that (before 2.3), see
//! [`super::old_configs`].

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};

use super::{judge_topic, old_configs, text};
use crate::cluster::ask::{Answered, Manner, Whom};
use crate::cluster::{BrokerConfig, Cluster, ClusterError, ConfigChange, Each, Subject, TopicConfig};
use crate::model::TopicName;
use crate::net::{Connection, ConnectionError};
use crate::retry::Attempt;
use crate::wire::Exchange;

const DESCRIBE: &str = "DescribeConfigs";
const ALTER: &str = "IncrementalAlterConfigs";
/// Resource types (Kafka class `ConfigResource`).
pub(super) const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// A setting on the topic itself (Kafka class `DescribeConfigsResponse`).
const SET_ON_TOPIC: i8 = 1;
/// Operations (Kafka class `AlterConfigOp`).
const SET: i8 = 0;
const DELETE: i8 = 1;
/// Topics in one request.
const CHUNK: usize = 1_000;

impl Cluster {
    /// The effective settings of topics.
    pub async fn describe_topic_configs(&self, topics: &[TopicName]) -> Each<TopicName, Vec<TopicConfig>> {
        let manner = Manner { whom: Whom::Any, chunk: CHUNK, once: false };
        let patience = self.patience();
        self.ask_many(manner, topics.to_vec(), |connection, topics, attempt| {
            describe_topics(connection, topics, attempt, patience)
        })
        .await
    }

    /// The effective settings of a broker.
    pub async fn describe_broker_configs(&self, node: i32) -> Result<Vec<BrokerConfig>, ClusterError> {
        let manner = Manner { whom: Whom::Node(node), chunk: 1, once: false };
        let patience = self.patience();
        let described =
            self.ask_many(manner, vec![node], |connection, _, _| describe_broker(connection, node, patience));
        let missing = || ClusterError::Unanswered { api: DESCRIBE, subject: Subject::Node(node) };
        described.await.into_iter().next().ok_or_else(missing)?.1
    }

    /// Changes settings of topics, leaving the others as they are.
    pub async fn alter_topic_configs(&self, changes: Vec<(TopicName, Vec<ConfigChange>)>) -> Each<TopicName, ()> {
        let manner = Manner { whom: Whom::Any, chunk: CHUNK, once: false };
        let patience = self.patience();
        let altered = self
            .ask_many(manner, changes, |connection, changes, attempt| alter(connection, changes, attempt, patience));
        altered.await.into_iter().map(|((topic, _), result)| (topic, result)).collect()
    }
}

async fn ask(
    connection: &Connection,
    resource_type: i8,
    names: impl Iterator<Item = String>,
    patience: Duration,
) -> Result<Vec<DescribeConfigsResult>, ConnectionError> {
    let resource = |name: String| {
        DescribeConfigsResource::default()
            .with_resource_type(resource_type)
            .with_resource_name(name.into())
            .with_configuration_keys(None)
    };
    let request = m::DescribeConfigsRequest::default().with_resources(names.map(resource).collect());
    Ok(connection.call(&request, patience).await?.results)
}

pub(super) async fn describe_topics(
    connection: Connection,
    topics: Vec<TopicName>,
    attempt: Attempt,
    patience: Duration,
) -> Answered<Vec<TopicConfig>> {
    let results = ask(&connection, TOPIC, topics.iter().map(TopicName::to_string), patience).await?;
    let found: HashMap<&str, _> = results.iter().map(|result| (result.resource_name.as_str(), result)).collect();
    let read = |topic: &TopicName| {
        let result = found.get(topic.as_str());
        let missing = || ClusterError::Unanswered { api: DESCRIBE, subject: Subject::Topic(topic.clone()) };
        let result = result.ok_or_else(missing)?;
        judge_topic(DESCRIBE, result.error_code, topic, result.error_message.as_ref(), attempt)?;
        Ok(result.configs.iter().map(topic_config).collect())
    };
    Ok(topics.iter().map(read).collect())
}

async fn describe_broker(connection: Connection, node: i32, patience: Duration) -> Answered<Vec<BrokerConfig>> {
    let results = ask(&connection, BROKER, std::iter::once(node.to_string()), patience).await?;
    let read = || {
        let missing = || ClusterError::Unanswered { api: DESCRIBE, subject: Subject::Node(node) };
        let result = results.first().ok_or_else(missing)?;
        super::judge(DESCRIBE, result.error_code, || Subject::Node(node), result.error_message.as_ref())?;
        Ok(result.configs.iter().map(broker_config).collect())
    };
    Ok(vec![read()])
}

fn topic_config(config: &DescribeConfigsResourceResult) -> TopicConfig {
    TopicConfig {
        name: config.name.to_string(),
        value: config.value.as_ref().map(ToString::to_string),
        set_on_topic: config.config_source == SET_ON_TOPIC,
        sensitive: config.is_sensitive,
    }
}

fn broker_config(config: &DescribeConfigsResourceResult) -> BrokerConfig {
    let TopicConfig { name, value, sensitive, .. } = topic_config(config);
    BrokerConfig { name, value, sensitive }
}

async fn alter(
    connection: Connection,
    changes: Vec<(TopicName, Vec<ConfigChange>)>,
    attempt: Attempt,
    patience: Duration,
) -> Answered<()> {
    if !connection.versions().has(&m::IncrementalAlterConfigsRequest::API, 0) {
        return old_configs::alter(connection, changes, attempt, patience).await;
    }
    let config = |change: &ConfigChange| {
        AlterableConfig::default()
            .with_name(text(&change.name))
            .with_config_operation(if change.value.is_some() { SET } else { DELETE })
            .with_value(change.value.as_deref().map(text))
    };
    let resource = |(topic, changes): &(TopicName, Vec<ConfigChange>)| {
        AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(text(topic.as_str()))
            .with_configs(changes.iter().map(config).collect())
    };
    let resources = changes.iter().map(resource).collect();
    let request = m::IncrementalAlterConfigsRequest::default().with_resources(resources);
    let answer = connection.call(&request, patience).await?;
    let found: HashMap<&str, _> =
        answer.responses.iter().map(|result| (result.resource_name.as_str(), result)).collect();
    let read = |(topic, _): &(TopicName, Vec<ConfigChange>)| {
        let result = found.get(topic.as_str());
        let missing = || ClusterError::Unanswered { api: ALTER, subject: Subject::Topic(topic.clone()) };
        let result = result.ok_or_else(missing)?;
        judge_topic(ALTER, result.error_code, topic, result.error_message.as_ref(), attempt)
    };
    Ok(changes.iter().map(read).collect())
}
