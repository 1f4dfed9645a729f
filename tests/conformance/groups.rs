//! Groups: who may commit, what is shown, what is forgotten.

use kafka_protocol::messages as m;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::protocol::StrBytes;

use super::wire::Wire;

/// Waits until the coordinator of a group answers for it.
fn ready(wire: &mut Wire, of: &str) {
    let id = m::GroupId(wire.name(of));
    for _ in 0..600 {
        let request = m::FindCoordinatorRequest::default().with_key_type(0).with_coordinator_keys(vec![id.0.clone()]);
        let found = wire.call(4, &request).coordinators[0].error_code;
        let described = wire.call(5, &m::DescribeGroupsRequest::default().with_groups(vec![id.clone()]));
        if found == 0 && described.groups[0].error_code == 0 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("no coordinator for {of}");
}

struct Commit<'a> {
    group: &'a str,
    version: i16,
    generation: i32,
    topic: &'a str,
    partition: i32,
    offset: i64,
    metadata: usize,
}

const PLAIN: Commit<'_> =
    Commit { group: "shop", version: 9, generation: -1, topic: "committed", partition: 0, offset: 5, metadata: 4 };

fn commit(wire: &mut Wire, of: &Commit<'_>) -> i16 {
    let part = OffsetCommitRequestPartition::default()
        .with_partition_index(of.partition)
        .with_committed_offset(of.offset)
        .with_committed_leader_epoch(-1)
        .with_committed_metadata(Some(StrBytes::from_string("m".repeat(of.metadata))));
    let topic = OffsetCommitRequestTopic::default().with_name(wire.topic(of.topic)).with_partitions(vec![part]);
    let request = m::OffsetCommitRequest::default()
        .with_group_id(m::GroupId(wire.name(of.group)))
        .with_generation_id_or_member_epoch(of.generation)
        .with_topics(vec![topic]);
    wire.call(of.version, &request).topics[0].partitions[0].error_code
}

/// Topic without the scenario's word, partition, offset, epoch, metadata, error.
type Position = (String, i32, i64, i32, Option<String>, i16);

fn positions(wire: &mut Wire, group: &str, asked: Option<Vec<i32>>) -> (i16, Vec<Position>) {
    use m::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};

    let topics = asked.map(|numbers| {
        vec![OffsetFetchRequestTopics::default().with_name(wire.topic("committed")).with_partition_indexes(numbers)]
    });
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(m::GroupId(wire.name(group)))
        .with_member_epoch(-1)
        .with_topics(topics);
    let request = m::OffsetFetchRequest::default().with_groups(vec![group]).with_require_stable(true);
    let answer = wire.call(8, &request);
    let group = &answer.groups[0];
    let mut found = Vec::new();
    for topic in &group.topics {
        for part in &topic.partitions {
            let name = topic.name.replace(&wire.word, "");
            let metadata = part.metadata.as_ref().map(ToString::to_string);
            found.push((
                name,
                part.partition_index,
                part.committed_offset,
                part.committed_leader_epoch,
                metadata,
                part.error_code,
            ));
        }
    }
    found.sort();
    (group.error_code, found)
}

/// State, protocol type, members and errors of a group as it is described and listed.
fn seen(wire: &mut Wire, of: &str) -> String {
    let id = m::GroupId(wire.name(of));
    let described = wire.call(6, &m::DescribeGroupsRequest::default().with_groups(vec![id.clone()]));
    let group = &described.groups[0];
    let described =
        (group.error_code, group.group_state.to_string(), group.protocol_type.to_string(), group.members.len());
    let listed = wire.call(5, &m::ListGroupsRequest::default());
    let listed = listed.groups.iter().find(|group| group.group_id == id);
    let listed = listed.map(|it| (it.protocol_type.to_string(), it.group_state.to_string(), it.group_type.to_string()));
    format!("{described:?} {listed:?}")
}

/// Commits and what is seen of them.
pub(super) fn commits(wire: &mut Wire) {
    wire.create("committed", &[]);
    for group in ["shop", "other"] {
        ready(wire, group);
    }
    let told = seen(wire, "shop");
    wire.note("before the first commit", told);
    let told = positions(wire, "shop", None);
    wire.note("positions before", told);
    let tried = [
        ("a generation of an unknown group", Commit { generation: 3, ..PLAIN }),
        ("the same in an old version", Commit { generation: 3, version: 8, ..PLAIN }),
        ("a commit", PLAIN),
        ("an old version", Commit { version: 2, offset: 6, ..PLAIN }),
        ("far beyond the end", Commit { group: "other", offset: 1 << 50, ..PLAIN }),
        ("a partition that is not there", Commit { partition: 9, ..PLAIN }),
        ("a topic that is not there", Commit { topic: "nothing", ..PLAIN }),
        ("metadata that are too long", Commit { metadata: 4_097, ..PLAIN }),
        ("metadata that just fit", Commit { group: "other", metadata: 4_096, ..PLAIN }),
    ];
    for (label, tried) in tried {
        let told = commit(wire, &tried);
        wire.note(label, told);
    }
    for (label, group, asked) in [
        ("all positions", "shop", None),
        ("positions asked for", "shop", Some(vec![0, 1])),
        ("positions of a group that is not there", "nobody", None),
    ] {
        if group == "nobody" {
            ready(wire, group);
        }
        let told = positions(wire, group, asked);
        wire.note(label, told);
    }
    let told = seen(wire, "shop");
    wire.note("after commits", told);
    forget(wire);
}

fn forget(wire: &mut Wire) {
    use m::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};

    for (label, group) in [("offsets of a group", "other"), ("offsets of no group", "nobody")] {
        let part = OffsetDeleteRequestPartition::default().with_partition_index(0);
        let topic = OffsetDeleteRequestTopic::default().with_name(wire.topic("committed")).with_partitions(vec![part]);
        let id = m::GroupId(wire.name(group));
        let answer = wire.call(0, &m::OffsetDeleteRequest::default().with_group_id(id).with_topics(vec![topic]));
        let codes: Vec<i16> =
            answer.topics.iter().flat_map(|topic| &topic.partitions).map(|part| part.error_code).collect();
        wire.note(&format!("delete {label}"), (answer.error_code, codes));
    }
    let told = positions(wire, "other", None);
    wire.note("positions after they were deleted", told);
    for (label, group) in [("a group", "shop"), ("no group", "nobody"), ("the group again", "shop")] {
        let id = m::GroupId(wire.name(group));
        let answer = wire.call(2, &m::DeleteGroupsRequest::default().with_groups_names(vec![id]));
        wire.note(&format!("delete {label}"), answer.results[0].error_code);
    }
    let told = positions(wire, "shop", None);
    wire.note("positions of the deleted group", told);
}
