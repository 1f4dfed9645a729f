//! What this client may do.

use std::fmt;

/// Something that an authorizer allows or not, by its number (Kafka class `AclOperation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Fetch records, commit offsets.
    Read = 3,
    /// Produce records.
    Write = 4,
    /// Create topics.
    Create = 5,
    /// Delete a topic or records of it.
    Delete = 6,
    /// Alter; on the cluster also write transaction markers.
    Alter = 7,
    /// See that it is there.
    Describe = 8,
    /// What brokers do among themselves, such as writing transaction markers.
    ClusterAction = 9,
    /// See settings.
    DescribeConfigs = 10,
    /// Change settings.
    AlterConfigs = 11,
    /// Produce idempotently (brokers before 2.8 ask for it).
    IdempotentWrite = 12,
}

/// As Kafka's `kafka-acls` spells it.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What this client may do with one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicRights {
    /// The topic is there.
    pub exists: bool,
    /// This client may not even see whether it is there: DESCRIBE is lacking, and with it all that implies it.
    pub hidden: bool,
    /// What is allowed; `None` where the topic is hidden, or the broker cannot tell.
    pub operations: Option<Operations>,
}

/// The operations that a broker allows this client on the cluster or on a topic. A broker without an authorizer
/// allows all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operations(i32);

/// What a broker answers that was not asked, or does not know (Kafka class `MetadataResponse`).
const NOT_TOLD: i32 = i32::MIN;

impl Operations {
    /// From the bits of an answer; `None` where it does not tell.
    pub(crate) fn of_bits(bits: i32) -> Option<Self> {
        (bits != NOT_TOLD).then_some(Self(bits))
    }

    /// Whether it is allowed.
    pub fn allow(self, operation: Operation) -> bool {
        self.0 & 1 << operation as i32 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_the_numbers_of_the_operations() {
        let some = Operations::of_bits(1 << 7 | 1 << 4).unwrap();
        assert!(some.allow(Operation::Alter) && some.allow(Operation::Write));
        assert!(!some.allow(Operation::ClusterAction) && !some.allow(Operation::Delete));
        assert_eq!(Operations::of_bits(i32::MIN), None);
        assert_eq!(Operations::of_bits(0).map(|none| none.allow(Operation::Describe)), Some(false));
    }
}
