//! The layouts of the answers that kafka-protocol reads (Kafka's `*Response.json`), one block per API.

use kafka_protocol::messages as m;

use super::api::{Api, Exchange};
use super::shape::Kind::{Blob, List, Record, Text};
use super::shape::{Field, I8, I16, I32, I64, Kind, NUMBERS, Shape, UUID, always, between, since, tagged};

macro_rules! exchange {
    ($request:ident -> $answer:ident, $name:literal $key:literal v $least:literal - $most:literal,
     flexible $flexible:literal, $fields:expr) => {
        exchange!($request -> $answer, $name $key v $least - $most, flexible $flexible, $fields,
            |answer| answer.throttle_time_ms);
    };
    ($request:ident -> $answer:ident, $name:literal $key:literal v $least:literal - $most:literal,
     flexible $flexible:literal, $fields:expr, |$answered:ident| $throttle:expr) => {
        impl Exchange for m::$request {
            type Answer = m::$answer;
            const API: Api = Api { name: $name, key: $key, least: $least, most: $most };
            const SHAPE: Shape = Shape { flexible: $flexible, fields: $fields };

            fn throttle($answered: &Self::Answer) -> i32 {
                $throttle
            }
        }
    };
}

const FEATURE: &[Field] = &[always(Text), always(I16), always(I16)];
const VERSIONS: &[Field] = &[always(I16), always(I16), always(I16)];
exchange!(ApiVersionsRequest -> ApiVersionsResponse, "ApiVersions" 18 v 0 - 3, flexible 3, &[
    always(I16),
    always(List(&Record(VERSIONS))),
    since(1, I32),
    tagged(0, 3, List(&Record(FEATURE))),
    tagged(1, 3, I64),
    tagged(2, 3, List(&Record(FEATURE))),
    tagged(3, 3, I8),
]);

exchange!(SaslHandshakeRequest -> SaslHandshakeResponse, "SaslHandshake" 17 v 1 - 1, flexible 2, &[
    always(I16),
    always(List(&Text)),
], |_answer| 0);

exchange!(SaslAuthenticateRequest -> SaslAuthenticateResponse, "SaslAuthenticate" 36 v 0 - 2, flexible 2, &[
    always(I16),
    always(Text),
    always(Blob),
    since(1, I64),
], |_answer| 0);

const BROKER: &[Field] = &[always(I32), always(Text), always(I32), since(1, Text)];
const PARTITION: &[Field] =
    &[always(I16), always(I32), always(I32), since(7, I32), always(NUMBERS), always(NUMBERS), since(5, NUMBERS)];
const TOPIC: &[Field] =
    &[always(I16), always(Text), since(10, UUID), since(1, I8), always(List(&Record(PARTITION))), since(8, I32)];
exchange!(MetadataRequest -> MetadataResponse, "Metadata" 3 v 4 - 12, flexible 9, &[
    since(3, I32),
    always(List(&Record(BROKER))),
    since(2, Text),
    since(1, I32),
    always(List(&Record(TOPIC))),
    between(8, 10, I32),
]);

const LISTED_OFFSET: &[Field] = &[always(I32), always(I16), always(I64), always(I64), since(4, I32)];
const LISTED_TOPIC: &[Field] = &[always(Text), always(List(&Record(LISTED_OFFSET)))];
exchange!(ListOffsetsRequest -> ListOffsetsResponse, "ListOffsets" 2 v 1 - 10, flexible 6, &[
    since(2, I32),
    always(List(&Record(LISTED_TOPIC))),
]);

const EPOCH_END: &[Field] = &[always(I16), always(I32), always(I32), always(I64)];
const EPOCH_TOPIC: &[Field] = &[always(Text), always(List(&Record(EPOCH_END)))];
exchange!(OffsetForLeaderEpochRequest -> OffsetForLeaderEpochResponse, "OffsetForLeaderEpoch" 23 v 2 - 4, flexible 4, &[
    always(I32),
    always(List(&Record(EPOCH_TOPIC))),
]);

const LISTED_GROUP: &[Field] = &[always(Text), always(Text), since(4, Text), since(5, Text)];
exchange!(ListGroupsRequest -> ListGroupsResponse, "ListGroups" 16 v 0 - 5, flexible 3, &[
    since(1, I32),
    always(I16),
    always(List(&Record(LISTED_GROUP))),
]);

