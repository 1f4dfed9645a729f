//! `DescribeClientQuotas` and `AlterClientQuotas` v0 to v1 (2.6+).

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::alter_client_quotas_request as alter_request;

use super::{judge, text};
use crate::cluster::ask::{Answered, Manner, Whom};
use crate::cluster::{Cluster, ClusterError, Each, Subject};
use crate::model::{ClientQuota, QuotaEntity, QuotaPart, QuotaValue};
use crate::net::Connection;

const DESCRIBE: &str = "DescribeClientQuotas";
const ALTER: &str = "AlterClientQuotas";
/// Entities in one request.
const CHUNK: usize = 500;

/// Limits to set for some clients.
type Change = (QuotaEntity, Vec<ClientQuota>);

impl Cluster {
    /// All limits of all clients, ascending.
    pub async fn describe_quotas(&self) -> Result<Vec<ClientQuota>, ClusterError> {
        let manner = Manner { whom: Whom::Any, chunk: 1, once: false };
        let patience = self.patience();
        let told = self.ask_many(manner, vec![()], |connection, _, _| describe(connection, patience)).await;
        let missing = || ClusterError::Unanswered { api: DESCRIBE, subject: Subject::Request };
        told.into_iter().next().ok_or_else(missing)?.1
    }

    /// Sets limits, leaving the others as they are. A broker takes all limits of an entity or none.
    pub async fn alter_quotas(&self, quotas: Vec<ClientQuota>) -> Each<QuotaEntity, ()> {
        let mut changes: Vec<Change> = Vec::new();
        for quota in quotas {
            match changes.last_mut().filter(|(entity, _)| *entity == quota.entity) {
                Some((_, limits)) => limits.push(quota),
                None => changes.push((quota.entity.clone(), vec![quota])),
            }
        }
        let manner = Manner { whom: Whom::Controller, chunk: CHUNK, once: false };
        let patience = self.patience();
        let altered =
            self.ask_many(manner, changes, |connection, changes, _| alter(connection, changes, patience)).await;
        altered.into_iter().map(|((entity, _), result)| (entity, result)).collect()
    }
}

async fn describe(connection: Connection, patience: Duration) -> Answered<Vec<ClientQuota>> {
    // Without components every entity is described.
    let request = m::DescribeClientQuotasRequest::default();
    let answer = connection.call(&request, patience).await?;
    let read = || {
        judge(DESCRIBE, answer.error_code, || Subject::Request, answer.error_message.as_ref())?;
        let mut quotas = Vec::new();
        for entry in answer.entries.iter().flatten() {
            let part = |part: &m::describe_client_quotas_response::EntityData| QuotaPart {
                kind: part.entity_type.to_string(),
                name: part.entity_name.as_ref().map(ToString::to_string),
            };
            let entity = entity(entry.entity.iter().map(part));
            quotas.extend(entry.values.iter().map(|value| ClientQuota {
                entity: entity.clone(),
                name: value.key.to_string(),
                value: QuotaValue(value.value),
            }));
        }
        quotas.sort_unstable();
        Ok(quotas)
    };
    Ok(vec![read()])
}

fn entity(parts: impl Iterator<Item = QuotaPart>) -> QuotaEntity {
    let mut parts: Vec<QuotaPart> = parts.collect();
    parts.sort_unstable();
    QuotaEntity(parts)
}

async fn alter(connection: Connection, changes: Vec<Change>, patience: Duration) -> Answered<()> {
    let part = |part: &QuotaPart| {
        alter_request::EntityData::default()
            .with_entity_type(text(&part.kind))
            .with_entity_name(part.name.as_deref().map(text))
    };
    let limit = |quota: &ClientQuota| {
        alter_request::OpData::default().with_key(text(&quota.name)).with_value(quota.value.0).with_remove(false)
    };
    let entry = |(entity, limits): &Change| {
        alter_request::EntryData::default()
            .with_entity(entity.0.iter().map(part).collect())
            .with_ops(limits.iter().map(limit).collect())
    };
    let request = m::AlterClientQuotasRequest::default().with_entries(changes.iter().map(entry).collect());
    let answer = connection.call(&request, patience).await?;
    let named = |entry: &m::alter_client_quotas_response::EntryData| {
        let part = |part: &m::alter_client_quotas_response::EntityData| QuotaPart {
            kind: part.entity_type.to_string(),
            name: part.entity_name.as_ref().map(ToString::to_string),
        };
        (entity(entry.entity.iter().map(part)), (entry.error_code, entry.error_message.clone()))
    };
    let found: HashMap<QuotaEntity, _> = answer.entries.iter().map(named).collect();
    let read = |(entity, _): &Change| {
        let missing = || ClusterError::Unanswered { api: ALTER, subject: Subject::Request };
        let (code, message) = found.get(entity).ok_or_else(missing)?;
        judge(ALTER, *code, || Subject::Request, message.as_ref())
    };
    Ok(changes.iter().map(read).collect())
}
