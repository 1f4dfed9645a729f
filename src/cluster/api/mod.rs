//! One file per API: this program's nouns to kafka-protocol's requests, and its answers back.

mod acls;
mod configs;
mod coordinators_ready;
mod delete_groups;
mod delete_records;
mod describe_groups;
mod describe_producers;
mod find_coordinator;
mod leader_epochs;
mod list_groups;
mod list_offsets;
mod log_dirs;
pub(super) mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod old_configs;
mod operations;
mod producer_id;
mod quorum;
mod quotas;
mod scram;
mod topics;
mod transactions;
mod wide_configs;
mod write_markers;

use std::time::Duration;

use kafka_protocol::messages as m;
use kafka_protocol::protocol::StrBytes;

use super::{ClusterError, Subject};
use crate::model::{GroupId, TopicName};
use crate::retry::Attempt;
use crate::wire::ErrorCode;

/// How long a topic that was just created may be unknown to some brokers.
pub(super) const NOT_YET_KNOWN: Duration = Duration::from_secs(5);

/// What a broker may take longer than the time it was given.
const GRACE: Duration = Duration::from_secs(5);

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

fn wire_topic(name: &TopicName) -> m::TopicName {
    m::TopicName(text(name.as_str()))
}

fn wire_group(id: &GroupId) -> m::GroupId {
    m::GroupId(text(id.as_str()))
}

/// `Ok` for code 0.
pub(super) fn judge(
    api: &'static str,
    code: i16,
    subject: impl FnOnce() -> Subject,
    message: Option<&StrBytes>,
) -> Result<(), ClusterError> {
    match ErrorCode::failure(code) {
        None => Ok(()),
        Some(code) => {
            let message = message.map(ToString::to_string).filter(|text| !text.is_empty());
            Err(ClusterError::Broker { api, subject: subject(), code, message })
        }
    }
}

/// [`judge`] for topics: one that stays unknown is not asked for again and again.
fn judge_topic(
    api: &'static str,
    code: i16,
    topic: &TopicName,
    message: Option<&StrBytes>,
    attempt: Attempt,
) -> Result<(), ClusterError> {
    if code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0 && attempt.elapsed >= NOT_YET_KNOWN {
        return Err(ClusterError::UnknownTopic(topic.clone()));
    }
    judge(api, code, || Subject::Topic(topic.clone()), message)
}
