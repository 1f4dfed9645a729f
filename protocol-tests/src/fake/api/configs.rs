//! `DescribeConfigs`, `IncrementalAlterConfigs` and `AlterConfigs`.

use std::collections::BTreeMap;

use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse as Altered;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse as Incremented;
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{ALTER_CONFIGS, At, CLUSTER, Call, DESCRIBE_CONFIGS, GROUP, may, text};
use crate::fake::code;
use crate::fake::settings::{known, refused};
use crate::fake::state::State;

/// Resource types (Kafka class `ConfigResource`).
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const OF_METRICS: i8 = 16;
const OF_GROUP: i8 = 32;
/// Sources (Kafka class `DescribeConfigsResponse`).
const ON_TOPIC: i8 = 1;
const ON_BROKER: i8 = 2;
const ON_ALL_BROKERS: i8 = 3;
const DEFAULT: i8 = 5;
const ON_METRICS: i8 = 7;
const ON_GROUP: i8 = 8;
/// Operations (Kafka class `AlterConfigOp`).
const SET: i8 = 0;

impl Call for DescribeConfigsRequest {
    type Answer = DescribeConfigsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let refuse = at.refuse;
        let one = |state: &State, resource: &DescribeConfigsResource| {
            let answer = describe(state, resource);
            if let Some(code) = refuse { answer.with_error_code(code).with_configs(Vec::new()) } else { answer }
        };
        let results = at.shared.with(|state| self.resources.iter().map(|resource| one(state, resource)).collect());
        DescribeConfigsResponse::default().with_throttle_time_ms(at.throttle).with_results(results)
    }
}

fn describe(state: &State, resource: &DescribeConfigsResource) -> DescribeConfigsResult {
    let name = resource.resource_name.as_str();
    let wanted = |config: &DescribeConfigsResourceResult| {
        resource.configuration_keys.as_ref().is_none_or(|keys| keys.contains(&config.name))
    };
    let answer = DescribeConfigsResult::default()
        .with_resource_type(resource.resource_type)
        .with_resource_name(resource.resource_name.clone());
    let configs = match resource.resource_type {
        TOPIC => match state.topics.get(name) {
            Some(topic) => of_topic(state, &topic.configs),
            None => return answer.with_error_code(code::UNKNOWN_TOPIC_OR_PARTITION),
        },
        BROKER => match may(state, CLUSTER, DESCRIBE_CONFIGS) {
            Ok(()) => of_broker(state, name),
            Err(code) => return answer.with_error_code(code),
        },
        OF_GROUP => match may(state, GROUP, DESCRIBE_CONFIGS) {
            Ok(()) => own(state, resource.resource_type, name, ON_GROUP),
            Err(code) => return answer.with_error_code(code),
        },
        kind => own(state, kind, name, ON_METRICS),
    };
    answer.with_configs(configs.into_iter().filter(wanted).collect())
}

fn one(name: &str, value: &str, source: i8) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult::default()
        .with_name(text(name))
        .with_value(Some(text(value)))
        .with_config_source(source)
}

/// What is set on a group or on client metrics.
fn own(state: &State, kind: i8, name: &str, source: i8) -> Vec<DescribeConfigsResourceResult> {
    let set = state.own_configs.get(&(kind, name.to_owned())).into_iter().flatten();
    set.map(|(name, value)| one(name, value, source)).collect()
}

fn of_topic(state: &State, set: &BTreeMap<String, String>) -> Vec<DescribeConfigsResourceResult> {
    let shown = |(name, default): (&'static str, &'static str)| match set.get(name) {
        Some(value) => one(name, value, ON_TOPIC),
        None => one(name, default, DEFAULT),
    };
    known(state.release).map(shown).collect()
}

fn of_broker(state: &State, node: &str) -> Vec<DescribeConfigsResourceResult> {
    let own = state.broker_configs.get(node).into_iter().flatten().map(|(name, value)| one(name, value, ON_BROKER));
    let common = state.broker_configs.get("").into_iter().flatten();
    let common = common.map(|(name, value)| one(name, value, ON_ALL_BROKERS));
    if node.is_empty() {
        return common.collect();
    }
    let mut all: BTreeMap<String, DescribeConfigsResourceResult> = BTreeMap::new();
    let fixed = [
        ("offsets.retention.minutes", "10080"),
        ("auto.create.topics.enable", "true"),
        ("offset.metadata.max.bytes", "4096"),
        ("message.max.bytes", "1048588"),
        ("transactional.id.expiration.ms", "604800000"),
        ("producer.id.expiration.ms", "86400000"),
        ("log.retention.ms", "604800000"),
        ("delete.topic.enable", "true"),
    ];
    let fixed = fixed.into_iter().map(|(name, value)| one(name, value, DEFAULT));
    for config in fixed.chain(common).chain(own) {
        all.insert(config.name.to_string(), config);
    }
    all.into_values().collect()
}

