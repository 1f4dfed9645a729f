//! The nouns every layer shares. No I/O, no protocol types.

mod failure;
mod group;
mod offset_map;
mod secret;
mod selection;
mod time;
mod topic;

pub use failure::{Classify, ErrorClass, describe};
pub use group::{CommittedOffset, GroupId, GroupType};
pub use offset_map::{MapPiece, Positions};
pub use secret::Secret;
pub use selection::{InvalidPattern, Patterns, Selection, TopicFilter};
pub use time::Timestamp;
pub use topic::{InvalidTopicId, InvalidTopicName, OffsetRange, TopicId, TopicName, TopicPartition};
