//! Answers that real brokers gave, of old and new versions: read, and written again by kafka-protocol's broker side, byte for
//! byte. `protocol-tests/golden/README.md` says how they were captured.

mod capture;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages as m;
use kafka_protocol::protocol::{Decodable, Encodable};
use ktape::wire::{Exchange, FETCH, fetch, request};
use protocol_tests::proxy::Answer;

/// Versions with answers, oldest first.
const VERSIONS: [&str; 4] = ["0.11.0.3", "2.4.1", "2.8.2", "4.2.0"];

/// Whose version 0 kafka-protocol does not have.
const ONLY_READ: [&str; 2] = ["DescribeAcls", "DescribeConfigs"];

fn file(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("protocol-tests/golden/frames/{version}.txt"))
}

/// API, version and frame of each answer, in hexadecimal digits.
fn captured(version: &str) -> Vec<Answer> {
    let text = fs::read_to_string(file(version)).unwrap();
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let [api, version, frame] = fields[..] else { panic!("{line}") };
        let byte = |at: usize| u8::from_str_radix(&frame[at..at + 2], 16).unwrap();
        let frame = (0..frame.len()).step_by(2).map(byte).collect();
        Answer { api: api.parse().unwrap(), version: version.parse().unwrap(), frame }
    };
    text.lines().map(line).collect()
}

/// The answers of one API, in these versions.
struct Reader {
    key: i16,
    versions: (i16, i16),
    same: fn(&Bytes, i16),
}

fn reader<R: Exchange>() -> Reader
where
    R::Answer: Encodable,
{
    Reader { key: R::API.key, versions: (R::API.least, R::API.most), same: same::<R> }
}

/// What is read of an answer says all that was in it.
fn same<R: Exchange>(frame: &Bytes, version: i16)
where
    R::Answer: Encodable,
{
    use kafka_protocol::protocol::HeaderVersion;
    let answer = request::decode::<R>(frame, version).unwrap();
    let body = request::body(frame, R::Answer::header_version(version) >= 1).unwrap();
    let mut again = BytesMut::new();
    if answer.encode(&mut again, version).is_err() {
        assert!(version == 0 && ONLY_READ.contains(&R::API.name), "{} v{version}", R::API.name);
        return;
    }
    assert_eq!(again, body, "{} v{version}", R::API.name);
}

/// Our own reader and kafka-protocol's find the same.
fn same_fetch(frame: &Bytes, version: i16) {
    let mut body = request::body(frame, version >= fetch::FLEXIBLE).unwrap();
    let ours = fetch::read(&body, version).unwrap();
    let theirs = m::FetchResponse::decode(&mut body, version).unwrap();
    assert_eq!(ours.error_code, theirs.error_code);
    let parts: Vec<_> = theirs.responses.iter().flat_map(|topic| &topic.partitions).collect();
    assert_eq!(ours.partitions.len(), parts.len());
    for (our, their) in ours.partitions.iter().zip(parts) {
        assert_eq!((our.partition, our.error_code), (their.partition_index, their.error_code));
        assert_eq!((our.high_watermark, our.last_stable), (their.high_watermark, their.last_stable_offset));
        assert_eq!(our.records, their.records.clone().unwrap_or_default());
    }
}

fn readers() -> Vec<Reader> {
    vec![
        Reader { key: FETCH.key, versions: (FETCH.least, FETCH.most), same: same_fetch },
        reader::<m::ApiVersionsRequest>(),
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
        reader::<m::ListTransactionsRequest>(),
        reader::<m::DescribeTransactionsRequest>(),
        reader::<m::DescribeClusterRequest>(),
        reader::<m::DescribeAclsRequest>(),
        reader::<m::DescribeClientQuotasRequest>(),
        reader::<m::AlterClientQuotasRequest>(),
        reader::<m::DescribeUserScramCredentialsRequest>(),
        reader::<m::ListConfigResourcesRequest>(),
        reader::<m::DescribeQuorumRequest>(),
        reader::<m::DescribeLogDirsRequest>(),
        reader::<m::AlterConfigsRequest>(),
    ]
}

#[test]
fn answers_of_real_brokers_are_read_whole() {
    let readers = readers();
    let mut apis = BTreeSet::new();
    for version in VERSIONS {
        let answers = captured(version);
        for answer in &answers {
            let reader = readers.iter().find(|reader| reader.key == answer.api);
            let reader = reader.unwrap_or_else(|| panic!("{version}: API {} has no reader", answer.api));
            assert!((reader.versions.0..=reader.versions.1).contains(&answer.version), "{}", answer.api);
            (reader.same)(&Bytes::from(answer.frame.clone()), answer.version);
            apis.insert((answer.api, answer.version));
        }
        println!("{version}: {} answers", answers.len());
    }
    assert!(apis.len() >= 50, "only {} APIs and versions", apis.len());
}
