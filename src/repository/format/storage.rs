//! How a repository stores what it holds: compressed, encrypted, and to whom.

use serde::{Deserialize, Serialize};

use super::numbers;
use super::topic::ConfigEntry;
use crate::model::{GroupId, Timestamp, TopicName};

/// How segments are compressed whose batches are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "codec", rename_all = "kebab-case")]
pub enum Compression {
    /// Independent zstd frames.
    Zstd {
        /// From 1 to 19.
        level: i32,
    },
}

/// To whom is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipients {
    /// Public keys of age, `age1...`. Never empty.
    pub recipients: Vec<String>,
    /// Private keys of some of them, each encrypted with a passphrase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passphrases: Vec<PassphraseKey>,
}

/// A private key that lies in the repository, encrypted with a passphrase: an age file that holds an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassphraseKey {
    /// The file.
    pub object: String,
    /// BLAKE3 of its bytes.
    pub digest: String,
}

/// `keys/<number>.json`: to whom is encrypted from now on. The highest number counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysDocument {
    /// As in its name, from 1. What `repository.json` says has the number 0.
    pub number: u64,
    /// Repository it belongs to.
    pub repository_id: String,
    /// When it was written.
    pub created: Timestamp,
    /// To whom.
    #[serde(flatten)]
    pub recipients: Recipients,
    /// ktape that wrote it.
    pub ktape_version: String,
}

/// Where a part that may be encrypted lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PartRef {
    /// It is not: the digest of its plain JSON.
    Plain(String),
    /// It is.
    Encrypted(EncryptedPart),
}

impl Default for PartRef {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

/// A part that is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EncryptedPart {
    /// BLAKE3 of its stored bytes, and its name: who has no key can check it.
    pub stored: String,
    /// BLAKE3 of its plain JSON: who has no key can tell that nothing changed.
    pub plain: String,
    /// Number of the keys it is encrypted to.
    pub keys: u64,
}

/// Part of a shard whose configs are encrypted: the topics that have some, ascending.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfigsPart {
    /// The topics.
    pub topics: Vec<TopicConfigs>,
}

/// Configs set on one topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopicConfigs {
    /// The topic.
    pub name: TopicName,
    /// Ascending by name.
    pub configs: Vec<ConfigEntry>,
}

/// Part of a snapshot whose groups are encrypted: what the next run must know of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupNames {
    /// Ascending by id.
    pub groups: Vec<GroupName>,
}

/// A group by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupName {
    /// Its id.
    pub id: GroupId,
    /// Topics it has committed offsets of, ascending.
    pub topics: Vec<TopicName>,
}

/// A zstd frame of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Position in the plain log of its first byte.
    #[serde(deserialize_with = "numbers::amount")]
    pub position: u64,
    /// Position in the compressed log, before it is encrypted.
    #[serde(deserialize_with = "numbers::amount")]
    pub start: u64,
}