/// A name, the operation and a value.
type Change<'a> = (&'a str, i8, Option<&'a str>);

fn alter(
    state: &mut State,
    kind: i8,
    name: &str,
    changes: &[Change<'_>],
    only_check: bool,
) -> Result<(), (i16, String)> {
    let release = state.release;
    let configs = match kind {
        TOPIC => {
            let bad = changes.iter().find_map(|(name, _, value)| refused(release, name, (*value)?));
            if let Some(words) = bad {
                return Err((code::INVALID_CONFIG, words));
            }
            let found = state.topics.get_mut(name).map(|topic| &mut topic.configs);
            found.ok_or_else(|| (code::UNKNOWN_TOPIC_OR_PARTITION, format!("no topic {name}")))?
        }
        BROKER => state.broker_configs.entry(name.to_owned()).or_default(),
        OF_METRICS => state.own_configs.entry((kind, name.to_owned())).or_default(),
        OF_GROUP => {
            may(state, GROUP, ALTER_CONFIGS).map_err(|code| (code, "not allowed".to_owned()))?;
            state.own_configs.entry((kind, name.to_owned())).or_default()
        }
        _ => return Err((code::INVALID_REQUEST, "no such resource here".to_owned())),
    };
    for (name, operation, value) in changes.iter().filter(|_| !only_check) {
        match value {
            Some(value) if *operation == SET => drop(configs.insert((*name).to_owned(), (*value).to_owned())),
            _ => drop(configs.remove(*name)),
        }
    }
    Ok(())
}

/// Error code and words of an answer.
fn outcome(done: Result<(), (i16, String)>) -> (i16, Option<StrBytes>) {
    match done {
        Ok(()) => (code::NONE, None),
        Err((code, words)) => (code, Some(text(&words))),
    }
}

impl Call for IncrementalAlterConfigsRequest {
    type Answer = IncrementalAlterConfigsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let responses = at.shared.with(|state| {
            let one = |resource: &kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource| {
                let changes: Vec<Change<'_>> = resource
                    .configs
                    .iter()
                    .map(|config| (config.name.as_str(), config.config_operation, config.value.as_deref()))
                    .collect();
                let name = resource.resource_name.as_str();
                let done = alter(state, resource.resource_type, name, &changes, self.validate_only);
                let answer = Incremented::default()
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(resource.resource_name.clone());
                let (code, words) = outcome(done);
                answer.with_error_code(code).with_error_message(words)
            };
            self.resources.iter().map(one).collect()
        });
        IncrementalAlterConfigsResponse::default().with_throttle_time_ms(at.throttle).with_responses(responses)
    }
}

impl Call for AlterConfigsRequest {
    type Answer = AlterConfigsResponse;

    /// Replaces everything that was set.
    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let responses = at.shared.with(|state| {
            let one = |resource: &kafka_protocol::messages::alter_configs_request::AlterConfigsResource| {
                let name = resource.resource_name.as_str();
                let before = match resource.resource_type {
                    TOPIC => state.topics.get(name).map(|topic| topic.configs.clone()),
                    _ => state.broker_configs.get(name).cloned(),
                };
                let before = before.unwrap_or_default();
                let gone = before.keys().map(|name| (name.as_str(), 1, None));
                let set = resource.configs.iter().map(|config| (config.name.as_str(), SET, config.value.as_deref()));
                let changes: Vec<Change<'_>> = gone.chain(set).collect();
                let done = alter(state, resource.resource_type, name, &changes, self.validate_only);
                let answer = Altered::default()
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(resource.resource_name.clone());
                let (code, words) = outcome(done);
                answer.with_error_code(code).with_error_message(words)
            };
            self.resources.iter().map(one).collect()
        });
        AlterConfigsResponse::default().with_throttle_time_ms(at.throttle).with_responses(responses)
    }
}
