//! `DescribeGroups` v0 to v6 for classic groups, `ConsumerGroupDescribe` for those of KIP-848, which the former calls
//! dead. Groups of other protocols (streams, share) are dead to both: `ListGroups` tells their state.

use std::collections::HashMap;
use std::time::Duration;

use kafka_protocol::messages as m;

use super::{judge, wire_group};
use crate::cluster::{Cluster, ClusterError, Each, GroupDescription, Operations, Subject};
use crate::model::GroupId;
use crate::net::{Connection, ConnectionError};
use crate::wire::{ErrorCode, Exchange};

const CLASSIC: &str = "DescribeGroups";
const CONSUMER: &str = "ConsumerGroupDescribe";
const DEAD: &str = "Dead";
/// First version with operations (2.3).
const OPERATIONS: i16 = 3;
/// Last version in which a group that does not exist is no error (KIP-1043).
const LENIENT: i16 = 5;

type Described = Result<GroupDescription, ClusterError>;

impl Cluster {
    /// State and members of groups; one that does not exist is `Dead`.
    pub async fn describe_groups(&self, groups: &[GroupId]) -> Each<GroupId, GroupDescription> {
        let patience = self.patience();
        self.ask_coordinators(groups.to_vec(), |connection, groups, _| describe(connection, groups, patience)).await
    }

    /// Whether the coordinators of groups know them, or know that there are none: by `DescribeGroups` of any version.
    pub(super) async fn known_groups(&self, groups: &[GroupId]) -> Each<GroupId, GroupDescription> {
        let patience = self.patience();
        let ask = |connection: Connection, groups: Vec<GroupId>, _| async move {
            classic(&connection, &groups, patience).await
        };
        self.ask_coordinators(groups.to_vec(), ask).await
    }

    /// What this client may do with groups, whether they exist or not; `None` where brokers cannot tell (before 2.3).
    /// Asking for a coordinator makes `__consumer_offsets` where it is not there yet.
    pub async fn group_operations(&self, groups: &[GroupId]) -> Each<GroupId, Option<Operations>> {
        let patience = self.patience();
        self.ask_coordinators(groups.to_vec(), |connection, groups, _| operations(connection, groups, patience)).await
    }
}

async fn describe(
    connection: Connection,
    groups: Vec<GroupId>,
    patience: Duration,
) -> Result<Vec<Described>, ConnectionError> {
    let mut described = classic(&connection, &groups, patience).await?;
    let unknown = dead_ones(&groups, &described);
    if unknown.is_empty() || !connection.versions().has(&m::ConsumerGroupDescribeRequest::API, 0) {
        return Ok(described);
    }
    replace(&groups, &mut described, consumer(&connection, &unknown, patience).await?);
    if !dead_ones(&groups, &described).is_empty() {
        replace(&groups, &mut described, other(&connection, patience).await?);
    }
    Ok(described)
}

fn dead_ones(groups: &[GroupId], described: &[Described]) -> Vec<GroupId> {
    let is_dead = |described: &Described| described.as_ref().is_ok_and(|group| group.state == DEAD);
    let pairs = groups.iter().zip(described);
    pairs.filter(|(_, group)| is_dead(group)).map(|(id, _)| id.clone()).collect()
}

/// Puts what was found in the place of dead groups.
fn replace(groups: &[GroupId], described: &mut [Described], found: Vec<(GroupId, Described)>) {
    let mut found: HashMap<GroupId, Described> = found.into_iter().collect();
    for (id, group) in groups.iter().zip(described) {
        if group.as_ref().is_ok_and(|group| group.state == DEAD)
            && let Some(better) = found.remove(id)
        {
            *group = better;
        }
    }
}

