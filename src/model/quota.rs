//! Client quotas and SCRAM users as Kafka has them.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The clients that a quota is for: one part a kind, as a user and a client id of that user. Ascending by kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QuotaEntity(pub Vec<QuotaPart>);

/// One part of a quota's entity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QuotaPart {
    /// `user`, `client-id` or `ip`, or what later brokers add.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which one; `None` is the default of all that have none of their own.
    pub name: Option<String>,
}

impl fmt::Display for QuotaEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            match &part.name {
                Some(name) => write!(f, "{comma}{} {name}", part.kind)?,
                None => write!(f, "{comma}every other {}", part.kind)?,
            }
        }
        Ok(())
    }
}

/// A limit's value. In documents it is text, so that no reader rounds it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct QuotaValue(pub f64);

impl PartialEq for QuotaValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for QuotaValue {}

impl PartialOrd for QuotaValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for QuotaValue {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl fmt::Display for QuotaValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<QuotaValue> for String {
    fn from(value: QuotaValue) -> Self {
        value.to_string()
    }
}

impl TryFrom<String> for QuotaValue {
    type Error = std::num::ParseFloatError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

/// One limit of some clients.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClientQuota {
    /// Which clients.
    pub entity: QuotaEntity,
    /// What is limited, as in `consumer_byte_rate` (bytes per second).
    pub name: String,
    /// How much of it.
    pub value: QuotaValue,
}

impl fmt::Display for ClientQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}={}", self.entity, self.name, self.value)
    }
}

/// A user with SCRAM credentials in the cluster's metadata. What they are made of no broker tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScramUser {
    /// The name.
    pub name: String,
    /// Ascending by mechanism.
    pub credentials: Vec<ScramCredential>,
}

/// One credential, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScramCredential {
    /// `SCRAM-SHA-256`, `SCRAM-SHA-512`, or the number of a newer one.
    pub mechanism: String,
    /// How often the password is hashed.
    pub iterations: i32,
}

impl fmt::Display for ScramUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (index, one) in self.credentials.iter().enumerate() {
            let between = if index > 0 { ", " } else { ": " };
            write!(f, "{between}{} with {} iterations", one.mechanism, one.iterations)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were() {
        for value in [1_048_576.0, 0.1 + 0.2, 1e300, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN] {
            let json = serde_json::to_string(&QuotaValue(value)).unwrap();
            assert_eq!(serde_json::from_str::<QuotaValue>(&json).unwrap(), QuotaValue(value), "{json}");
        }
        assert_eq!(QuotaValue(1_048_576.0).to_string(), "1048576");
    }

    #[test]
    fn a_quota_is_written_as_words() {
        let part = |kind: &str, name: Option<&str>| QuotaPart { kind: kind.to_owned(), name: name.map(str::to_owned) };
        let entity = QuotaEntity(vec![part("client-id", None), part("user", Some("alice"))]);
        let quota = ClientQuota { entity, name: "request_percentage".to_owned(), value: QuotaValue(12.5) };
        assert_eq!(quota.to_string(), "every other client-id, user alice: request_percentage=12.5");
    }
}
