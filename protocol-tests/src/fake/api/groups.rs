//! `ListGroups`, `DescribeGroups`, `ConsumerGroupDescribe` and `DeleteGroups`.

use kafka_protocol::messages as m;
use kafka_protocol::messages::consumer_group_describe_response::{DescribedGroup as ConsumerGroup, Member};
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;

use super::{At, Call, ON_GROUP, group_id, operations, text};
use crate::fake::code;
use crate::fake::groups::Group;
use crate::fake::state::State;

impl Call for m::ListGroupsRequest {
    type Answer = m::ListGroupsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let (node, version) = (at.node, at.version);
        let groups = at.shared.look(|state| {
            let one = |(id, group): (&String, &Group)| {
                let mut listed =
                    ListedGroup::default().with_group_id(group_id(id)).with_protocol_type(text(&group.protocol_type));
                if version >= 4 {
                    listed.group_state = text(&group.state);
                }
                if version >= 5 {
                    listed.group_type = text(&group.group_type);
                }
                listed
            };
            state.groups_of(node).into_iter().map(one).collect()
        });
        let answer = m::ListGroupsResponse::default().with_groups(groups);
        if version >= 1 { answer.with_throttle_time_ms(at.throttle) } else { answer }
    }
}

/// Whether this broker coordinates a group, and knows it.
pub(super) fn coordinated(state: &State, node: i32, id: &str) -> Result<(), i16> {
    let home = state.home_of(id);
    if home.is_none() || state.coordinator_of(id) != node {
        return Err(code::NOT_COORDINATOR);
    }
    if home.is_some_and(|home| state.loading.contains(&home)) {
        return Err(code::COORDINATOR_LOAD_IN_PROGRESS);
    }
    Ok(())
}

/// The group as its coordinator shows it.
pub(super) fn shown<'a>(state: &'a State, id: &str) -> Option<&'a Group> {
    state.groups.get(id).filter(|group| group.since < state.shown_below(id))
}

impl Call for m::DescribeGroupsRequest {
    type Answer = m::DescribeGroupsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let (node, version) = (at.node, at.version);
        let asked = self.include_authorized_operations;
        let groups = at.shared.look(|state| {
            let one = |id: &m::GroupId| {
                let mut answer = DescribedGroup::default().with_group_id(id.clone());
                if let Err(code) = coordinated(state, node, id) {
                    return answer.with_error_code(code);
                }
                if version >= 3 {
                    answer.authorized_operations = operations(state, asked, ON_GROUP);
                }
                match shown(state, id).filter(|group| group.group_type == "classic") {
                    Some(group) => classic(answer, group),
                    None if version >= 6 => {
                        let words = Some(text("the group is not there"));
                        answer
                            .with_error_code(code::GROUP_ID_NOT_FOUND)
                            .with_group_state(text("Dead"))
                            .with_error_message(words)
                    }
                    None => answer.with_group_state(text("Dead")),
                }
            };
            self.groups.iter().map(one).collect()
        });
        let answer = m::DescribeGroupsResponse::default().with_groups(groups);
        if version >= 1 { answer.with_throttle_time_ms(at.throttle) } else { answer }
    }
}

fn classic(answer: DescribedGroup, group: &Group) -> DescribedGroup {
    let member = |number: usize| DescribedGroupMember::default().with_member_id(text(&format!("member-{number}")));
    answer
        .with_group_state(text(&group.state))
        .with_protocol_type(text(&group.protocol_type))
        .with_members((0..group.members).map(member).collect())
}

impl Call for m::ConsumerGroupDescribeRequest {
    type Answer = m::ConsumerGroupDescribeResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let node = at.node;
        let asked = self.include_authorized_operations;
        let groups = at.shared.look(|state| {
            let one = |id: &m::GroupId| {
                let answer = ConsumerGroup::default().with_group_id(id.clone());
                if let Err(code) = coordinated(state, node, id) {
                    return answer.with_error_code(code);
                }
                match shown(state, id).filter(|group| group.group_type == "consumer") {
                    None => answer.with_error_code(code::GROUP_ID_NOT_FOUND),
                    Some(group) => {
                        let member =
                            |number: usize| Member::default().with_member_id(text(&format!("member-{number}")));
                        answer
                            .with_group_state(text(&group.state))
                            .with_members((0..group.members).map(member).collect())
                            .with_authorized_operations(operations(state, asked, ON_GROUP))
                    }
                }
            };
            self.group_ids.iter().map(one).collect()
        });
        m::ConsumerGroupDescribeResponse::default().with_throttle_time_ms(at.throttle).with_groups(groups)
    }
}

impl Call for m::DeleteGroupsRequest {
    type Answer = m::DeleteGroupsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let node = at.node;
        let results = at.shared.with(|state| {
            let one = |id: &m::GroupId| {
                let code = match coordinated(state, node, id) {
                    Err(code) => code,
                    Ok(()) => match state.groups.get(id.as_str()) {
                        None => code::GROUP_ID_NOT_FOUND,
                        Some(group) if group.members > 0 => code::NON_EMPTY_GROUP,
                        Some(_) => {
                            state.groups.remove(id.as_str());
                            code::NONE
                        }
                    },
                };
                DeletableGroupResult::default().with_group_id(id.clone()).with_error_code(code)
            };
            self.groups_names.iter().map(one).collect()
        });
        m::DeleteGroupsResponse::default().with_throttle_time_ms(at.throttle).with_results(results)
    }
}
