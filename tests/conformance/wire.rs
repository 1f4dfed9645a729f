//! Asks a broker in frames, without ktape's client, and writes down what it says.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{self as m, RequestHeader, ResponseHeader, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

/// A connection to the only broker of a cluster, and the answers so far.
pub(super) struct Wire {
    stream: TcpStream,
    correlation: i32,
    /// Label and answer, in the order of the questions.
    pub(super) told: BTreeMap<String, String>,
    /// Comes before the names of topics and groups.
    pub(super) word: String,
}

impl Wire {
    pub(super) fn connect(bootstrap: &str, word: &str) -> Self {
        let stream = TcpStream::connect(bootstrap).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, correlation: 0, told: BTreeMap::new(), word: format!("conformance-{word}") }
    }

    /// Notes an answer under a label that nothing has yet.
    pub(super) fn note(&mut self, label: &str, answer: impl std::fmt::Debug) {
        let before = self.told.insert(label.to_owned(), format!("{answer:?}"));
        assert_eq!(before, None, "{label}");
    }

    pub(super) fn call<Q: Request>(&mut self, version: i16, request: &Q) -> Q::Response {
        let frame = self.frame(Q::KEY, version, Q::header_version(version), request);
        let mut answer = self.exchange(&frame).unwrap();
        let header = ResponseHeader::decode(&mut answer, Q::Response::header_version(version)).unwrap();
        assert_eq!(header.correlation_id, self.correlation);
        let body = Q::Response::decode(&mut answer, version).unwrap();
        assert!(answer.is_empty(), "{} bytes too many", answer.len());
        body
    }

    fn frame<Q: Encodable>(&mut self, key: i16, version: i16, header: i16, request: &Q) -> BytesMut {
        self.correlation += 1;
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        RequestHeader::default()
            .with_request_api_key(key)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(StrBytes::from_static_str("conformance")))
            .encode(&mut frame, header)
            .unwrap();
        request.encode(&mut frame, version).unwrap();
        let size = i32::try_from(frame.len() - 4).unwrap();
        frame[..4].copy_from_slice(&size.to_be_bytes());
        frame
    }

    /// The answer to a request in a version that is not the one its body was written in.
    pub(super) fn call_as<Q: Request>(&mut self, written: i16, named: i16, request: &Q) -> Option<Bytes> {
        let mut frame = self.frame(Q::KEY, written, Q::header_version(written), request);
        frame[6..8].copy_from_slice(&named.to_be_bytes());
        self.exchange(&frame)
    }

    /// `None` where the broker ends the connection.
    fn exchange(&mut self, frame: &[u8]) -> Option<Bytes> {
        self.stream.write_all(frame).unwrap();
        let mut size = [0; 4];
        self.stream.read_exact(&mut size).ok()?;
        let mut answer = vec![0; u32::from_be_bytes(size) as usize];
        self.stream.read_exact(&mut answer).unwrap();
        Some(answer.into())
    }

    /// The name of a topic or group of this scenario.
    pub(super) fn name(&self, of: &str) -> StrBytes {
        StrBytes::from_string(format!("{}-{of}", self.word))
    }

    pub(super) fn topic(&self, of: &str) -> TopicName {
        TopicName(self.name(of))
    }

    /// Makes a topic of one partition that keeps everything, and waits until it can be asked about. Gives its id.
    pub(super) fn create(&mut self, of: &str, configs: &[(&'static str, &'static str)]) -> [u8; 16] {
        let keep = [("retention.ms", "-1"), ("message.timestamp.after.max.ms", "9223372036854775807")];
        let all = keep.iter().filter(|(name, _)| configs.iter().all(|(other, _)| other != name)).chain(configs);
        let config = |(name, value): &(&'static str, &'static str)| {
            CreatableTopicConfig::default()
                .with_name(StrBytes::from_static_str(name))
                .with_value(Some(StrBytes::from_static_str(value)))
        };
        let topic = CreatableTopic::default()
            .with_name(self.topic(of))
            .with_num_partitions(1)
            .with_replication_factor(1)
            .with_configs(all.map(config).collect());
        let request = m::CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
        let answer = self.call(7, &request);
        assert_eq!(answer.topics[0].error_code, 0, "{:?}", answer.topics[0].error_message);
        self.until_led(of);
        answer.topics[0].topic_id.into_bytes()
    }

    fn until_led(&mut self, of: &str) {
        let topic = m::metadata_request::MetadataRequestTopic::default().with_name(Some(self.topic(of)));
        let request =
            m::MetadataRequest::default().with_topics(Some(vec![topic])).with_allow_auto_topic_creation(false);
        for _ in 0..600 {
            let answer = self.call(9, &request);
            let topic = &answer.topics[0];
            let led = topic.error_code == 0 && topic.partitions.iter().all(|partition| partition.error_code == 0);
            // A broker tells of a leader before it is one.
            if led && self.leads(of) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{of} has no leader");
    }

    fn leads(&mut self, of: &str) -> bool {
        let end = ListOffsetsPartition::default().with_partition_index(0).with_timestamp(-1);
        let topic = ListOffsetsTopic::default().with_name(self.topic(of)).with_partitions(vec![end]);
        let request = m::ListOffsetsRequest::default().with_replica_id(m::BrokerId(-1)).with_topics(vec![topic]);
        let answer = self.call(5, &request);
        answer.topics[0].partitions[0].error_code == 0
    }
}
