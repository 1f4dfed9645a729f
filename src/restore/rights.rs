//! What this client must be allowed on the target, and how it goes on where it may not know the brokers' settings.

use super::error::RestoreError;
use super::limits::{Limits, TimeLimits};
use super::plan::RestorePlan;
use super::target;
use crate::cluster::{Cluster, ClusterError, ErrorCode, Metadata, Operation};
use crate::model::TopicName;

/// What is done to every topic: records are written, read back and compared, and the settings put back at the end.
const NEEDED: [Operation; 3] = [Operation::Write, Operation::Read, Operation::AlterConfigs];
/// Topics that are named; more are counted.
const NAMED: usize = 10;

/// Looks for rights that are lacking before anything is changed. Whether a topic may be created the target says when it
/// is asked to check that. Brokers before 2.3 do not tell.
pub(super) async fn check(cluster: &Cluster, plan: &RestorePlan) -> Result<(), RestoreError> {
    let topics: Vec<TopicName> = plan.topics.iter().map(|topic| topic.target.clone()).collect();
    let mut lacking = Vec::new();
    for (name, answer) in cluster.topic_rights(&topics).await {
        let rights = answer?;
        let allowed = |one: &Operation| !rights.hidden && rights.operations.is_none_or(|all| all.allow(*one));
        let missing: Vec<String> = NEEDED.iter().filter(|one| !allowed(one)).map(ToString::to_string).collect();
        if !missing.is_empty() {
            lacking.push(format!("{} on topic {name}", missing.join(", ")));
        }
    }
    if lacking.is_empty() {
        return Ok(());
    }
    let more = lacking.len().saturating_sub(NAMED);
    lacking.truncate(NAMED);
    if more > 0 {
        lacking.push(format!("and the same on {more} more"));
    }
    Err(RestoreError::Rights(lacking))
}

/// What the brokers say of themselves; `None` if this client may not know.
pub(super) async fn broker_limits(cluster: &Cluster, metadata: &Metadata) -> Result<Option<Limits>, RestoreError> {
    let mut brokers = Vec::new();
    for node in metadata.brokers.keys() {
        match cluster.describe_broker_configs(*node).await {
            Ok(configs) => brokers.push(configs),
            Err(error) if error.code().is_some_and(ErrorCode::is_authorization) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(Limits::of_brokers(brokers.iter().map(Vec::as_slice))))
}

/// What is assumed instead, and said in the plan. Which settings limit times is found out by asking.
pub(super) async fn assumed_limits(cluster: &Cluster, plan: &mut RestorePlan) -> Result<Limits, RestoreError> {
    plan.notes.push(
        "the brokers' settings are not shown to this client, which needs DescribeConfigs on the cluster for that: Kafka's \
         defaults are assumed for retention and min.insync.replicas; whether batches fit into socket.request.max.bytes and \
         metadata into offset.metadata.max.bytes, and after how long positions are forgotten \
         (offsets.retention.minutes), is not checked"
            .to_owned(),
    );
    for times in [TimeLimits::BeforeAndAfter, TimeLimits::Difference] {
        if knows(cluster, plan, Limits::assumed(times)).await? {
            return Ok(Limits::assumed(times));
        }
    }
    Ok(Limits::assumed(TimeLimits::None))
}

/// Whether the target knows the settings that would be lifted: an existing topic has them, an absent one could be
/// created with them.
async fn knows(cluster: &Cluster, plan: &mut RestorePlan, limits: Limits) -> Result<bool, RestoreError> {
    let existing = plan.topics.iter().find(|topic| topic.exists).map(|topic| topic.target.clone());
    if let Some(name) = existing {
        let mut known = Vec::new();
        for (_, answer) in cluster.describe_topic_configs(&[name]).await {
            known.extend(answer?);
        }
        return Ok(limits.lifted().iter().all(|name| known.iter().any(|one| one.name == *name)));
    }
    plan.limits = limits;
    let one = target::new_topics(plan).into_iter().take(1).collect();
    let answers = cluster.create_topics(one, true).await;
    Ok(!answers
        .iter()
        .any(|(_, answer)| answer.as_ref().err().and_then(ClusterError::code) == Some(ErrorCode::INVALID_CONFIG)))
}
