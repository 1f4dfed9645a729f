//! `AlterConfigs` v0 to v2, for brokers before 2.3: what a request does not name is no longer set afterwards, so that all
//! that is to stay is read first and sent along. Somebody else's change in between is lost.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};

use super::configs::{TOPIC, describe_topics};
use super::{judge_topic, text};
use crate::cluster::ask::Answered;
use crate::cluster::{ClusterError, ConfigChange, Subject, TopicConfig};
use crate::model::TopicName;
use crate::net::Connection;
use crate::retry::Attempt;

const ALTER: &str = "AlterConfigs";

/// Changes settings of topics and sends the others along as they are.
pub(super) async fn alter(
    connection: Connection,
    changes: Vec<(TopicName, Vec<ConfigChange>)>,
    attempt: Attempt,
    patience: Duration,
) -> Answered<()> {
    let topics: Vec<TopicName> = changes.iter().map(|(topic, _)| topic.clone()).collect();
    let described = describe_topics(connection.clone(), topics, attempt, patience).await?;
    let mut resources = Vec::with_capacity(changes.len());
    for ((topic, changes), now) in changes.iter().zip(&described) {
        if let Ok(now) = now {
            resources.push(resource(topic, &merged(now, changes)));
        }
    }
    let request = m::AlterConfigsRequest::default().with_resources(resources);
    let answer = connection.call(&request, patience).await?;
    let found: HashMap<&str, _> =
        answer.responses.iter().map(|result| (result.resource_name.as_str(), result)).collect();
    let read = |(topic, now): (&TopicName, Result<Vec<TopicConfig>, ClusterError>)| {
        now?;
        let missing = || ClusterError::Unanswered { api: ALTER, subject: Subject::Topic(topic.clone()) };
        let result = found.get(topic.as_str()).ok_or_else(missing)?;
        judge_topic(ALTER, result.error_code, topic, result.error_message.as_ref(), attempt)
    };
    Ok(changes.iter().map(|(topic, _)| topic).zip(described).map(read).collect())
}

fn resource(topic: &TopicName, configs: &[(String, String)]) -> AlterConfigsResource {
    let config = |(name, value): &(String, String)| {
        AlterableConfig::default().with_name(text(name)).with_value(Some(text(value)))
    };
    AlterConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(topic.as_str()))
        .with_configs(configs.iter().map(config).collect())
}

/// All that is to be set on the topic itself. Topics have no secret settings, so every value is known.
fn merged(now: &[TopicConfig], changes: &[ConfigChange]) -> Vec<(String, String)> {
    let is_named = |name: &str| changes.iter().any(|change| change.name == name);
    let kept = now.iter().filter(|config| config.set_on_topic && !is_named(&config.name));
    let kept = kept.filter_map(|config| Some((config.name.clone(), config.value.clone()?)));
    let set = changes.iter().filter_map(|change| Some((change.name.clone(), change.value.clone()?)));
    kept.chain(set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_stays() {
        let now = |name: &str, set_on_topic| TopicConfig {
            name: name.to_owned(),
            value: Some("old".to_owned()),
            set_on_topic,
            sensitive: false,
        };
        let change =
            |name: &str, value: Option<&str>| ConfigChange { name: name.to_owned(), value: value.map(str::to_owned) };
        let now = [now("kept", true), now("default", false), now("changed", true), now("removed", true)];
        let changes = [change("changed", Some("new")), change("removed", None), change("more", Some("new"))];
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(merged(&now, &changes), [pair("kept", "old"), pair("changed", "new"), pair("more", "new")]);
    }
}
