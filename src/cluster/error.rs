//! What can go wrong between this program and a cluster.

use std::fmt;

use super::needed;
use crate::model::{Classify, ErrorClass, GroupId, TopicName, TopicPartition};
use crate::net::ConnectionError;
use crate::wire::{ErrorCode, WireError};

/// What a broker's refusal is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The request as a whole.
    Request,
    /// One broker, by node id.
    Node(i32),
    /// One topic.
    Topic(TopicName),
    /// One partition.
    Partition(TopicPartition),
    /// One consumer group.
    Group(GroupId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => f.write_str("the request"),
            Self::Node(id) => write!(f, "broker {id}"),
            Self::Topic(name) => write!(f, "topic {name}"),
            Self::Partition(partition) => write!(f, "partition {partition}"),
            Self::Group(id) => write!(f, "group {:?}", id.as_str()),
        }
    }
}

/// Whether a request that failed changed anything. Only meaningful for requests that change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The broker did not act on it.
    NotWritten,
    /// The broker had already acted on it.
    Written,
    /// It may or may not have; only reading the cluster tells.
    Unknown,
}

/// A fault of a request to the cluster.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClusterError {
    /// None of the addresses led to a cluster.
    #[error("no bootstrap server answered: {}", tried_text(.tried))]
    Bootstrap {
        /// Every address with what happened there.
        tried: Vec<(String, ConnectionError)>,
    },
    /// The address that a broker advertises cannot be reached from here.
    #[error("broker {node} advertises {address}, which does not answer from here")]
    Advertised {
        /// The node id.
        node: i32,
        /// `host:port` as advertised.
        address: String,
        /// What happened.
        source: ConnectionError,
    },
    /// The address given with `--broker-address` cannot be reached.
    #[error("broker {node} does not answer at {address}, the address given for it")]
    Override {
        /// The node id.
        node: i32,
        /// `host:port` as given.
        address: String,
        /// What happened.
        source: ConnectionError,
    },
    /// A request failed on its connection.
    #[error("{}", node_text(*.node))]
    Connection {
        /// The node id; -1 for a bootstrap server.
        node: i32,
        /// What happened.
        source: ConnectionError,
    },
    /// A broker answered with an error code.
    #[error("{api}: {subject}: {code}{}{}", needed::in_words(.api, .subject, *.code), message_text(.message.as_deref()))]
    Broker {
        /// The API asked.
        api: &'static str,
        /// What the code is about.
        subject: Subject,
        /// The code.
        code: ErrorCode,
        /// The broker's own words, where it gives any.
        message: Option<String>,
    },
    /// The metadata have no such broker.
    #[error("the cluster has no broker {0}")]
    UnknownNode(i32),
    /// The cluster has no such topic.
    #[error("the cluster has no topic {0}")]
    UnknownTopic(TopicName),
    /// The metadata have no such topic or partition.
    #[error("the cluster has no partition {0}")]
    UnknownPartition(TopicPartition),
    /// The partition has no leader now.
    #[error("partition {0} has no leader")]
    NoLeader(TopicPartition),
    /// The brokers are too old for what is needed.
    #[error("this cluster's brokers do not offer {what}")]
    Unsupported {
        /// What is needed, and since which Kafka it is there.
        what: &'static str,
    },
    /// An answer that leaves out what was asked for, or contradicts itself.
    #[error("{api}: the answer says nothing about {subject}")]
    Unanswered {
        /// The API asked.
        api: &'static str,
        /// What is missing.
        subject: Subject,
    },
    /// An answer with something in it that cannot be.
    #[error("{api}: the answer has {what}")]
    Nonsense {
        /// The API asked.
        api: &'static str,
        /// What cannot be.
        what: String,
    },
    /// A change was asked for and its fate is not known, so it is not asked for again.
    #[error("it is not known whether the change was made")]
    OutcomeUnknown(#[source] Box<Self>),
}

