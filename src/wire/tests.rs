//! Hostile answers, and agreement with kafka-protocol in every version.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages as m;
use kafka_protocol::protocol::{Encodable, HeaderVersion, StrBytes};

use super::shape::sample;
use super::{Exchange, WireError, fetch, produce, request};

/// A frame with correlation id and the tags that the version has.
fn frame(body: &[u8], flexible: bool) -> Bytes {
    let mut frame = BytesMut::from(&7_i32.to_be_bytes()[..]);
    if flexible {
        frame.put_u8(0);
    }
    frame.put_slice(body);
    frame.freeze()
}

/// Whatever the bytes are, the answer is an error or a value: no panic, no memory for elements that cannot be there.
fn survives<R: Exchange>() {
    let api = R::API;
    for version in api.least..=api.most {
        let flexible = R::Answer::header_version(version) >= 1;
        for elements in 0..3 {
            let body = sample(&R::SHAPE, version, elements);
            let read = request::decode::<R>(&frame(&body, flexible), version);
            assert!(read.is_ok(), "{} v{version} with {elements}: {:?}", api.name, read.err());
            for cut in 0..body.len() {
                let read = request::decode::<R>(&frame(&body[..cut], flexible), version);
                assert!(read.is_err(), "{} v{version} cut at {cut}", api.name);
            }
            for at in 0..body.len() {
                for bad in [[0x7f, 0xff, 0xff, 0xff], [0xff; 4], [0x80, 0, 0, 0], [0xff, 0xff, 0xff, 0x07], [0xfe; 4]] {
                    let mut body = body.clone();
                    let end = body.len().min(at + 4);
                    body[at..end].copy_from_slice(&bad[..end - at]);
                    let _ = request::decode::<R>(&frame(&body, flexible), version);
                }
            }
            let mut longer = body.clone();
            longer.push(0);
            let read = request::decode::<R>(&frame(&longer, flexible), version).err();
            assert!(matches!(read, Some(WireError::Leftover { .. })), "{} v{version}: {read:?}", api.name);
        }
    }
}

#[test]
fn every_answer_is_read_as_kafka_protocol_reads_it_and_hostile_ones_are_refused() {
    survives::<m::ApiVersionsRequest>();
    survives::<m::SaslHandshakeRequest>();
    survives::<m::SaslAuthenticateRequest>();
    survives::<m::MetadataRequest>();
    survives::<m::ListOffsetsRequest>();
    survives::<m::OffsetForLeaderEpochRequest>();
    survives::<m::ListGroupsRequest>();
    survives::<m::DescribeGroupsRequest>();
    survives::<m::ConsumerGroupDescribeRequest>();
    survives::<m::FindCoordinatorRequest>();
    survives::<m::OffsetFetchRequest>();
    survives::<m::OffsetCommitRequest>();
    survives::<m::DescribeConfigsRequest>();
    survives::<m::IncrementalAlterConfigsRequest>();
    survives::<m::AlterConfigsRequest>();
    survives::<m::CreateTopicsRequest>();
    survives::<m::DeleteTopicsRequest>();
    survives::<m::InitProducerIdRequest>();
    survives::<m::ProduceRequest>();
    survives::<m::DeleteRecordsRequest>();
    survives::<m::WriteTxnMarkersRequest>();
    survives::<m::DescribeProducersRequest>();
    survives::<m::OffsetDeleteRequest>();
    survives::<m::DeleteGroupsRequest>();
    survives::<m::ListTransactionsRequest>();
    survives::<m::DescribeTransactionsRequest>();
    survives::<m::DescribeClusterRequest>();
    survives::<m::DescribeAclsRequest>();
    survives::<m::CreateAclsRequest>();
    survives::<m::DescribeClientQuotasRequest>();
    survives::<m::AlterClientQuotasRequest>();
    survives::<m::DescribeUserScramCredentialsRequest>();
    survives::<m::ListConfigResourcesRequest>();
    survives::<m::DescribeQuorumRequest>();
}

#[test]
fn a_count_of_two_thousand_million_topics_is_an_error() {
    let body = [&[0; 8][..], &i32::MAX.to_be_bytes()].concat();
    let read = request::decode::<m::ListOffsetsRequest>(&frame(&body[4..], false), 2);
    assert!(matches!(read, Err(WireError::Count { .. })), "{read:?}");
}

