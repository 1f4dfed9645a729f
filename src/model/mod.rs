//! The nouns every layer shares. No I/O, no protocol types.

mod acl;
mod failure;
mod group;
mod offset_map;
mod quota;
mod secret;
mod selection;
mod time;
mod topic;

pub use acl::{Acl, AclOperation, PatternType, Permission, ResourceType, UnknownCode};
pub use failure::{Classify, ErrorClass, describe};
pub use group::{CommittedOffset, GroupId, GroupType};
pub use offset_map::{MapPiece, Positions};
pub use quota::{ClientQuota, QuotaEntity, QuotaPart, QuotaValue, ScramCredential, ScramUser};
pub use secret::Secret;
pub use selection::{InvalidPattern, Patterns, Selection, TopicFilter};
pub use time::Timestamp;
pub use topic::{InvalidTopicId, InvalidTopicName, OFFSETS_TOPIC, OffsetRange, TopicId, TopicName, TopicPartition};
