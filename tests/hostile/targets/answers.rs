//! One answer of a broker: which API, which version, and the frame with its correlation id.

use bytes::Bytes;
use kafka_protocol::messages as m;
use ktape::wire::{Exchange, FETCH, Prefix, fetch, request};

/// The lowest version, the highest, and a reader.
type Reader = (i16, i16, fn(&Bytes, i16));

pub(super) fn run(data: &[u8]) {
    let [api, version, frame @ ..] = data else { return };
    if let Some(prefix) = frame.first_chunk() {
        let _ = Prefix::read(*prefix, 1 << 20);
    }
    let (least, most, read) = READERS[usize::from(*api) % READERS.len()];
    let version = least + i16::from(*version) % (most - least + 1);
    read(&Bytes::copy_from_slice(frame), version);
}

fn reader<R: Exchange>() -> Reader {
    (R::API.least, R::API.most, read::<R>)
}

fn read<R: Exchange>(frame: &Bytes, version: i16) {
    if let Ok(answer) = request::decode::<R>(frame, version) {
        let _ = R::throttle(&answer);
    }
}

fn read_fetch(frame: &Bytes, version: i16) {
    let Ok(body) = request::body(frame, version >= fetch::FLEXIBLE) else { return };
    let Ok(answer) = fetch::read(&body, version) else { return };
    let total: usize = answer.partitions.iter().map(|one| one.records.len()).sum();
    assert!(total <= frame.len(), "records overlap");
}

/// New ones at the end: the corpus counts from the beginning.
fn readers() -> Vec<Reader> {
    vec![
        (FETCH.least, FETCH.most, read_fetch),
        reader::<m::ApiVersionsRequest>(),
        reader::<m::SaslHandshakeRequest>(),
        reader::<m::SaslAuthenticateRequest>(),
        reader::<m::MetadataRequest>(),
        reader::<m::ListOffsetsRequest>(),
        reader::<m::OffsetForLeaderEpochRequest>(),
        reader::<m::ListGroupsRequest>(),
        reader::<m::DescribeGroupsRequest>(),
        reader::<m::ConsumerGroupDescribeRequest>(),
        reader::<m::FindCoordinatorRequest>(),
        reader::<m::OffsetFetchRequest>(),
        reader::<m::OffsetCommitRequest>(),
        reader::<m::DescribeConfigsRequest>(),
        reader::<m::IncrementalAlterConfigsRequest>(),
        reader::<m::CreateTopicsRequest>(),
        reader::<m::DeleteTopicsRequest>(),
        reader::<m::InitProducerIdRequest>(),
        reader::<m::ProduceRequest>(),
        reader::<m::DeleteRecordsRequest>(),
        reader::<m::WriteTxnMarkersRequest>(),
        reader::<m::DescribeProducersRequest>(),
        reader::<m::OffsetDeleteRequest>(),
        reader::<m::DeleteGroupsRequest>(),
        reader::<m::ListTransactionsRequest>(),
        reader::<m::DescribeTransactionsRequest>(),
        reader::<m::DescribeClusterRequest>(),
        reader::<m::DescribeAclsRequest>(),
        reader::<m::CreateAclsRequest>(),
        reader::<m::DescribeClientQuotasRequest>(),
        reader::<m::AlterClientQuotasRequest>(),
        reader::<m::DescribeUserScramCredentialsRequest>(),
        reader::<m::ListConfigResourcesRequest>(),
        reader::<m::DescribeQuorumRequest>(),
        reader::<m::DescribeLogDirsRequest>(),
        reader::<m::AlterConfigsRequest>(),
    ]
}

static READERS: std::sync::LazyLock<Vec<Reader>> = std::sync::LazyLock::new(readers);