#[test]
fn an_answer_of_millions_of_empty_elements_is_an_error() {
    // A list of mechanisms, each an empty text of two bytes.
    let count = (8 << 20) + 1_usize;
    let mut body = BytesMut::from(&[0, 0][..]);
    body.put_i32(count as i32);
    body.put_bytes(0, count * 2);
    let read = request::decode::<m::SaslHandshakeRequest>(&frame(&body, false), 1);
    assert!(matches!(read, Err(WireError::Count { .. })), "{:?}", read.err());
}

/// kafka-protocol's own request, with header and length, as ours are.
fn theirs<R: Encodable + HeaderVersion>(request: &R, key: i16, version: i16) -> Vec<u8> {
    let mut frame = BytesMut::new();
    let header = request::RequestHeader {
        key,
        version,
        correlation: 9,
        client_id: "ktape",
        flexible: R::header_version(version) >= 2,
    };
    header.begin(&mut frame).unwrap();
    request.encode(&mut frame, version).unwrap();
    request::finish(&mut frame, 0).unwrap();
    frame.to_vec()
}

#[test]
fn produce_requests_are_those_of_kafka_protocol() {
    let payloads = [Bytes::from_static(b"payload one"), Bytes::from(vec![7; 300]), Bytes::new()];
    let header = [5; 61];
    let id = [3; 16];
    for version in 3..=13 {
        let named = |topic: &'static str, payloads: &[Bytes]| {
            let part = |(index, payload): (usize, &Bytes)| {
                m::produce_request::PartitionProduceData::default()
                    .with_index(index as i32)
                    .with_records(Some([&header[..], payload].concat().into()))
            };
            let parts = payloads.iter().enumerate().map(part).collect();
            let mut data = m::produce_request::TopicProduceData::default().with_partition_data(parts);
            if version >= 13 {
                data.topic_id = id.to_vec().try_into().unwrap();
            } else {
                data.name = m::TopicName(StrBytes::from_static_str(topic));
            }
            data
        };
        let request = m::ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(4_000)
            .with_topic_data(vec![named("alpha", &payloads[..2]), named("beta", &payloads[2..])]);
        let part =
            |topic, partition, payload| produce::Part { topic, topic_id: id, partition, header: &header, payload };
        let parts = [part("alpha", 0, &payloads[0]), part("alpha", 1, &payloads[1]), part("beta", 0, &payloads[2])];
        let envelope = produce::Envelope { version, correlation: 9, client_id: "ktape", timeout_ms: 4_000 };
        let pieces = produce::encode(&envelope, &parts).unwrap();
        assert_eq!(pieces.concat(), theirs(&request, 0, version), "v{version}");
        assert_eq!(pieces[1].as_ptr(), payloads[0].as_ptr(), "payloads are not copied");
    }
}

#[test]
fn fetch_requests_are_those_of_kafka_protocol() {
    let id = [3; 16];
    for version in 4..=17 {
        let topic = |name: &'static str, partitions: &[(i32, i64)]| {
            let part = |(partition, offset): &(i32, i64)| {
                let mut part = m::fetch_request::FetchPartition::default()
                    .with_partition(*partition)
                    .with_fetch_offset(*offset)
                    .with_partition_max_bytes(1 << 20);
                if version >= 9 {
                    part.current_leader_epoch = 6;
                }
                if version >= 12 {
                    part.last_fetched_epoch = 5;
                }
                part
            };
            let parts = partitions.iter().map(part).collect();
            let mut topic = m::fetch_request::FetchTopic::default().with_partitions(parts);
            if version >= 13 {
                topic.topic_id = id.to_vec().try_into().unwrap();
            } else {
                topic.topic = m::TopicName(StrBytes::from_static_str(name));
            }
            topic
        };
        let request = m::FetchRequest::default()
            .with_max_wait_ms(500)
            .with_min_bytes(1)
            .with_max_bytes(8 << 20)
            .with_isolation_level((version % 2) as i8)
            .with_topics(vec![topic("alpha", &[(0, 5), (3, 1 << 40)]), topic("beta", &[(1, 0)])]);
        let part = |topic, partition, offset| fetch::Part {
            topic,
            topic_id: id,
            partition,
            leader_epoch: 6,
            offset,
            last_epoch: 5,
            max_bytes: 1 << 20,
        };
        let parts = [part("alpha", 0, 5), part("alpha", 3, 1 << 40), part("beta", 1, 0)];
        let envelope = fetch::Envelope {
            version,
            correlation: 9,
            client_id: "ktape",
            max_wait_ms: 500,
            min_bytes: 1,
            max_bytes: 8 << 20,
            read_committed: version % 2 == 1,
        };
        assert_eq!(fetch::encode(&envelope, &parts).unwrap(), theirs(&request, 1, version), "v{version}");
    }
}

