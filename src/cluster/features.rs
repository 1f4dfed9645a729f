//! What the brokers offer.

use kafka_protocol::messages as m;

use crate::wire::{BrokerVersions, Exchange, FETCH, PRODUCE, fetch};

/// What the brokers offer, found by `ApiVersions`, never by version strings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent capabilities")]
pub struct Features {
    /// Topics have ids (2.8+), and Fetch takes them (3.1+).
    pub topic_ids: bool,
    /// Fetch and Produce take zstd (2.1+).
    pub zstd: bool,
    /// `OffsetForLeaderEpoch` v2+ (2.1+).
    pub epoch_ends: bool,
    /// `OffsetFetch` can wait for open transactions (2.5+).
    pub stable_offsets: bool,
    /// `IncrementalAlterConfigs` (2.3+).
    pub alter_configs: bool,
    /// `CreateTopics` v4+ knows default partitions and replication (2.4+).
    pub create_defaults: bool,
    /// `InitProducerId`: idempotent producing.
    pub producer_ids: bool,
    /// `DeleteRecords`.
    pub delete_records: bool,
    /// `DescribeProducers` (2.8+).
    pub describe_producers: bool,
    /// `WriteTxnMarkers` v1 (2.8+, Apache Kafka only).
    pub write_markers: bool,
    /// Groups have settings of their own (3.8+; told by `ListGroups` v5, which came with them).
    pub group_configs: bool,
    /// `ListTransactions` and `DescribeTransactions` (3.0+).
    pub describe_transactions: bool,
}

impl Features {
    pub(super) fn of(versions: &BrokerVersions) -> Self {
        Self {
            topic_ids: versions.has(&m::MetadataRequest::API, 10) && versions.has(&FETCH, fetch::TOPIC_IDS),
            zstd: versions.has(&FETCH, 10) && versions.has(&PRODUCE, 7),
            epoch_ends: versions.has(&m::OffsetForLeaderEpochRequest::API, 2),
            stable_offsets: versions.has(&m::OffsetFetchRequest::API, 7),
            alter_configs: versions.has(&m::IncrementalAlterConfigsRequest::API, 0),
            create_defaults: versions.has(&m::CreateTopicsRequest::API, 4),
            producer_ids: versions.has(&m::InitProducerIdRequest::API, 0),
            delete_records: versions.has(&m::DeleteRecordsRequest::API, 0),
            describe_producers: versions.has(&m::DescribeProducersRequest::API, 0),
            write_markers: versions.has(&m::WriteTxnMarkersRequest::API, 1),
            group_configs: versions.has(&m::ListGroupsRequest::API, 5),
            describe_transactions: versions.has(&m::ListTransactionsRequest::API, 0)
                && versions.has(&m::DescribeTransactionsRequest::API, 0),
        }
    }
}
