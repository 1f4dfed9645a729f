//! Topics, partitions and offset ranges.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A legal Kafka topic name: 1 to 249 of `[a-zA-Z0-9._-]`, neither `.` nor `..` (Kafka class `Topic`).
/// Because of that rule it can be used as a folder name as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicName(Arc<str>);

/// Where Kafka keeps committed offsets (Kafka class `Topic`).
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// A name that Kafka would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a legal topic name: it needs 1 to 249 of a-z, A-Z, 0-9, '.', '_', '-'")]
pub struct InvalidTopicName(pub String);

impl TopicName {
    /// Checks the name against Kafka's rule.
    pub fn new(name: &str) -> Result<Self, InvalidTopicName> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > 249 || name == "." || name == ".." || !name.bytes().all(legal) {
            return Err(InvalidTopicName(name.to_owned()));
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TopicName {
    type Error = InvalidTopicName;

    fn try_from(name: String) -> Result<Self, InvalidTopicName> {
        Self::new(&name)
    }
}

impl From<TopicName> for String {
    fn from(name: TopicName) -> Self {
        name.as_str().to_owned()
    }
}

/// A topic's UUID (KIP-516); all zero where the broker has none (before 2.8).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicId(pub [u8; 16]);

/// Text that is not a topic id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a topic id: 22 characters of URL-safe base64 are expected")]
pub struct InvalidTopicId(pub String);

const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl TopicId {
    /// The id of brokers that have no ids.
    pub const ZERO: Self = Self([0; 16]);
}

impl fmt::Display for TopicId {
    /// As Kafka's tools print it: URL-safe base64 without padding, 22 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from_be_bytes(self.0);
        for digit in 0..22_u32 {
            // 22 digits of 6 bits are 132: the last digit holds the lowest 2 bits and four zero bits.
            let shift = 122_i64 - i64::from(digit) * 6;
            let bits = if shift >= 0 { number >> shift } else { number << -shift };
            f.write_str(char::from(BASE64_URL[(bits & 63) as usize]).encode_utf8(&mut [0; 4]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicId({self})")
    }
}

impl FromStr for TopicId {
    type Err = InvalidTopicId;

    fn from_str(text: &str) -> Result<Self, InvalidTopicId> {
        let bad = || InvalidTopicId(text.to_owned());
        if text.len() != 22 {
            return Err(bad());
        }
        let mut number = 0_u128;
        for (index, byte) in text.bytes().enumerate() {
            let digit = BASE64_URL.iter().position(|letter| *letter == byte).ok_or_else(bad)? as u128;
            number = if index < 21 { number << 6 | digit } else { number << 2 | digit >> 4 };
        }
        Ok(Self(number.to_be_bytes()))
    }
}

impl TryFrom<String> for TopicId {
    type Error = InvalidTopicId;

    fn try_from(text: String) -> Result<Self, InvalidTopicId> {
        text.parse()
    }
}

impl From<TopicId> for String {
    fn from(id: TopicId) -> Self {
        id.to_string()
    }
}

/// One partition of a topic; shown as `topic-3`, like Kafka does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicName,
    /// Its partition, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Puts the two together.
    pub fn new(topic: TopicName, partition: i32) -> Self {
        Self { topic, partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// A half-open range of offsets, `base <= next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetRange {
    /// First offset in the range.
    pub base: i64,
    /// First offset after the range.
    pub next: i64,
}

impl fmt::Display for OffsetRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.base, self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_ids_read_and_print_as_kafka_does() {
        // Kafka's own Uuid.ONE_UUID and a random one, as its tools print them.
        let one = TopicId(1_u128.to_be_bytes());
        assert_eq!(one.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        let text = "hcQ7kfU9TLaT9rBJwFTzjg";
        assert_eq!(text.parse::<TopicId>().unwrap().to_string(), text);
    }

    #[test]
    fn names_that_would_leave_the_folder_are_refused() {
        for bad in ["", ".", "..", "a/b", "a b", "ü"] {
            assert!(TopicName::new(bad).is_err(), "{bad}");
        }
        assert!(TopicName::new("A.b_c-9").is_ok());
    }
}