/// A Fetch answer with two topics, three partitions, an aborted transaction and every tag a broker sends.
fn fetch_answer(version: i16) -> Vec<u8> {
    let compact = version >= 12;
    let mut body = BytesMut::new();
    let length = |body: &mut BytesMut, length: usize| request::put_length(body, compact, length).unwrap();
    body.put_i32(25);
    if version >= 7 {
        body.put_i16(0);
        body.put_i32(0);
    }
    length(&mut body, 2);
    for (topic, partitions) in [("alpha", 2), ("beta", 1)] {
        if version >= 13 {
            body.put_slice(&[topic.len() as u8; 16]);
        } else {
            request::put_name(&mut body, compact, topic).unwrap();
        }
        length(&mut body, partitions);
        for partition in 0..partitions {
            body.put_i32(partition as i32);
            body.put_i16(if partition == 1 { 6 } else { 0 });
            body.put_i64(100);
            body.put_i64(90);
            if version >= 5 {
                body.put_i64(3);
            }
            length(&mut body, 1);
            body.put_i64(77);
            body.put_i64(80);
            if compact {
                body.put_u8(0);
            }
            if version >= 11 {
                body.put_i32(-1);
            }
            let records = if partition == 0 { topic.as_bytes() } else { b"" };
            length(&mut body, records.len());
            body.put_slice(records);
            if compact {
                // Diverging epoch 4 at offset 50, current leader 2 in epoch 9, a tag nobody knows.
                body.put_slice(&[3, 0, 13, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 50, 0]);
                body.put_slice(&[1, 9, 0, 0, 0, 2, 0, 0, 0, 9, 0, 90, 2, 1, 2]);
            }
        }
        if compact {
            body.put_u8(0);
        }
    }
    if compact {
        body.put_u8(0);
    }
    body.to_vec()
}

#[test]
fn fetch_answers_are_read_without_copying_records() {
    for version in 4..=17 {
        let body = Bytes::from(fetch_answer(version));
        let answer = fetch::read(&body, version).unwrap();
        assert_eq!(answer.throttle_ms, 25, "v{version}");
        let parts = &answer.partitions;
        assert_eq!(parts.len(), 3);
        assert_eq!((parts[0].partition, parts[0].error_code, &parts[0].records[..]), (0, 0, &b"alpha"[..]));
        assert_eq!((parts[1].partition, parts[1].error_code, parts[1].records.len()), (1, 6, 0));
        assert_eq!((parts[2].partition, &parts[2].records[..]), (0, &b"beta"[..]));
        assert_eq!((parts[0].high_watermark, parts[0].last_stable), (100, 90));
        assert_eq!(parts[0].log_start, if version >= 5 { 3 } else { -1 });
        assert_eq!(parts[0].diverging, (version >= 12).then_some((4, 50)));
        assert_eq!(parts[2].aborted, [(77, 80)]);
        let start = body.as_ptr() as usize;
        assert!((start..start + body.len()).contains(&(parts[2].records.as_ptr() as usize)), "a slice of the frame");
        match &parts[2].topic {
            fetch::TopicKey::Name(name) => assert_eq!(name, "beta"),
            fetch::TopicKey::Id(id) => assert_eq!(*id, [4; 16]),
        }
    }
}

#[test]
fn hostile_fetch_answers_are_refused() {
    for version in 4..=17 {
        let body = fetch_answer(version);
        for cut in 0..body.len() {
            assert!(fetch::read(&Bytes::copy_from_slice(&body[..cut]), version).is_err(), "v{version} cut at {cut}");
        }
        for at in 0..body.len() - 4 {
            for bad in [[0x7f, 0xff, 0xff, 0xff], [0xff; 4], [0x80, 0, 0, 0], [0xff, 0xff, 0xff, 0x07], [0xfe; 4]] {
                let mut body = body.clone();
                body[at..at + 4].copy_from_slice(&bad);
                if let Ok(answer) = fetch::read(&Bytes::from(body), version) {
                    assert!(answer.partitions.len() < 100);
                }
            }
        }
        let longer = [&body[..], &[0]].concat();
        assert!(matches!(fetch::read(&longer.into(), version), Err(WireError::Leftover { count: 1 })));
    }
}
