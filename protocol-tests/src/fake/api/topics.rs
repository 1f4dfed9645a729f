//! `CreateTopics` and `DeleteTopics`.

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
};

use super::{At, CREATE, Call, DELETE, TOPIC, may, text};
use crate::fake::code;
use crate::fake::settings::refused;
use crate::fake::state::State;
use crate::fake::topics::is_legal;

impl Call for CreateTopicsRequest {
    type Answer = CreateTopicsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let (version, refuse) = (at.version, at.refuse);
        let topics = at.shared.with(|state| {
            let one = |topic: &CreatableTopic| {
                let made = match refuse {
                    Some(code) => Err((code, "as the script says".to_owned())),
                    None => create(state, topic, self.validate_only),
                };
                let mut answer = CreatableTopicResult::default().with_name(topic.name.clone()).with_configs(None);
                if version >= 5 {
                    answer.num_partitions = -1;
                    answer.replication_factor = -1;
                    answer.configs = Some(Vec::new());
                }
                match made {
                    Err((code, words)) => answer.with_error_code(code).with_error_message(Some(text(&words))),
                    Ok(id) => {
                        if version >= 7 {
                            answer.topic_id = id.to_vec().try_into().unwrap_or_default();
                        }
                        answer
                    }
                }
            };
            self.topics.iter().map(one).collect()
        });
        CreateTopicsResponse::default().with_throttle_time_ms(at.throttle).with_topics(topics)
    }
}

fn create(state: &mut State, topic: &CreatableTopic, only_check: bool) -> Result<[u8; 16], (i16, String)> {
    let name = topic.name.to_string();
    if !is_legal(&name) {
        return Err((code::INVALID_TOPIC_EXCEPTION, format!("{name:?} is no name for a topic")));
    }
    may(state, TOPIC, CREATE).map_err(|code| (code, "not allowed".to_owned()))?;
    if state.topics.contains_key(&name) {
        return Err((code::TOPIC_ALREADY_EXISTS, format!("topic {name} exists")));
    }
    let count = if topic.assignments.is_empty() { topic.num_partitions } else { topic.assignments.len() as i32 };
    let partitions = match usize::try_from(count) {
        Ok(0) => return Err((code::INVALID_PARTITIONS, "no partitions".to_owned())),
        Ok(count) => count,
        Err(_) => 1,
    };
    let replication = usize::try_from(topic.replication_factor).unwrap_or(1);
    if replication == 0 || replication > state.alive().len() {
        return Err((code::INVALID_REPLICATION_FACTOR, "not as many brokers".to_owned()));
    }
    let configs: Vec<(&str, &str)> =
        topic.configs.iter().filter_map(|config| Some((config.name.as_str(), config.value.as_deref()?))).collect();
    if let Some(words) = configs.iter().find_map(|(name, value)| refused(state.release, name, value)) {
        return Err((code::INVALID_CONFIG, words));
    }
    if only_check {
        return Ok([0; 16]);
    }
    state.create_topic(&name, partitions, replication, &configs);
    Ok(state.topics.get(&name).map_or([0; 16], |topic| topic.id))
}

impl Call for DeleteTopicsRequest {
    type Answer = DeleteTopicsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let (version, refuse) = (at.version, at.refuse);
        let responses = at.shared.with(|state| {
            let by_name = self.topic_names.iter().map(|name| (Some(name.clone()), [0; 16]));
            let by_state = self.topics.iter().map(|topic| (topic.name.clone(), topic.topic_id.into_bytes()));
            let asked: Vec<(Option<TopicName>, [u8; 16])> = by_name.chain(by_state).collect();
            let refuse = refuse.or(may(state, TOPIC, DELETE).err());
            let one = |(name, id): (Option<TopicName>, [u8; 16])| match refuse {
                Some(code) => DeletableTopicResult::default().with_name(name).with_error_code(code),
                None => delete(state, name, id, version),
            };
            asked.into_iter().map(one).collect()
        });
        DeleteTopicsResponse::default().with_throttle_time_ms(at.throttle).with_responses(responses)
    }
}

fn delete(state: &mut State, name: Option<TopicName>, id: [u8; 16], version: i16) -> DeletableTopicResult {
    let by_id = name.is_none();
    let found = name.as_ref().map(|name| name.to_string()).or_else(|| state.topic_of(id).map(str::to_owned));
    let gone = found.as_ref().and_then(|name| state.topics.remove(name));
    let mut answer = DeletableTopicResult::default().with_name(name);
    if version >= 6 {
        let id = gone.as_ref().map_or(id, |topic| topic.id);
        answer.topic_id = id.to_vec().try_into().unwrap_or_default();
    }
    match (gone, by_id) {
        (Some(_), _) => {
            forget(state, found.as_deref().unwrap_or_default());
            answer.name = found.as_deref().map(|name| TopicName(text(name)));
            answer
        }
        (None, true) => answer.with_error_code(code::UNKNOWN_TOPIC_ID),
        (None, false) => answer.with_error_code(code::UNKNOWN_TOPIC_OR_PARTITION),
    }
}

/// Commits for a topic that is deleted are deleted with it.
fn forget(state: &mut State, topic: &str) {
    let committed = state.groups.iter().flat_map(|(id, group)| {
        group.offsets.keys().filter(|(name, _)| name == topic).map(|(_, number)| (id.clone(), *number))
    });
    let committed: Vec<(String, i32)> = committed.collect();
    for (group, number) in committed {
        state.commit(&group, topic, number, None);
    }
}
