//! `DescribeAcls` and `CreateAcls` v0 to v3.

use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::messages::create_acls_request::AclCreation;

use super::{judge, text};
use crate::cluster::ask::{Answered, Manner, Whom};
use crate::cluster::{Cluster, ClusterError, Each, Subject};
use crate::model::{Acl, AclOperation, PatternType, Permission, ResourceType};
use crate::net::Connection;
use crate::wire::Exchange;

const DESCRIBE: &str = "DescribeAcls";
const CREATE: &str = "CreateAcls";
/// What stands for every type, pattern, operation and permission in a filter (Kafka class `AclOperation`).
const ANY: i8 = 1;
/// Rules in one request; a controller takes 10,000 at a time (Kafka class `AclControlManager`).
const CHUNK: usize = 500;

impl Cluster {
    /// All rules of the authorizer, ascending. A cluster without one answers `SECURITY_DISABLED`.
    pub async fn describe_acls(&self) -> Result<Vec<Acl>, ClusterError> {
        let manner = Manner { whom: Whom::Any, chunk: 1, once: false };
        let patience = self.patience();
        let told = self.ask_many(manner, vec![()], |connection, _, _| describe(connection, patience)).await;
        let missing = || ClusterError::Unanswered { api: DESCRIBE, subject: Subject::Request };
        told.into_iter().next().ok_or_else(missing)?.1
    }

    /// Adds rules. One that is there already stays as it is.
    pub async fn create_acls(&self, acls: Vec<Acl>) -> Each<Acl, ()> {
        let manner = Manner { whom: Whom::Controller, chunk: CHUNK, once: false };
        let patience = self.patience();
        self.ask_many(manner, acls, |connection, acls, _| create(connection, acls, patience)).await
    }
}

async fn describe(connection: Connection, patience: Duration) -> Answered<Vec<Acl>> {
    let request = m::DescribeAclsRequest::default()
        .with_resource_type_filter(ANY)
        .with_resource_name_filter(None)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_pattern_type_filter(ANY)
        .with_operation(ANY)
        .with_permission_type(ANY);
    let answer = connection.call(&request, patience).await?;
    let read = || {
        judge(DESCRIBE, answer.error_code, || Subject::Request, answer.error_message.as_ref())?;
        let rules = answer.resources.iter().flat_map(|resource| {
            resource.acls.iter().map(|acl| Acl {
                permission: Permission(acl.permission_type),
                principal: acl.principal.to_string(),
                operation: AclOperation(acl.operation),
                resource_type: ResourceType(resource.resource_type),
                resource_name: resource.resource_name.to_string(),
                pattern_type: PatternType(resource.pattern_type),
                host: acl.host.to_string(),
            })
        });
        let mut rules: Vec<Acl> = rules.collect();
        rules.sort_unstable();
        rules.dedup();
        Ok(rules)
    };
    Ok(vec![read()])
}

async fn create(connection: Connection, acls: Vec<Acl>, patience: Duration) -> Answered<()> {
    let creation = |acl: &Acl| {
        AclCreation::default()
            .with_resource_type(acl.resource_type.0)
            .with_resource_name(text(&acl.resource_name))
            .with_resource_pattern_type(acl.pattern_type.0)
            .with_principal(text(&acl.principal))
            .with_host(text(&acl.host))
            .with_operation(acl.operation.0)
            .with_permission_type(acl.permission.0)
    };
    // Brokers before 2.0 know names as they are and no prefixes.
    let prefixes = connection.versions().has(&m::CreateAclsRequest::API, 1);
    let spoken = |acl: &&Acl| prefixes || acl.pattern_type == PatternType::LITERAL;
    let creations: Vec<AclCreation> = acls.iter().filter(spoken).map(creation).collect();
    let asked = !creations.is_empty();
    let request = m::CreateAclsRequest::default().with_creations(creations);
    let answer = if asked { connection.call(&request, patience).await? } else { m::CreateAclsResponse::default() };
    // Results stand in the order of the request.
    let mut results = answer.results.iter();
    let read = |acl: &Acl| {
        if !spoken(&acl) {
            return Err(ClusterError::Unsupported { what: "prefixed ACLs (2.0+)" });
        }
        let missing = || ClusterError::Unanswered { api: CREATE, subject: Subject::Request };
        let result = results.next().ok_or_else(missing)?;
        judge(CREATE, result.error_code, || Subject::Request, result.error_message.as_ref())
    };
    Ok(acls.iter().map(read).collect())
}
