//! What a broker answers, one file for each API. kafka-protocol reads the requests and writes the answers.

mod acls_v0;
mod api_versions;
mod configs;
mod configs_v0;
mod delete_records;
mod epochs;
mod fetch;
mod find_coordinator;
mod groups;
mod init_producer_id;
mod list_offsets;
mod log_dirs;
mod metadata;
mod offset_commit;
mod offset_fetch;
mod produce;
mod producers;
mod settings;
mod topics;
mod transactions;
mod write_markers;

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{self as m, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};

use super::code;
use super::shared::Shared;
use super::state::State;

/// Where a request came in.
pub(crate) struct At<'a> {
    pub shared: &'a Arc<Shared>,
    pub node: i32,
    pub version: i16,
    /// Milliseconds for which the client is throttled.
    pub throttle: i32,
    /// Fails all partitions.
    pub refuse: Option<i16>,
}

/// A request that the fake can answer.
pub(crate) trait Call: Decodable + HeaderVersion {
    type Answer: Encodable + HeaderVersion;

    fn answer(self, at: &mut At<'_>) -> Self::Answer;
}

/// The frame of the answer; `None` where a broker ends the connection.
pub(crate) fn answer(key: i16, frame: Bytes, at: &mut At<'_>) -> Option<Bytes> {
    let release = at.shared.look(|state| state.release);
    let (least, most) = release.range(key)?;
    if key == 18 && at.version > most {
        return api_versions::too_new(&frame, release);
    }
    if !(least..=most).contains(&at.version) {
        return None;
    }
    match key {
        0 => run::<m::ProduceRequest>(frame, at),
        1 => run::<m::FetchRequest>(frame, at),
        2 => run::<m::ListOffsetsRequest>(frame, at),
        3 => run::<m::MetadataRequest>(frame, at),
        8 => run::<m::OffsetCommitRequest>(frame, at),
        9 => run::<m::OffsetFetchRequest>(frame, at),
        10 => run::<m::FindCoordinatorRequest>(frame, at),
        15 => run::<m::DescribeGroupsRequest>(frame, at),
        16 => run::<m::ListGroupsRequest>(frame, at),
        18 => run::<m::ApiVersionsRequest>(frame, at),
        19 => run::<m::CreateTopicsRequest>(frame, at),
        20 => run::<m::DeleteTopicsRequest>(frame, at),
        21 => run::<m::DeleteRecordsRequest>(frame, at),
        22 => run::<m::InitProducerIdRequest>(frame, at),
        23 => run::<m::OffsetForLeaderEpochRequest>(frame, at),
        24 => run::<m::AddPartitionsToTxnRequest>(frame, at),
        26 => run::<m::EndTxnRequest>(frame, at),
        27 => run::<m::WriteTxnMarkersRequest>(frame, at),
        29 if at.version == 0 => acls_v0::describe(&frame, at),
        30 if at.version == 0 => acls_v0::create(&frame, at),
        29 => run::<m::DescribeAclsRequest>(frame, at),
        30 => run::<m::CreateAclsRequest>(frame, at),
        32 if at.version == 0 => configs_v0::answer(&frame, at),
        32 => run::<m::DescribeConfigsRequest>(frame, at),
        33 => run::<m::AlterConfigsRequest>(frame, at),
        35 => run::<m::DescribeLogDirsRequest>(frame, at),
        42 => run::<m::DeleteGroupsRequest>(frame, at),
        44 => run::<m::IncrementalAlterConfigsRequest>(frame, at),
        47 => run::<m::OffsetDeleteRequest>(frame, at),
        48 => run::<m::DescribeClientQuotasRequest>(frame, at),
        49 => run::<m::AlterClientQuotasRequest>(frame, at),
        50 => run::<m::DescribeUserScramCredentialsRequest>(frame, at),
        60 => run::<m::DescribeClusterRequest>(frame, at),
        61 => run::<m::DescribeProducersRequest>(frame, at),
        65 => run::<m::DescribeTransactionsRequest>(frame, at),
        66 => run::<m::ListTransactionsRequest>(frame, at),
        69 => run::<m::ConsumerGroupDescribeRequest>(frame, at),
        74 => run::<m::ListConfigResourcesRequest>(frame, at),
        _ => None,
    }
}

fn run<C: Call>(mut frame: Bytes, at: &mut At<'_>) -> Option<Bytes> {
    let header = RequestHeader::decode(&mut frame, C::header_version(at.version)).ok()?;
    let call = C::decode(&mut frame, at.version).ok()?;
    let answer = call.answer(at);
    write(&answer, at.version, header.correlation_id)
}

/// Size, header and body.
fn write<A: Encodable + HeaderVersion>(answer: &A, version: i16, correlation: i32) -> Option<Bytes> {
    let mut out = BytesMut::new();
    out.put_i32(0);
    let header = ResponseHeader::default().with_correlation_id(correlation);
    header.encode(&mut out, A::header_version(version)).ok()?;
    answer.encode(&mut out, version).ok()?;
    let size = i32::try_from(out.len() - 4).ok()?;
    out.get_mut(..4)?.copy_from_slice(&size.to_be_bytes());
    Some(out.freeze())
}

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

fn topic_name(name: &str) -> m::TopicName {
    m::TopicName(text(name))
}

fn group_id(id: &str) -> m::GroupId {
    m::GroupId(text(id))
}

/// Every operation on a resource that is not forbidden.
fn operations(state: &State, asked: bool, (kind, all): (i8, &[i8])) -> i32 {
    let allowed = all.iter().filter(|operation| !state.forbidden.contains(&(kind, **operation)));
    if asked { allowed.fold(0, |bits, operation| bits | 1 << operation) } else { i32::MIN }
}

/// A code where an operation is forbidden.
fn may(state: &State, kind: i8, operation: i8) -> Result<(), i16> {
    let code = match kind {
        TOPIC => code::TOPIC_AUTHORIZATION_FAILED,
        GROUP => code::GROUP_AUTHORIZATION_FAILED,
        _ => code::CLUSTER_AUTHORIZATION_FAILED,
    };
    if state.forbidden.contains(&(kind, operation)) { Err(code) } else { Ok(()) }
}

/// Resource types (Kafka class `ResourceType`).
const TOPIC: i8 = 2;
const GROUP: i8 = 3;
const CLUSTER: i8 = 4;
/// Operations (Kafka class `AclOperation`).
const CREATE: i8 = 5;
const DELETE: i8 = 6;
const ALTER: i8 = 7;
const DESCRIBE: i8 = 8;
const CLUSTER_ACTION: i8 = 9;
const DESCRIBE_CONFIGS: i8 = 10;
const ALTER_CONFIGS: i8 = 11;
/// What can be done with a topic.
const ON_TOPIC: (i8, &[i8]) = (TOPIC, &[3, 4, 5, 6, 7, 8, 10, 11]);
/// What can be done with the cluster.
const ON_CLUSTER: (i8, &[i8]) = (CLUSTER, &[5, 7, 8, 9, 10, 11, 12]);
/// What can be done with a group.
const ON_GROUP: (i8, &[i8]) = (GROUP, &[3, 6, 8]);
