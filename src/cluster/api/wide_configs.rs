//! Settings that belong to no topic: the brokers' cluster-wide defaults, consumer groups', client metrics'.
//! `DescribeConfigs` v0 to v4, `IncrementalAlterConfigs` v0 to v1, `ListConfigResources` v0 to v1 (v0 lists client
//! metrics only, 3.7+; v1 is 4.1+).

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};

use super::{judge, text};
use crate::cluster::ask::{Answered, Manner, Whom};
use crate::cluster::{Cluster, ClusterError, ConfigScope, Each, Features, ScopedConfig, Subject};
use crate::net::Connection;
use crate::wire::Exchange;

const DESCRIBE: &str = "DescribeConfigs";
const ALTER: &str = "IncrementalAlterConfigs";
const LIST: &str = "ListConfigResources";
/// Resource types (Kafka class `ConfigResource`).
const BROKER: i8 = 4;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;
/// Sources (Kafka class `DescribeConfigsResponse`): set for all brokers, for a client metrics subscription, for a group.
const SET_FOR_ALL_BROKERS: i8 = 3;
const SET_FOR_CLIENT_METRICS: i8 = 7;
const SET_FOR_GROUP: i8 = 8;
/// Operation (Kafka class `AlterConfigOp`).
const SET: i8 = 0;
/// Resources in one request.
const CHUNK: usize = 500;

/// One setting to make.
type Change = (ConfigScope, ScopedConfig);

impl Cluster {
    /// Groups and client metrics subscriptions that have settings of their own, ascending; `None` for groups where
    /// brokers cannot list them.
    pub async fn list_config_scopes(&self) -> Result<(Option<Vec<ConfigScope>>, Vec<ConfigScope>), ClusterError> {
        let manner = Manner { whom: Whom::Any, chunk: 1, once: false };
        let patience = self.patience();
        let told = self.ask_many(manner, vec![()], |connection, _, _| list(connection, patience)).await;
        let missing = || ClusterError::Unanswered { api: LIST, subject: Subject::Request };
        told.into_iter().next().ok_or_else(missing)?.1
    }

    /// What is set in each scope itself, ascending by name; defaults are left away.
    pub async fn describe_scopes(&self, scopes: Vec<ConfigScope>) -> Each<ConfigScope, Vec<ScopedConfig>> {
        let manner = Manner { whom: Whom::Any, chunk: CHUNK, once: false };
        let patience = self.patience();
        self.ask_many(manner, scopes, |connection, scopes, _| describe(connection, scopes, patience)).await
    }

    /// Sets settings, each on its own: one that is refused keeps none of the others from being made.
    pub async fn set_scoped_configs(&self, changes: Vec<Change>) -> Each<Change, ()> {
        let manner = Manner { whom: Whom::Controller, chunk: 1, once: false };
        let patience = self.patience();
        self.ask_many(manner, changes, |connection, changes, _| set(connection, changes, patience)).await
    }
}

/// Type and name on the wire.
fn resource(scope: &ConfigScope) -> (i8, &str) {
    match scope {
        ConfigScope::AllBrokers => (BROKER, ""),
        ConfigScope::Group(id) => (GROUP, id.as_str()),
        ConfigScope::ClientMetrics(name) => (CLIENT_METRICS, name),
    }
}

fn source(scope: &ConfigScope) -> i8 {
    match scope {
        ConfigScope::AllBrokers => SET_FOR_ALL_BROKERS,
        ConfigScope::Group(_) => SET_FOR_GROUP,
        ConfigScope::ClientMetrics(_) => SET_FOR_CLIENT_METRICS,
    }
}