const MEMBER: &[Field] = &[always(Text), since(4, Text), always(Text), always(Text), always(Blob), always(Blob)];
const DESCRIBED_GROUP: &[Field] = &[
    always(I16),
    since(6, Text),
    always(Text),
    always(Text),
    always(Text),
    always(Text),
    always(List(&Record(MEMBER))),
    since(3, I32),
];
exchange!(DescribeGroupsRequest -> DescribeGroupsResponse, "DescribeGroups" 15 v 0 - 6, flexible 5, &[
    since(1, I32),
    always(List(&Record(DESCRIBED_GROUP))),
]);

const ASSIGNED: &[Field] = &[always(UUID), always(Text), always(NUMBERS)];
const ASSIGNMENT: &[Field] = &[always(List(&Record(ASSIGNED)))];
const CONSUMER: &[Field] = &[
    always(Text),
    always(Text),
    always(Text),
    always(I32),
    always(Text),
    always(Text),
    always(List(&Text)),
    always(Text),
    always(Record(ASSIGNMENT)),
    always(Record(ASSIGNMENT)),
    since(1, I8),
];
const CONSUMER_GROUP: &[Field] = &[
    always(I16),
    always(Text),
    always(Text),
    always(Text),
    always(I32),
    always(I32),
    always(Text),
    always(List(&Record(CONSUMER))),
    always(I32),
];
exchange!(ConsumerGroupDescribeRequest -> ConsumerGroupDescribeResponse, "ConsumerGroupDescribe" 69 v 0 - 1, flexible 0, &[
    always(I32),
    always(List(&Record(CONSUMER_GROUP))),
]);

const COORDINATOR: &[Field] = &[always(Text), always(I32), always(Text), always(I32), always(I16), always(Text)];
exchange!(FindCoordinatorRequest -> FindCoordinatorResponse, "FindCoordinator" 10 v 0 - 6, flexible 3, &[
    since(1, I32),
    between(0, 3, I16),
    between(1, 3, Text),
    between(0, 3, I32),
    between(0, 3, Text),
    between(0, 3, I32),
    since(4, List(&Record(COORDINATOR))),
]);

const COMMITTED: &[Field] = &[always(I32), always(I64), since(5, I32), always(Text), always(I16)];
const COMMITTED_TOPIC: &[Field] = &[always(Text), always(List(&Record(COMMITTED)))];
const COMMITTED_GROUP: &[Field] = &[always(Text), always(List(&Record(COMMITTED_TOPIC))), always(I16)];
exchange!(OffsetFetchRequest -> OffsetFetchResponse, "OffsetFetch" 9 v 2 - 9, flexible 6, &[
    since(3, I32),
    between(0, 7, List(&Record(COMMITTED_TOPIC))),
    between(2, 7, I16),
    since(8, List(&Record(COMMITTED_GROUP))),
]);

const COMMIT: &[Field] = &[always(I32), always(I16)];
const COMMIT_TOPIC: &[Field] = &[always(Text), always(List(&Record(COMMIT)))];
exchange!(OffsetCommitRequest -> OffsetCommitResponse, "OffsetCommit" 8 v 2 - 9, flexible 8, &[
    since(3, I32),
    always(List(&Record(COMMIT_TOPIC))),
]);

const REPLACED: &[Field] = &[always(I16), always(Text), always(I8), always(Text)];
exchange!(AlterConfigsRequest -> AlterConfigsResponse, "AlterConfigs" 33 v 0 - 2, flexible 2, &[
    always(I32),
    always(List(&Record(REPLACED))),
]);

const ALTERED: &[Field] = &[always(I16), always(Text), always(I8), always(Text)];
exchange!(IncrementalAlterConfigsRequest -> IncrementalAlterConfigsResponse, "IncrementalAlterConfigs" 44 v 0 - 1, flexible 1, &[
    always(I32),
    always(List(&Record(ALTERED))),
]);

const CREATED_CONFIG: &[Field] = &[always(Text), always(Text), always(I8), always(I8), always(I8)];
const CREATED: &[Field] = &[
    always(Text),
    since(7, UUID),
    always(I16),
    always(Text),
    since(5, I32),
    since(5, I16),
    since(5, List(&Record(CREATED_CONFIG))),
    tagged(0, 5, I16),
];
exchange!(CreateTopicsRequest -> CreateTopicsResponse, "CreateTopics" 19 v 2 - 7, flexible 5, &[
    always(I32),
    always(List(&Record(CREATED))),
]);

