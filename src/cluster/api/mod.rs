//! One file per API: this program's nouns to kafka-protocol's requests, and its answers back.

mod leader_epochs;
mod list_offsets;
pub(super) mod metadata;
mod pending;

use kafka_protocol::messages as m;
use kafka_protocol::protocol::StrBytes;

use super::{ClusterError, Subject};
use crate::model::TopicName;
use crate::wire::ErrorCode;

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

fn wire_topic(name: &TopicName) -> m::TopicName {
    m::TopicName(text(name.as_str()))
}

fn wire_group(id: &crate::model::GroupId) -> m::GroupId {
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
            let message = message.map(|text| text.to_string()).filter(|text| !text.is_empty());
            Err(ClusterError::Broker { api, subject: subject(), code, message })
        }
    }
}
