//! Access control lists as Kafka has them. Numbers that are newer than this table are kept as they are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is neither a known name nor a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a name nor a number of Kafka's")]
pub struct UnknownCode(pub String);

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$one:meta])* $constant:ident $code:literal $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(pub i8);

        impl $name {
            $($(#[$one])* pub const $constant: Self = Self($code);)*
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $($code => f.write_str($text),)*
                    other => write!(f, "{other}"),
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownCode;

            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                match text {
                    $($text => Ok(Self($code)),)*
                    other => other.parse().map(Self).map_err(|_| UnknownCode(other.to_owned())),
                }
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> Self {
                code.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = UnknownCode;

            fn try_from(text: String) -> Result<Self, UnknownCode> {
                text.parse()
            }
        }
    };
}

codes! {
    /// What kind of thing a rule is about (Kafka class `ResourceType`).
    ResourceType {
        /// A topic.
        TOPIC 2 "topic";
        /// A consumer group.
        GROUP 3 "group";
        /// The cluster.
        CLUSTER 4 "cluster";
        /// A transactional id.
        TRANSACTIONAL_ID 5 "transactional-id";
        /// A delegation token.
        DELEGATION_TOKEN 6 "delegation-token";
        /// A user.
        USER 7 "user";
    }
}

codes! {
    /// How a rule's name is compared (Kafka class `PatternType`).
    PatternType {
        /// The whole name, or `*` for every name.
        LITERAL 3 "literal";
        /// The beginning of the name.
        PREFIXED 4 "prefixed";
    }
}

codes! {
    /// What a rule allows or denies (Kafka class `AclOperation`).
    AclOperation {
        /// Everything.
        ALL 2 "all";
        /// Fetch records, commit offsets.
        READ 3 "read";
        /// Produce records.
        WRITE 4 "write";
        /// Create.
        CREATE 5 "create";
        /// Delete.
        DELETE 6 "delete";
        /// Alter.
        ALTER 7 "alter";
        /// See that it is there.
        DESCRIBE 8 "describe";
        /// What brokers do among themselves.
        CLUSTER_ACTION 9 "cluster-action";
        /// See settings.
        DESCRIBE_CONFIGS 10 "describe-configs";
        /// Change settings.
        ALTER_CONFIGS 11 "alter-configs";
        /// Produce idempotently.
        IDEMPOTENT_WRITE 12 "idempotent-write";
        /// Make delegation tokens.
        CREATE_TOKENS 13 "create-tokens";
        /// See delegation tokens.
        DESCRIBE_TOKENS 14 "describe-tokens";
        /// Two-phase commit (KIP-939).
        TWO_PHASE_COMMIT 15 "two-phase-commit";
    }
}

codes! {
    /// Whether a rule allows or denies (Kafka class `AclPermissionType`).
    Permission {
        /// It denies; that wins over all that allow.
        DENY 2 "deny";
        /// It allows.
        ALLOW 3 "allow";
    }
}

/// One rule of the authorizer. Those that deny sort first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Acl {
    /// Whether it allows or denies.
    pub permission: Permission,
    /// Whom, as in `User:alice`.
    pub principal: String,
    /// What.
    pub operation: AclOperation,
    /// On what kind of thing.
    pub resource_type: ResourceType,
    /// On which one; `*` in a literal pattern is all of them.
    pub resource_name: String,
    /// How the name is compared.
    pub pattern_type: PatternType,
    /// From which address; `*` is any.
    pub host: String,
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { permission, principal, operation, resource_type, resource_name, .. } = self;
        write!(f, "{permission} {principal} {operation} on {resource_type}")?;
        match self.pattern_type {
            _ if self.resource_type == ResourceType::CLUSTER => {}
            PatternType::LITERAL => write!(f, " {resource_name}")?,
            PatternType::PREFIXED => write!(f, "s that begin with {resource_name}")?,
            other => write!(f, " {resource_name} (pattern type {other})")?,
        }
        if self.host == "*" { Ok(()) } else { write!(f, " from {}", self.host) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_written_as_words_and_newer_numbers_are_kept() {
        let acl = Acl {
            permission: Permission::ALLOW,
            principal: "User:alice".to_owned(),
            operation: AclOperation::READ,
            resource_type: ResourceType::TOPIC,
            resource_name: "orders".to_owned(),
            pattern_type: PatternType::LITERAL,
            host: "*".to_owned(),
        };
        assert_eq!(acl.to_string(), "allow User:alice read on topic orders");
        let other = Acl { pattern_type: PatternType::PREFIXED, host: "10.0.0.1".to_owned(), ..acl.clone() };
        assert_eq!(other.to_string(), "allow User:alice read on topics that begin with orders from 10.0.0.1");
        let newer = Acl { operation: AclOperation(99), permission: Permission::DENY, ..acl.clone() };
        assert!(newer < acl, "rules that deny come first");
        for acl in [acl, other, newer] {
            let json = serde_json::to_string(&acl).unwrap();
            assert_eq!(serde_json::from_str::<Acl>(&json).unwrap(), acl, "{json}");
        }
        assert!("sometimes".parse::<Permission>().is_err());
    }
}