/// Up to v5 a group that does not exist is dead, and so is one of another protocol: both come with operations.
async fn operations(
    connection: Connection,
    groups: Vec<GroupId>,
    patience: Duration,
) -> Result<Vec<Result<Option<Operations>, ClusterError>>, ConnectionError> {
    let api = m::DescribeGroupsRequest::API;
    let Ok(version) = connection.versions().pick_between(&api, OPERATIONS, LENIENT) else {
        return Ok(groups.iter().map(|_| Ok(None)).collect());
    };
    let request = m::DescribeGroupsRequest::default()
        .with_groups(groups.iter().map(wire_group).collect())
        .with_include_authorized_operations(true);
    let answer = connection.call_in(&request, version, patience).await?;
    let found: HashMap<&str, _> = answer.groups.iter().map(|group| (group.group_id.as_str(), group)).collect();
    let read = |id: &GroupId| {
        let subject = || Subject::Group(id.clone());
        let group = found.get(id.as_str());
        let group = group.ok_or_else(|| ClusterError::Unanswered { api: CLASSIC, subject: subject() })?;
        judge(CLASSIC, group.error_code, subject, group.error_message.as_ref())?;
        Ok(Operations::of_bits(group.authorized_operations))
    };
    Ok(groups.iter().map(read).collect())
}

async fn classic(
    connection: &Connection,
    groups: &[GroupId],
    patience: Duration,
) -> Result<Vec<Described>, ConnectionError> {
    let request = m::DescribeGroupsRequest::default().with_groups(groups.iter().map(wire_group).collect());
    let answer = connection.call(&request, patience).await?;
    let found: HashMap<&str, _> = answer.groups.iter().map(|group| (group.group_id.as_str(), group)).collect();
    let read = |id: &GroupId| {
        let subject = || Subject::Group(id.clone());
        let group = found.get(id.as_str());
        let group = group.ok_or_else(|| ClusterError::Unanswered { api: CLASSIC, subject: subject() })?;
        if group.error_code == ErrorCode::GROUP_ID_NOT_FOUND.0 {
            return Ok(dead());
        }
        judge(CLASSIC, group.error_code, subject, group.error_message.as_ref())?;
        Ok(GroupDescription {
            state: group.group_state.to_string(),
            members: group.members.len(),
            protocol_type: group.protocol_type.to_string(),
        })
    };
    Ok(groups.iter().map(read).collect())
}

async fn consumer(
    connection: &Connection,
    groups: &[GroupId],
    patience: Duration,
) -> Result<Vec<(GroupId, Described)>, ConnectionError> {
    let request = m::ConsumerGroupDescribeRequest::default().with_group_ids(groups.iter().map(wire_group).collect());
    let answer = connection.call(&request, patience).await?;
    let read = |group: &m::consumer_group_describe_response::DescribedGroup| {
        let id = GroupId::new(group.group_id.as_str());
        let unknown = [ErrorCode::GROUP_ID_NOT_FOUND.0, ErrorCode::UNSUPPORTED_VERSION.0];
        if unknown.contains(&group.error_code) {
            return (id, Ok(dead()));
        }
        let judged = judge(CONSUMER, group.error_code, || Subject::Group(id.clone()), group.error_message.as_ref());
        let described = judged.map(|()| GroupDescription {
            state: group.group_state.to_string(),
            members: group.members.len(),
            protocol_type: "consumer".to_owned(),
        });
        (id, described)
    };
    Ok(answer.groups.iter().map(read).collect())
}

/// Groups of protocols that neither of the two knows, as their coordinator lists them. How many members they have is
/// not said: one that is not empty has at least one.
async fn other(connection: &Connection, patience: Duration) -> Result<Vec<(GroupId, Described)>, ConnectionError> {
    let answer = connection.call(&m::ListGroupsRequest::default(), patience).await?;
    let read = |group: &m::list_groups_response::ListedGroup| {
        let state = group.group_state.to_string();
        let members = usize::from(!state.is_empty() && state != "Empty" && state != DEAD);
        let protocol_type = group.protocol_type.to_string();
        (GroupId::new(group.group_id.as_str()), Ok(GroupDescription { state, members, protocol_type }))
    };
    Ok(answer.groups.iter().map(read).collect())
}

fn dead() -> GroupDescription {
    GroupDescription { state: DEAD.to_owned(), members: 0, protocol_type: String::new() }
}
