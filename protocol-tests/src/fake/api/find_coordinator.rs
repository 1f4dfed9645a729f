//! `FindCoordinator`: makes the offsets topic where it is not there yet, as Kafka does.

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use super::{At, Call, text};
use crate::fake::code;
use crate::fake::state::State;

/// Key types: a group, a transactional id.
const GROUP: i8 = 0;

impl Call for FindCoordinatorRequest {
    type Answer = FindCoordinatorResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let version = at.version;
        at.shared.with(|state| {
            let answer = FindCoordinatorResponse::default();
            if version >= 4 {
                let one = |key: &StrBytes| {
                    let (node, port) = find(state, self.key_type, key);
                    let found =
                        Coordinator::default().with_key(key.clone()).with_node_id(BrokerId(node)).with_port(port);
                    if node < 0 {
                        return found.with_error_code(code::COORDINATOR_NOT_AVAILABLE);
                    }
                    found.with_host(text("127.0.0.1"))
                };
                let found = self.coordinator_keys.iter().map(one).collect();
                return answer.with_throttle_time_ms(at.throttle).with_coordinators(found);
            }
            let (node, port) = find(state, self.key_type, &self.key);
            let mut answer = answer.with_node_id(BrokerId(node)).with_port(port);
            if version >= 1 {
                answer.throttle_time_ms = at.throttle;
            }
            if node < 0 {
                return answer.with_error_code(code::COORDINATOR_NOT_AVAILABLE);
            }
            answer.with_host(text("127.0.0.1"))
        })
    }
}

/// Node id and port; -1 where there is none now.
fn find(state: &mut State, key_type: i8, key: &str) -> (i32, i32) {
    let node = if key_type == GROUP {
        state.ensure_offsets_topic();
        state.coordinator_of(key)
    } else {
        state.alive().first().copied().unwrap_or(-1)
    };
    match state.brokers.get(&node) {
        Some(broker) => (node, i32::from(broker.port)),
        None => (-1, -1),
    }
}