const DELETED: &[Field] = &[always(Text), since(6, UUID), always(I16), since(5, Text)];
exchange!(DeleteTopicsRequest -> DeleteTopicsResponse, "DeleteTopics" 20 v 1 - 6, flexible 4, &[
    always(I32),
    always(List(&Record(DELETED))),
]);

exchange!(InitProducerIdRequest -> InitProducerIdResponse, "InitProducerId" 22 v 0 - 5, flexible 2, &[
    always(I32),
    always(I16),
    always(I64),
    always(I16),
]);

const LOG_PARTITION: &[Field] = &[always(I32), always(I64), always(I64), always(I8)];
const LOG_TOPIC: &[Field] = &[always(Text), always(List(&Record(LOG_PARTITION)))];
const LOG_FOLDER: &[Field] =
    &[always(I16), always(Text), always(List(&Record(LOG_TOPIC))), since(4, I64), since(4, I64)];
exchange!(DescribeLogDirsRequest -> DescribeLogDirsResponse, "DescribeLogDirs" 35 v 1 - 4, flexible 2, &[
    always(I32),
    since(3, I16),
    always(List(&Record(LOG_FOLDER))),
]);

const LEADER: &[Field] = &[always(I32), always(I32)];
const ENDPOINT: &[Field] = &[always(I32), always(Text), always(I32), always(Text)];
const BAD_RECORD: &[Field] = &[always(I32), always(Text)];
const PRODUCED: &[Field] = &[
    always(I32),
    always(I16),
    always(I64),
    always(I64),
    since(5, I64),
    since(8, List(&Record(BAD_RECORD))),
    since(8, Text),
    tagged(0, 10, Record(LEADER)),
];
const PRODUCED_TOPIC: &[Field] = &[between(0, 12, Text), since(13, UUID), always(List(&Record(PRODUCED)))];
exchange!(ProduceRequest -> ProduceResponse, "Produce" 0 v 3 - 13, flexible 9, &[
    always(List(&Record(PRODUCED_TOPIC))),
    always(I32),
    tagged(0, 10, List(&Record(ENDPOINT))),
]);

const TRIMMED: &[Field] = &[always(I32), always(I64), always(I16)];
const TRIMMED_TOPIC: &[Field] = &[always(Text), always(List(&Record(TRIMMED)))];
exchange!(DeleteRecordsRequest -> DeleteRecordsResponse, "DeleteRecords" 21 v 0 - 2, flexible 2, &[
    always(I32),
    always(List(&Record(TRIMMED_TOPIC))),
]);

const MARKED: &[Field] = &[always(I32), always(I16)];
const MARKED_TOPIC: &[Field] = &[always(Text), always(List(&Record(MARKED)))];
const MARKED_PRODUCER: &[Field] = &[always(I64), always(List(&Record(MARKED_TOPIC)))];
// A broker that is busy with markers of its own has no time for quotas: the answer has no throttle time.
exchange!(WriteTxnMarkersRequest -> WriteTxnMarkersResponse, "WriteTxnMarkers" 27 v 1 - 1, flexible 1, &[
    always(List(&Record(MARKED_PRODUCER))),
], |_answer| 0);

const PRODUCER: &[Field] = &[always(I64), always(I32), always(I32), always(I64), always(I32), always(I64)];
const PRODUCERS: &[Field] = &[always(I32), always(I16), always(Text), always(List(&Record(PRODUCER)))];
const PRODUCERS_TOPIC: &[Field] = &[always(Text), always(List(&Record(PRODUCERS)))];
exchange!(DescribeProducersRequest -> DescribeProducersResponse, "DescribeProducers" 61 v 0 - 0, flexible 0, &[
    always(I32),
    always(List(&Record(PRODUCERS_TOPIC))),
]);

const DELETED_GROUP: &[Field] = &[always(Text), always(I16)];
const UNCOMMITTED: &[Field] = &[always(I32), always(I16)];
const UNCOMMITTED_TOPIC: &[Field] = &[always(Text), always(List(&Record(UNCOMMITTED)))];
exchange!(OffsetDeleteRequest -> OffsetDeleteResponse, "OffsetDelete" 47 v 0 - 0, flexible 1, &[
    always(I16),
    always(I32),
    always(List(&Record(UNCOMMITTED_TOPIC))),
]);

exchange!(DeleteGroupsRequest -> DeleteGroupsResponse, "DeleteGroups" 42 v 0 - 2, flexible 2, &[
    always(I32),
    always(List(&Record(DELETED_GROUP))),
]);