async fn list(connection: Connection, patience: Duration) -> Answered<(Option<Vec<ConfigScope>>, Vec<ConfigScope>)> {
    let with_groups = connection.versions().has(&m::ListConfigResourcesRequest::API, 1);
    if !connection.versions().has(&m::ListConfigResourcesRequest::API, 0) {
        return Ok(vec![Ok((None, Vec::new()))]);
    }
    let mut request = m::ListConfigResourcesRequest::default();
    if with_groups {
        request = request.with_resource_types(vec![CLIENT_METRICS, GROUP]);
    }
    let answer = connection.call(&request, patience).await?;
    let read = || {
        judge(LIST, answer.error_code, || Subject::Request, None)?;
        let (mut groups, mut metrics) = (Vec::new(), Vec::new());
        for one in &answer.config_resources {
            let name = one.resource_name.to_string();
            match one.resource_type {
                GROUP if with_groups => groups.push(ConfigScope::Group(crate::model::GroupId::new(name))),
                CLIENT_METRICS => metrics.push(ConfigScope::ClientMetrics(name)),
                _ => {}
            }
        }
        groups.sort_unstable();
        metrics.sort_unstable();
        Ok((with_groups.then_some(groups), metrics))
    };
    Ok(vec![read()])
}

/// Brokers without settings of groups do not say so: those of 0.11 answer as if nothing had been asked.
async fn describe(connection: Connection, scopes: Vec<ConfigScope>, patience: Duration) -> Answered<Vec<ScopedConfig>> {
    let knows_groups = Features::of(connection.versions()).group_configs;
    let known = |scope: &&ConfigScope| knows_groups || !matches!(scope, ConfigScope::Group(_));
    let asked = |scope: &ConfigScope| {
        let (kind, name) = resource(scope);
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(None)
    };
    let resources: Vec<DescribeConfigsResource> = scopes.iter().filter(known).map(asked).collect();
    let answer = if resources.is_empty() {
        m::DescribeConfigsResponse::default()
    } else {
        connection.call(&m::DescribeConfigsRequest::default().with_resources(resources), patience).await?
    };
    let found: HashMap<(i8, &str), _> =
        answer.results.iter().map(|result| ((result.resource_type, result.resource_name.as_str()), result)).collect();
    let read = |scope: &ConfigScope| {
        if !known(&scope) {
            return Err(ClusterError::Unsupported { what: "settings of groups (3.8+)" });
        }
        let missing = || ClusterError::Unanswered { api: DESCRIBE, subject: subject(scope) };
        let result = found.get(&resource(scope)).ok_or_else(missing)?;
        judge(DESCRIBE, result.error_code, || subject(scope), result.error_message.as_ref())?;
        let own = result.configs.iter().filter(|config| config.config_source == source(scope));
        let mut configs: Vec<ScopedConfig> = own
            .map(|config| ScopedConfig {
                name: config.name.to_string(),
                value: config.value.as_ref().filter(|_| !config.is_sensitive).map(ToString::to_string),
            })
            .collect();
        configs.sort_unstable();
        Ok(configs)
    };
    Ok(scopes.iter().map(read).collect())
}

async fn set(connection: Connection, changes: Vec<Change>, patience: Duration) -> Answered<()> {
    let asked = |(scope, config): &Change| {
        let (kind, name) = resource(scope);
        let config = AlterableConfig::default()
            .with_name(text(&config.name))
            .with_config_operation(SET)
            .with_value(config.value.as_deref().map(text));
        AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(vec![config])
    };
    let request = m::IncrementalAlterConfigsRequest::default().with_resources(changes.iter().map(asked).collect());
    let answer = connection.call(&request, patience).await?;
    let mut results = answer.responses.iter();
    let read = |(scope, _): &Change| {
        let missing = || ClusterError::Unanswered { api: ALTER, subject: subject(scope) };
        let result = results.next().ok_or_else(missing)?;
        judge(ALTER, result.error_code, || subject(scope), result.error_message.as_ref())
    };
    Ok(changes.iter().map(read).collect())
}

fn subject(scope: &ConfigScope) -> Subject {
    match scope {
        ConfigScope::Group(id) => Subject::Group(id.clone()),
        ConfigScope::AllBrokers | ConfigScope::ClientMetrics(_) => Subject::Request,
    }
}
