//! Topics, settings, versions, markers.

use bytes::Buf;
use kafka_protocol::messages as m;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::protocol::StrBytes;
use protocol_tests::fake::Release;

use super::produce::{plain, produce};
use super::wire::Wire;

/// What is offered, of all that the fake knows; and what an unknown version is told.
pub(super) fn versions(wire: &mut Wire) {
    let request = m::ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("conformance"))
        .with_client_software_version(StrBytes::from_static_str("1"));
    let answer = wire.call(3, &request);
    let offered = answer.api_keys.iter().map(|api| (api.api_key, api.min_version, api.max_version));
    let known: Vec<i16> = Release::V4_2.offers().map(|(key, _, _)| key).collect();
    let mut offered: Vec<_> = offered.filter(|(key, _, _)| known.contains(key)).collect();
    offered.sort_unstable();
    wire.note("versions", offered);
    let mut answer = wire.call_as(3, 99, &request).unwrap();
    answer.advance(4);
    wire.note("a version that is too new", &answer[..]);
}

fn create(wire: &mut Wire, label: &str, topic: CreatableTopic, only_check: bool) {
    let request = m::CreateTopicsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(30_000)
        .with_validate_only(only_check);
    let answer = wire.call(4, &request);
    wire.note(label, answer.topics[0].error_code);
}

/// Making, changing, deleting.
pub(super) fn life(wire: &mut Wire) {
    let id = wire.create("there", &[("cleanup.policy", "compact")]);
    let of = |wire: &Wire, name: &str, partitions, replication| {
        CreatableTopic::default()
            .with_name(wire.topic(name))
            .with_num_partitions(partitions)
            .with_replication_factor(replication)
    };
    let config = |name: &'static str, value: &'static str| {
        let name = StrBytes::from_static_str(name);
        vec![CreatableTopicConfig::default().with_name(name).with_value(Some(StrBytes::from_static_str(value)))]
    };
    let topic = of(wire, "there", 1, 1);
    create(wire, "a topic that is there", topic, false);
    let topic = of(wire, "would be", 1, 1);
    create(wire, "a name with a blank", topic, false);
    let topic = of(wire, "none", 0, 1);
    create(wire, "no partitions", topic, false);
    let topic = of(wire, "far", 1, 9);
    create(wire, "more replicas than brokers", topic, false);
    let topic = of(wire, "odd", 1, 1).with_configs(config("retention.years", "1"));
    create(wire, "a setting nobody knows", topic, false);
    let topic = of(wire, "odd", 1, 1).with_configs(config("retention.ms", "long"));
    create(wire, "a setting that is no number", topic, false);
    let topic = of(wire, "odd", 1, 1).with_configs(config("cleanup.policy", "burn"));
    create(wire, "a policy nobody knows", topic, false);
    let topic = of(wire, "checked", 1, 1);
    create(wire, "only checked", topic, true);
    for (label, name) in [("settings", "there"), ("settings of no topic", "checked")] {
        let resource = m::describe_configs_request::DescribeConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(wire.name(name))
            .with_configuration_keys(None);
        let answer = wire.call(4, &m::DescribeConfigsRequest::default().with_resources(vec![resource]));
        let result = &answer.results[0];
        let mut all: Vec<(String, Option<String>, bool)> = result
            .configs
            .iter()
            .map(|it| (it.name.to_string(), it.value.as_ref().map(ToString::to_string), it.config_source == 1))
            .filter(|(name, _, set)| {
                *set || ["retention.bytes", "min.insync.replicas", "max.message.bytes"].contains(&&**name)
            })
            .collect();
        all.sort();
        wire.note(label, (result.error_code, all));
    }
    removed(wire, id);
}

fn removed(wire: &mut Wire, id: [u8; 16]) {
    use m::delete_topics_request::DeleteTopicState;

    for (label, name, id) in [
        ("a name nobody has", Some("checked"), [0; 16]),
        ("an id nobody has", None, [9; 16]),
        ("a topic by its id", None, id),
        ("the topic by its name", Some("there"), [0; 16]),
    ] {
        let name = name.map(|name| wire.topic(name));
        let state = DeleteTopicState::default().with_name(name).with_topic_id(id.to_vec().try_into().unwrap());
        let request = m::DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(30_000);
        let answer = wire.call(6, &request);
        let result = &answer.responses[0];
        let name = result.name.as_ref().map(|name| name.replace(&wire.word, ""));
        wire.note(&format!("delete {label}"), (result.error_code, name));
    }
    let named = m::metadata_request::MetadataRequestTopic::default().with_name(Some(wire.topic("checked")));
    let odd = m::metadata_request::MetadataRequestTopic::default().with_name(Some(wire.topic("would be")));
    let by_id = m::metadata_request::MetadataRequestTopic::default()
        .with_name(None)
        .with_topic_id([9; 16].to_vec().try_into().unwrap());
    for (label, topic) in [("no such topic", named), ("no such name", odd), ("no such id", by_id)] {
        let request =
            m::MetadataRequest::default().with_topics(Some(vec![topic])).with_allow_auto_topic_creation(false);
        let answer = wire.call(12, &request);
        let topic = &answer.topics[0];
        wire.note(&format!("metadata of {label}"), (topic.error_code, topic.partitions.len()));
    }
}

/// Markers of a producer that has no transaction.
pub(super) fn markers(wire: &mut Wire) {
    wire.create("marked", &[]);
    assert_eq!(produce(wire, "marked", 9, plain(2)).0, 0);
    for (label, topic, coordinator, epoch) in [
        ("a marker", "marked", 5, 0),
        ("another of the same coordinator", "marked", 5, 0),
        ("one of an older coordinator", "marked", 4, 0),
        ("one of a newer epoch", "marked", 6, 1),
        ("one of an older epoch", "marked", 6, 0),
        ("one for a topic that is not there", "nothing", 6, 1),
    ] {
        let topic = WritableTxnMarkerTopic::default().with_name(wire.topic(topic)).with_partition_indexes(vec![0]);
        let marker = WritableTxnMarker::default()
            .with_producer_id(m::ProducerId(4_242))
            .with_producer_epoch(epoch)
            .with_transaction_result(true)
            .with_coordinator_epoch(coordinator)
            .with_topics(vec![topic]);
        let answer = wire.call(1, &m::WriteTxnMarkersRequest::default().with_markers(vec![marker]));
        wire.note(label, answer.markers[0].topics[0].partitions[0].error_code);
    }
    let answer = produce(wire, "marked", 9, plain(1));
    wire.note("a batch after the markers", answer);
}
