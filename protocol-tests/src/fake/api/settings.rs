//! What belongs to no topic: ACLs, quotas, SCRAM credentials, settings with a name of their own.

use std::collections::BTreeMap;

use kafka_protocol::messages as m;
use kafka_protocol::messages::alter_client_quotas_response as altered;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};
use kafka_protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use kafka_protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
use kafka_protocol::messages::list_config_resources_response::ConfigResource;

use super::{ALTER, ALTER_CONFIGS, At, CLUSTER, Call, DESCRIBE, DESCRIBE_CONFIGS, may, text};
use crate::fake::code;
use crate::fake::state::{Acl, Entity, Quota};

impl Call for m::DescribeAclsRequest {
    type Answer = m::DescribeAclsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let answer = m::DescribeAclsResponse::default().with_throttle_time_ms(at.throttle);
        at.shared.with(|state| match &state.acls {
            _ if may(state, CLUSTER, DESCRIBE).is_err() => answer.with_error_code(code::CLUSTER_AUTHORIZATION_FAILED),
            None => answer.with_error_code(code::SECURITY_DISABLED),
            Some(rules) => {
                let one = |rule: &Acl| {
                    let acl = AclDescription::default()
                        .with_principal(text(&rule.principal))
                        .with_host(text(&rule.host))
                        .with_operation(rule.operation)
                        .with_permission_type(rule.permission);
                    DescribeAclsResource::default()
                        .with_resource_type(rule.resource_type)
                        .with_resource_name(text(&rule.resource_name))
                        .with_pattern_type(rule.pattern_type)
                        .with_acls(vec![acl])
                };
                answer.with_resources(rules.iter().map(one).collect())
            }
        })
    }
}

impl Call for m::CreateAclsRequest {
    type Answer = m::CreateAclsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let results = at.shared.with(|state| {
            let forbidden = may(state, CLUSTER, ALTER).err();
            let one = |asked: &kafka_protocol::messages::create_acls_request::AclCreation| {
                // There is one cluster, and it has one name (Kafka class `AclApis`).
                let wrong = asked.resource_type == CLUSTER && asked.resource_name.as_str() != "kafka-cluster";
                if let Some(code) = forbidden.or(wrong.then_some(code::INVALID_REQUEST)) {
                    return AclCreationResult::default().with_error_code(code);
                }
                let Some(rules) = &mut state.acls else {
                    return AclCreationResult::default().with_error_code(code::SECURITY_DISABLED);
                };
                let rule = Acl {
                    resource_type: asked.resource_type,
                    resource_name: asked.resource_name.to_string(),
                    pattern_type: asked.resource_pattern_type,
                    principal: asked.principal.to_string(),
                    host: asked.host.to_string(),
                    operation: asked.operation,
                    permission: asked.permission_type,
                };
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
                AclCreationResult::default()
            };
            self.creations.iter().map(one).collect()
        });
        m::CreateAclsResponse::default().with_throttle_time_ms(at.throttle).with_results(results)
    }
}

impl Call for m::DescribeClientQuotasRequest {
    type Answer = m::DescribeClientQuotasResponse;

    /// All of them: filters are not looked at.
    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        if let Err(code) = at.shared.with(|state| may(state, CLUSTER, DESCRIBE_CONFIGS)) {
            return m::DescribeClientQuotasResponse::default().with_error_code(code).with_entries(None);
        }
        let entries = at.shared.with(|state| {
            let part = |(kind, name): &(String, Option<String>)| {
                EntityData::default().with_entity_type(text(kind)).with_entity_name(name.as_deref().map(text))
            };
            let value = |(key, value): (&String, &f64)| ValueData::default().with_key(text(key)).with_value(*value);
            let one = |(entity, values): &Quota| {
                EntryData::default()
                    .with_entity(entity.iter().map(part).collect())
                    .with_values(values.iter().map(value).collect())
            };
            state.quotas.iter().map(one).collect()
        });
        m::DescribeClientQuotasResponse::default().with_throttle_time_ms(at.throttle).with_entries(Some(entries))
    }
}

impl Call for m::AlterClientQuotasRequest {
    type Answer = m::AlterClientQuotasResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let entries = at.shared.with(|state| {
            let forbidden = may(state, CLUSTER, ALTER_CONFIGS).err();
            let one = |entry: &kafka_protocol::messages::alter_client_quotas_request::EntryData| {
                let part = |part: &kafka_protocol::messages::alter_client_quotas_request::EntityData| {
                    altered::EntityData::default()
                        .with_entity_type(part.entity_type.clone())
                        .with_entity_name(part.entity_name.clone())
                };
                let answer = altered::EntryData::default().with_entity(entry.entity.iter().map(part).collect());
                if let Some(code) = forbidden {
                    return answer.with_error_code(code);
                }
                let entity: Entity = entry
                    .entity
                    .iter()
                    .map(|part| (part.entity_type.to_string(), part.entity_name.as_ref().map(ToString::to_string)))
                    .collect();
                let known = state.quotas.iter().position(|(known, _)| *known == entity).unwrap_or_else(|| {
                    state.quotas.push((entity, BTreeMap::new()));
                    state.quotas.len() - 1
                });
                if let (Some((_, values)), false) = (state.quotas.get_mut(known), self.validate_only) {
                    for change in &entry.ops {
                        if change.remove {
                            values.remove(change.key.as_str());
                        } else {
                            values.insert(change.key.to_string(), change.value);
                        }
                    }
                }
                answer
            };
            self.entries.iter().map(one).collect()
        });
        m::AlterClientQuotasResponse::default().with_throttle_time_ms(at.throttle).with_entries(entries)
    }
}

impl Call for m::DescribeUserScramCredentialsRequest {
    type Answer = m::DescribeUserScramCredentialsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let results = at.shared.with(|state| {
            let info = |(mechanism, iterations): &(i8, i32)| {
                CredentialInfo::default().with_mechanism(*mechanism).with_iterations(*iterations)
            };
            let one = |(user, known): (&String, &Vec<(i8, i32)>)| {
                DescribeUserScramCredentialsResult::default()
                    .with_user(text(user))
                    .with_credential_infos(known.iter().map(info).collect())
            };
            state.scram.iter().map(one).collect()
        });
        m::DescribeUserScramCredentialsResponse::default().with_throttle_time_ms(at.throttle).with_results(results)
    }
}

impl Call for m::ListConfigResourcesRequest {
    type Answer = m::ListConfigResourcesResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let wanted = if at.version == 0 { &[16][..] } else { &self.resource_types };
        let listed = at.shared.with(|state| {
            let names = state.own_configs.keys().filter(|(kind, _)| wanted.contains(kind));
            let one = |(kind, name): &(i8, String)| {
                ConfigResource::default().with_resource_name(text(name)).with_resource_type(*kind)
            };
            names.map(one).collect()
        });
        m::ListConfigResourcesResponse::default().with_throttle_time_ms(at.throttle).with_config_resources(listed)
    }
}