const TRANSACTION: &[Field] = &[always(Text), always(I64), always(Text)];
exchange!(ListTransactionsRequest -> ListTransactionsResponse, "ListTransactions" 66 v 0 - 2, flexible 0, &[
    always(I32),
    always(I16),
    always(List(&Text)),
    always(List(&Record(TRANSACTION))),
]);

const TRANSACTION_TOPIC: &[Field] = &[always(Text), always(NUMBERS)];
const DESCRIBED_TRANSACTION: &[Field] = &[
    always(I16),
    always(Text),
    always(Text),
    always(I32),
    always(I64),
    always(I64),
    always(I16),
    always(List(&Record(TRANSACTION_TOPIC))),
];
exchange!(DescribeTransactionsRequest -> DescribeTransactionsResponse, "DescribeTransactions" 65 v 0 - 0, flexible 0, &[
    always(I32),
    always(List(&Record(DESCRIBED_TRANSACTION))),
]);

const CLUSTER_BROKER: &[Field] = &[always(I32), always(Text), always(I32), always(Text), since(2, I8)];
exchange!(DescribeClusterRequest -> DescribeClusterResponse, "DescribeCluster" 60 v 0 - 2, flexible 0, &[
    always(I32),
    always(I16),
    always(Text),
    since(1, I8),
    always(Text),
    always(I32),
    always(List(&Record(CLUSTER_BROKER))),
    always(I32),
]);

const QUOTA_PART: &[Field] = &[always(Text), always(Text)];
const QUOTA_VALUE: &[Field] = &[always(Text), always(I64)];
const QUOTA: &[Field] = &[always(List(&Record(QUOTA_PART))), always(List(&Record(QUOTA_VALUE)))];
exchange!(DescribeClientQuotasRequest -> DescribeClientQuotasResponse, "DescribeClientQuotas" 48 v 0 - 1, flexible 1, &[
    always(I32),
    always(I16),
    always(Text),
    always(List(&Record(QUOTA))),
]);

const ALTERED_QUOTA: &[Field] = &[always(I16), always(Text), always(List(&Record(QUOTA_PART)))];
exchange!(AlterClientQuotasRequest -> AlterClientQuotasResponse, "AlterClientQuotas" 49 v 0 - 1, flexible 1, &[
    always(I32),
    always(List(&Record(ALTERED_QUOTA))),
]);

const CREDENTIAL: &[Field] = &[always(I8), always(I32)];
const SCRAM_USER: &[Field] = &[always(Text), always(I16), always(Text), always(List(&Record(CREDENTIAL)))];
exchange!(DescribeUserScramCredentialsRequest -> DescribeUserScramCredentialsResponse,
    "DescribeUserScramCredentials" 50 v 0 - 0, flexible 0, &[
    always(I32),
    always(I16),
    always(Text),
    always(List(&Record(SCRAM_USER))),
]);

const CONFIG_RESOURCE: &[Field] = &[always(Text), since(1, I8)];
exchange!(ListConfigResourcesRequest -> ListConfigResourcesResponse, "ListConfigResources" 74 v 0 - 1, flexible 0, &[
    always(I32),
    always(I16),
    always(List(&Record(CONFIG_RESOURCE))),
]);
const REPLICA_STATE: &[Field] = &[always(I32), since(2, UUID), always(I64), since(1, I64), since(1, I64)];
const REPLICA_STATES: Kind = List(&Record(REPLICA_STATE));
const QUORUM: &[Field] = &[
    always(I32),
    always(I16),
    since(2, Text),
    always(I32),
    always(I32),
    always(I64),
    always(REPLICA_STATES),
    always(REPLICA_STATES),
];
const QUORUM_TOPIC: &[Field] = &[always(Text), always(List(&Record(QUORUM)))];
const QUORUM_LISTENER: &[Field] = &[always(Text), always(Text), always(I16)];
const QUORUM_NODE: &[Field] = &[always(I32), always(List(&Record(QUORUM_LISTENER)))];
// Version 0 has no times. No version has a throttle time.
exchange!(DescribeQuorumRequest -> DescribeQuorumResponse, "DescribeQuorum" 55 v 1 - 2, flexible 0, &[
    always(I16),
    since(2, Text),
    always(List(&Record(QUORUM_TOPIC))),
    since(2, List(&Record(QUORUM_NODE))),
], |_answer| 0);
