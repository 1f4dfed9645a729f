//! Topics, their settings and their partitions.

use std::collections::BTreeMap;

use super::log::Log;

/// A topic.
#[derive(Debug)]
pub struct Topic {
    /// Its id; zero where the release has none.
    pub id: [u8; 16],
    /// What is set on it.
    pub configs: BTreeMap<String, String>,
    /// Whether Kafka itself keeps it.
    pub internal: bool,
    /// By number.
    pub partitions: Vec<Partition>,
}

/// A partition, with the one log that all of its replicas share.
#[derive(Debug)]
pub struct Partition {
    /// Node id of the leader, -1 if there is none.
    pub leader: i32,
    /// Its epoch.
    pub epoch: i32,
    /// Node ids of all replicas.
    pub replicas: Vec<i32>,
    /// Node ids of those in sync.
    pub isr: Vec<i32>,
    /// What lies in it.
    pub log: Log,
    /// The offset at which the leader began: until the high watermark is there, it does not tell where the log ends
    /// (KIP-207).
    pub leader_began: i64,
}

impl Partition {
    /// Another leader, or none (-1), under the next epoch.
    pub fn lead(&mut self, node: i32) {
        self.leader = node;
        self.epoch += 1;
        self.leader_began = self.log.end();
        if node >= 0 {
            self.log.begin_epoch(self.epoch);
        }
    }
}

/// Settings every topic has, with what they are by default.
pub(crate) const DEFAULTS: &[(&str, &str)] = &[
    ("cleanup.policy", "delete"),
    ("compression.type", "producer"),
    ("delete.retention.ms", "86400000"),
    ("file.delete.delay.ms", "60000"),
    ("flush.messages", "9223372036854775807"),
    ("flush.ms", "9223372036854775807"),
    ("index.interval.bytes", "4096"),
    ("max.compaction.lag.ms", "9223372036854775807"),
    ("max.message.bytes", "1048588"),
    ("message.timestamp.type", "CreateTime"),
    ("min.cleanable.dirty.ratio", "0.5"),
    ("min.compaction.lag.ms", "0"),
    ("min.insync.replicas", "1"),
    ("preallocate", "false"),
    ("retention.bytes", "-1"),
    ("retention.ms", "604800000"),
    ("segment.bytes", "1073741824"),
    ("segment.index.bytes", "10485760"),
    ("segment.jitter.ms", "0"),
    ("segment.ms", "604800000"),
    ("unclean.leader.election.enable", "false"),
];

impl Topic {
    /// A setting, as set on the topic or by default.
    pub fn config(&self, name: &str) -> Option<&str> {
        let default = || DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        self.configs.get(name).map(String::as_str).or_else(default)
    }

    /// A setting that is a number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.config(name)?.trim().parse().ok()
    }

    /// Whether keys are compacted.
    pub fn compacted(&self) -> bool {
        self.config("cleanup.policy").is_some_and(|policy| policy.contains("compact"))
    }

    /// Whether old records are deleted.
    pub fn deleting(&self) -> bool {
        self.config("cleanup.policy").is_some_and(|policy| policy.contains("delete"))
    }
}

/// Whether a name may be a topic's (Kafka class `Topic`).
pub(crate) fn is_legal(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && name.len() <= 249 && name != "." && name != ".." && name.chars().all(fits)
}
