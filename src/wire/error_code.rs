//! The broker's error codes: one table from code to name and to what can be done about it (Kafka class `Errors`).

use std::fmt;

use crate::model::ErrorClass;

/// An error code as it stands in an answer; 0 is no error, unknown codes are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub i16);

macro_rules! error_codes {
    ($($code:literal $name:ident $class:ident;)*) => {
        impl ErrorCode {
            $(
                #[doc = concat!("Code ", stringify!($code), " of Kafka class `Errors`.")]
                pub const $name: Self = Self($code);
            )*

            /// Kafka's name of the code; `None` for codes newer than this table.
            pub fn known_name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// What to do about it; an unknown code is refused.
            pub fn class(self) -> ErrorClass {
                match self.0 {
                    $($code => ErrorClass::$class,)*
                    _ => ErrorClass::Reject,
                }
            }
        }
    };
}

error_codes! {
    -1 UNKNOWN_SERVER_ERROR Fatal;
    0 NONE Reject;
    1 OFFSET_OUT_OF_RANGE Reject;
    2 CORRUPT_MESSAGE Corrupt;
    3 UNKNOWN_TOPIC_OR_PARTITION RefreshMetadata;
    4 INVALID_FETCH_SIZE Reject;
    5 LEADER_NOT_AVAILABLE RefreshMetadata;
    6 NOT_LEADER_OR_FOLLOWER RefreshMetadata;
    7 REQUEST_TIMED_OUT Retry;
    8 BROKER_NOT_AVAILABLE RefreshMetadata;
    9 REPLICA_NOT_AVAILABLE RefreshMetadata;
    10 MESSAGE_TOO_LARGE Reject;
    11 STALE_CONTROLLER_EPOCH Reject;
    12 OFFSET_METADATA_TOO_LARGE Reject;
    13 NETWORK_EXCEPTION RefreshMetadata;
    14 COORDINATOR_LOAD_IN_PROGRESS Retry;
    15 COORDINATOR_NOT_AVAILABLE RefreshMetadata;
    16 NOT_COORDINATOR RefreshMetadata;
    17 INVALID_TOPIC_EXCEPTION Reject;
    18 RECORD_LIST_TOO_LARGE Reject;
    19 NOT_ENOUGH_REPLICAS Retry;
    20 NOT_ENOUGH_REPLICAS_AFTER_APPEND Retry;
    21 INVALID_REQUIRED_ACKS Reject;
    22 ILLEGAL_GENERATION Reject;
    23 INCONSISTENT_GROUP_PROTOCOL Reject;
    24 INVALID_GROUP_ID Reject;
    25 UNKNOWN_MEMBER_ID Reject;
    26 INVALID_SESSION_TIMEOUT Reject;
    27 REBALANCE_IN_PROGRESS Reject;
    28 INVALID_COMMIT_OFFSET_SIZE Reject;
    29 TOPIC_AUTHORIZATION_FAILED Reject;
    30 GROUP_AUTHORIZATION_FAILED Reject;
    31 CLUSTER_AUTHORIZATION_FAILED Reject;
    32 INVALID_TIMESTAMP Reject;
    33 UNSUPPORTED_SASL_MECHANISM Reject;
    34 ILLEGAL_SASL_STATE Reject;
    35 UNSUPPORTED_VERSION Reject;
    36 TOPIC_ALREADY_EXISTS Reject;
    37 INVALID_PARTITIONS Reject;
    38 INVALID_REPLICATION_FACTOR Reject;
    39 INVALID_REPLICA_ASSIGNMENT Reject;
    40 INVALID_CONFIG Reject;
    41 NOT_CONTROLLER RefreshMetadata;
    42 INVALID_REQUEST Reject;
    43 UNSUPPORTED_FOR_MESSAGE_FORMAT Reject;
    44 POLICY_VIOLATION Reject;
    45 OUT_OF_ORDER_SEQUENCE_NUMBER Reject;
    46 DUPLICATE_SEQUENCE_NUMBER Reject;
    47 INVALID_PRODUCER_EPOCH Reject;
    48 INVALID_TXN_STATE Reject;
    49 INVALID_PRODUCER_ID_MAPPING Reject;
    50 INVALID_TRANSACTION_TIMEOUT Reject;
    51 CONCURRENT_TRANSACTIONS Retry;
    52 TRANSACTION_COORDINATOR_FENCED Reject;
    53 TRANSACTIONAL_ID_AUTHORIZATION_FAILED Reject;
    54 SECURITY_DISABLED Reject;
    55 OPERATION_NOT_ATTEMPTED Reject;
    56 KAFKA_STORAGE_ERROR RefreshMetadata;
    57 LOG_DIR_NOT_FOUND Reject;
    58 SASL_AUTHENTICATION_FAILED Reject;
    59 UNKNOWN_PRODUCER_ID Reject;
    60 REASSIGNMENT_IN_PROGRESS Reject;
    61 DELEGATION_TOKEN_AUTH_DISABLED Reject;
    62 DELEGATION_TOKEN_NOT_FOUND Reject;
    63 DELEGATION_TOKEN_OWNER_MISMATCH Reject;
    64 DELEGATION_TOKEN_REQUEST_NOT_ALLOWED Reject;
    65 DELEGATION_TOKEN_AUTHORIZATION_FAILED Reject;
    66 DELEGATION_TOKEN_EXPIRED Reject;
    67 INVALID_PRINCIPAL_TYPE Reject;
    68 NON_EMPTY_GROUP Reject;
    69 GROUP_ID_NOT_FOUND Reject;
    70 FETCH_SESSION_ID_NOT_FOUND Retry;
    71 INVALID_FETCH_SESSION_EPOCH Retry;
    72 LISTENER_NOT_FOUND RefreshMetadata;
    73 TOPIC_DELETION_DISABLED Reject;
    74 FENCED_LEADER_EPOCH RefreshMetadata;
    75 UNKNOWN_LEADER_EPOCH RefreshMetadata;
    76 UNSUPPORTED_COMPRESSION_TYPE Reject;
    77 STALE_BROKER_EPOCH Reject;
    78 OFFSET_NOT_AVAILABLE RefreshMetadata;
    79 MEMBER_ID_REQUIRED Reject;
    80 PREFERRED_LEADER_NOT_AVAILABLE RefreshMetadata;
    81 GROUP_MAX_SIZE_REACHED Reject;
    82 FENCED_INSTANCE_ID Reject;
    83 ELIGIBLE_LEADERS_NOT_AVAILABLE RefreshMetadata;
    84 ELECTION_NOT_NEEDED Reject;
    85 NO_REASSIGNMENT_IN_PROGRESS Reject;
    86 GROUP_SUBSCRIBED_TO_TOPIC Reject;
    87 INVALID_RECORD Reject;
    88 UNSTABLE_OFFSET_COMMIT Retry;
    89 THROTTLING_QUOTA_EXCEEDED Retry;
    90 PRODUCER_FENCED Reject;
    91 RESOURCE_NOT_FOUND Reject;
    92 DUPLICATE_RESOURCE Reject;
    93 UNACCEPTABLE_CREDENTIAL Reject;
    94 INCONSISTENT_VOTER_SET Reject;
    95 INVALID_UPDATE_VERSION Reject;
    96 FEATURE_UPDATE_FAILED Reject;
    97 PRINCIPAL_DESERIALIZATION_FAILURE Reject;
    98 SNAPSHOT_NOT_FOUND Reject;
    99 POSITION_OUT_OF_RANGE Reject;
    100 UNKNOWN_TOPIC_ID RefreshMetadata;
    101 DUPLICATE_BROKER_REGISTRATION Reject;
    102 BROKER_ID_NOT_REGISTERED Reject;
    103 INCONSISTENT_TOPIC_ID RefreshMetadata;
    104 INCONSISTENT_CLUSTER_ID Reject;
    105 TRANSACTIONAL_ID_NOT_FOUND Reject;
    106 FETCH_SESSION_TOPIC_ID_ERROR Retry;
    107 INELIGIBLE_REPLICA Reject;
    108 NEW_LEADER_ELECTED Reject;
    109 OFFSET_MOVED_TO_TIERED_STORAGE Reject;
    110 FENCED_MEMBER_EPOCH Reject;
    111 UNRELEASED_INSTANCE_ID Reject;
    112 UNSUPPORTED_ASSIGNOR Reject;
    113 STALE_MEMBER_EPOCH Reject;
    114 MISMATCHED_ENDPOINT_TYPE Reject;
    115 UNSUPPORTED_ENDPOINT_TYPE Reject;
    116 UNKNOWN_CONTROLLER_ID Reject;
    117 UNKNOWN_SUBSCRIPTION_ID Reject;
    118 TELEMETRY_TOO_LARGE Reject;
    119 INVALID_REGISTRATION Reject;
    120 TRANSACTION_ABORTABLE Reject;
    121 INVALID_RECORD_STATE Reject;
    122 SHARE_SESSION_NOT_FOUND Retry;
    123 INVALID_SHARE_SESSION_EPOCH Retry;
    124 FENCED_STATE_EPOCH Reject;
    125 INVALID_VOTER_KEY Reject;
    126 DUPLICATE_VOTER Reject;
    127 VOTER_NOT_FOUND Reject;
    128 INVALID_REGULAR_EXPRESSION Reject;
    129 REBOOTSTRAP_REQUIRED Reject;
    130 STREAMS_INVALID_TOPOLOGY Reject;
    131 STREAMS_INVALID_TOPOLOGY_EPOCH Reject;
    132 STREAMS_TOPOLOGY_FENCED Reject;
    133 SHARE_SESSION_LIMIT_REACHED Retry;
}

impl ErrorCode {
    /// `None` for code 0.
    pub fn failure(code: i16) -> Option<Self> {
        (code != 0).then_some(Self(code))
    }

    /// Whether this client lacks a right.
    pub fn is_authorization(self) -> bool {
        let codes = [
            Self::TOPIC_AUTHORIZATION_FAILED,
            Self::GROUP_AUTHORIZATION_FAILED,
            Self::CLUSTER_AUTHORIZATION_FAILED,
            Self::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        ];
        codes.contains(&self)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known_name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "error code {}", self.0),
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_kafkas_names_and_newer_ones_are_refused_by_number() {
        assert_eq!(ErrorCode(6).to_string(), "NOT_LEADER_OR_FOLLOWER (6)");
        assert_eq!(ErrorCode(6).class(), ErrorClass::RefreshMetadata);
        assert_eq!(ErrorCode(999).to_string(), "error code 999");
        assert_eq!(ErrorCode(999).class(), ErrorClass::Reject);
        assert_eq!(ErrorCode::failure(0), None);
    }
}
