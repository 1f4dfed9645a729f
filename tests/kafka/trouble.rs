//! Brokers that die, hang, restart and lose their partitions while they are backed up and restored into.

use protocol_tests::Cluster;
use protocol_tests::judge::{Isolation, contents};
use protocol_tests::tools::TIMEOUT;
use serde_json::Value;

use super::bytes::assert_verbatim;
use super::watched::Watched;
use super::{Repository, shaken};

/// Slow enough for everything that is to happen meanwhile.
const SLOW: [&str; 2] = ["quota:consumer_byte_rate:150000", "quota:producer_byte_rate:300000"];
const FAST: [&str; 2] = ["quota:consumer_byte_rate:none", "quota:producer_byte_rate:none"];
const QUICK: [&str; 4] = ["--request-timeout", "3s", "--fetch-bytes", "64KiB"];
/// Broker 2 coordinates all groups.
const TO_TWO: &str = "lead:__consumer_offsets:2";
const PARTITIONS: i32 = 6;

#[test]
fn backup_and_restore_go_on_while_brokers_hang_move_and_restart() {
    let cluster = shaken();
    let tools = cluster.tools();
    let bulk = format!("bulk:storm:{PARTITIONS}:18000:1000:none");
    let alone = ["topic-on:storm-alone:1:3", "bulk:storm-alone:1:3000:1000:lz4"];
    let groups = ["commit:storm-group:storm:1:1700", "commit:storm-other:storm-alone:0:3"];
    tools.load(&[&[bulk.as_str()], &alone[..], &groups, &SLOW].concat()).unwrap();
    let repository = Repository::init();
    let selection = ["--topics", "storm*", "--groups", "storm-*"];
    let mut run = Watched::start(&repository, "backup", &cluster, &[&selection[..], &QUICK].concat());
    run.wait_for_requests("Fetch", 8);
    move_and_hang(&cluster, "storm", &mut run);
    // A rolling restart; the partition that only broker 3 has is without a leader for a while.
    for broker in [1, 2, 3] {
        cluster.stop(broker).unwrap();
        cluster.restart(broker).unwrap();
    }
    tools.load(&FAST).unwrap();
    let ended = run.finish().exits(0);
    assert_eq!(ended.list("new_lineages").len(), 0, "{:#}", ended.report);
    assert_eq!(ended.report["totals"]["groups"], 2, "{:#}", ended.report);
    for partition in 0..PARTITIONS {
        assert_verbatim(&cluster, 1, &repository, "storm", partition);
    }
    assert_verbatim(&cluster, 3, &repository, "storm-alone", 0);

    tools.load(&SLOW[1..]).unwrap();
    let mut run =
        Watched::start(&repository, "restore", &cluster, &["--rename", "storm*=calm*", "--request-timeout", "3s"]);
    run.wait_for_requests("Produce", 4);
    move_and_hang(&cluster, "calm", &mut run);
    cluster.kill(2).unwrap();
    cluster.restart(2).unwrap();
    tools.load(&FAST).unwrap();
    run.finish().exits(0);
    let shown = tools.read("(storm|calm).*", Isolation::ReadUncommitted).unwrap();
    let contents = contents(&shown);
    for ((topic, partition), records) in contents.iter().filter(|((topic, _), _)| topic.starts_with("storm")) {
        let back = contents.get(&(topic.replace("storm", "calm"), *partition));
        assert!(back == Some(records), "{topic}-{partition}: {:?} of {}", back.map(Vec::len), records.len());
    }
    assert_eq!(contents.len(), 14);
    cluster.give_back();
}

/// Leaders and coordinators move to a broker, which then hangs with its connections open.
fn move_and_hang(cluster: &Cluster, topic: &str, run: &mut Watched) {
    cluster.tools().load(&[&format!("lead:{topic}:1"), "lead:__consumer_offsets:1"]).unwrap();
    cluster.pause(1);
    let left = |event: &Value| event.to_string().contains("did not answer");
    assert!(run.wait_for(1, left), "it ended before a broker hung");
    cluster.resume(1);
}

#[test]
fn groups_are_read_even_while_their_coordinator_hangs() {
    let cluster = shaken();
    let groups: Vec<String> = (0..8).map(|group| format!("commit:calls-{group}:calls:0:{group}")).collect();
    let groups = groups.iter().map(String::as_str);
    let load = ["topic-on:calls:1:1", "bulk:calls:1:20:100:none"].into_iter().chain(groups).chain([TO_TWO]);
    cluster.tools().load(&load.collect::<Vec<_>>()).unwrap();
    let repository = Repository::init();
    // Broker 2 coordinates all groups. As it goes on hanging, the others take over.
    cluster.pause(2);
    let report = repository.back_up(&cluster, &[&["--topics", "calls", "--groups", "calls-*"], &QUICK[..]].concat());
    cluster.resume(2);
    assert_eq!(report["totals"]["groups"], 8, "{report:#}");
    cluster.wait_until_ready(TIMEOUT).unwrap();
    cluster.give_back();
}

#[test]
fn a_partition_without_a_leader_is_given_up_in_time_and_by_name() {
    let cluster = shaken();
    let tools = cluster.tools();
    let topics = [
        "topic-on:orphan:1:3",
        "bulk:orphan:1:3000:1000:none",
        "topic-on:orphan-not:1:1",
        "bulk:orphan-not:1:300:1000:none",
    ];
    tools.load(&[&topics[..], &SLOW[..1]].concat()).unwrap();
    let repository = Repository::init();
    let selection = ["--topics", "orphan*", "--exclude-groups", "*"];
    let flags = [&selection[..], &QUICK, &["--give-up-after", "2s"]].concat();
    let mut run = Watched::start(&repository, "backup", &cluster, &flags);
    run.wait_for_requests("Fetch", 3);
    cluster.kill(3).unwrap();
    let ended = run.finish().exits(3);
    let [lost] = ended.list("incomplete") else { panic!("{:#}", ended.report) };
    assert_eq!((&lost["kind"], &lost["subject"]), (&Value::from("not-reached"), &Value::from("orphan-0")));
    let detail = lost["detail"].as_str().unwrap();
    assert!(detail.contains("fence 3000: ") && !detail.contains("up to offset 0,"), "{detail}");
    cluster.restart(3).unwrap();
    tools.load(&["await-leader:orphan:3", FAST[0]]).unwrap();
    let next = repository.back_up(&cluster, &selection);
    assert_eq!(next["new_lineages"].as_array().map(Vec::len), Some(0), "{next:#}");
    assert_verbatim(&cluster, 3, &repository, "orphan", 0);
    cluster.give_back();
}