impl ClusterError {
    /// The broker's code, if a broker refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Broker { code, .. } => Some(*code),
            Self::OutcomeUnknown(source) => source.code(),
            _ => None,
        }
    }

    /// Whether the broker does not know the API, or not in a version that this program speaks.
    pub fn is_unsupported(&self) -> bool {
        let wire = |source: &ConnectionError| {
            matches!(source, ConnectionError::Wire { source: WireError::NoCommonVersion { .. }, .. })
        };
        matches!(self, Self::Unsupported { .. })
            || matches!(self, Self::Connection { source, .. } if wire(source))
            || self.code() == Some(ErrorCode::UNSUPPORTED_VERSION)
    }

    /// Whether the authorizer refused.
    pub fn is_not_allowed(&self) -> bool {
        let codes = [
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            ErrorCode::GROUP_AUTHORIZATION_FAILED,
            ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        ];
        self.code().is_some_and(|code| codes.contains(&code))
    }

    /// Whether a broker took a request and gave no answer in time: it may hang.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Connection { source: ConnectionError::TimedOut { sent: true, .. }, .. })
    }

    /// Whether the request may have changed something although it failed.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Connection { source, .. } if source.may_have_arrived() => Outcome::Unknown,
            Self::Unanswered { .. } | Self::Nonsense { .. } | Self::OutcomeUnknown(_) => Outcome::Unknown,
            Self::Broker { code, .. } => code_outcome(*code),
            _ => Outcome::NotWritten,
        }
    }
}

/// What an error code says about a change. A leader that loses its place while it waits for its followers answers
/// `NOT_LEADER_OR_FOLLOWER` although it has appended (Kafka class `DelayedProduce`).
fn code_outcome(code: ErrorCode) -> Outcome {
    match code {
        ErrorCode::DUPLICATE_SEQUENCE_NUMBER => Outcome::Written,
        ErrorCode::UNKNOWN_SERVER_ERROR
        | ErrorCode::REQUEST_TIMED_OUT
        | ErrorCode::NETWORK_EXCEPTION
        | ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND
        | ErrorCode::NOT_LEADER_OR_FOLLOWER
        | ErrorCode::KAFKA_STORAGE_ERROR => Outcome::Unknown,
        _ => Outcome::NotWritten,
    }
}

impl Classify for ClusterError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Broker { code, .. } => code.class(),
            Self::Connection { source, .. } | Self::Advertised { source, .. } | Self::Override { source, .. } => {
                source.class()
            }
            Self::Bootstrap { tried } => {
                let hopeless = tried.iter().all(|(_, error)| !error.class().is_retriable());
                // Every broker knows the same users: the next attempt would only count as one more wrong password.
                let unknown = tried.iter().any(|(_, error)| is_refused(error));
                if hopeless || unknown { ErrorClass::Reject } else { ErrorClass::Retry }
            }
            Self::UnknownNode(_) | Self::NoLeader(_) => ErrorClass::RefreshMetadata,
            Self::UnknownTopic(_) | Self::UnknownPartition(_) | Self::Unsupported { .. } => ErrorClass::Reject,
            Self::Unanswered { .. } | Self::Nonsense { .. } => ErrorClass::Corrupt,
            Self::OutcomeUnknown(_) => ErrorClass::Fatal,
        }
    }
}

fn node_text(node: i32) -> String {
    if node < 0 { "the bootstrap server".to_owned() } else { format!("broker {node}") }
}

fn is_refused(error: &ConnectionError) -> bool {
    matches!(error, ConnectionError::Authentication { .. }) && error.class() == ErrorClass::Reject
}

fn message_text(message: Option<&str>) -> String {
    match message {
        None | Some("") => String::new(),
        Some(text) => format!(": {text}"),
    }
}

fn tried_text(tried: &[(String, ConnectionError)]) -> String {
    let parts: Vec<String> = tried.iter().map(|(_, error)| chain(error)).collect();
    parts.join("; ")
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
