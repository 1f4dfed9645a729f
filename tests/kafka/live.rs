//! A producer of transactions that never stops, while brokers and backups are killed: in the end a restore shows exactly
//! what the source shows to readers of committed records.
//!
//! `KTAPE_LIVE_ROUNDS` is how often a broker and a backup are killed, 1 unless told.

use std::fs;

use protocol_tests::judge::{Isolation, contents};
use protocol_tests::tools::{CONSOLE_CONSUMER, Launch, TIMEOUT};

use serde_json::Value;

use super::watched::Watched;
use super::{Repository, shaken};

const GROUP: &str = "live-group";
/// Phases in which a backup is killed, one after the other.
const PHASES: [&str; 6] = ["publish", "seal", "record", "index", "commit", "fetch"];

#[test]
fn committed_records_and_no_others_come_back_from_under_a_live_producer() {
    let cluster = shaken();
    let tools = cluster.tools();
    let rounds: usize = std::env::var("KTAPE_LIVE_ROUNDS").map_or(1, |text| text.parse().unwrap());
    tools.load(&["topic:live:4"]).unwrap();
    let end = cluster.folder().join("live-end");
    let producers: Vec<_> = ["live-a", "live-b"]
        .iter()
        .map(|id| tools.start_load(&[&format!("live:{id}:live:4:{}", end.display())]).unwrap())
        .collect();
    // A group that follows closely.
    let consumer = ["--bootstrap-server", cluster.bootstrap(), "--topic", "live", "--group", GROUP, "--from-beginning"];
    let close = ["--isolation-level", "read_committed", "--command-property", "auto.commit.interval.ms=20"];
    let reader = tools.start(CONSOLE_CONSUMER, &[&consumer[..], &close].concat(), &Launch::default()).unwrap();
    tools.load(&["await-committed:live-group:live:>0"]).unwrap();
    let repository = Repository::init();
    let flags = ["--topics", "live", "--groups", GROUP, "--segment-bytes", "1MiB", "--request-timeout", "3s"];
    for _ in 0..2 {
        repository.back_up(&cluster, &flags);
        assert_no_group_is_ahead(&repository);
    }
    let mut taken = 0;
    for round in 0..rounds {
        // A broker dies in the middle of a backup, which finishes.
        let victim = 1 + round % 3;
        let mut run = Watched::start(&repository, "backup", &cluster, &flags);
        run.wait_for(1, |event| event["message"] == "fetching" || event["phase"] == "seal");
        cluster.kill(victim).unwrap();
        let ended = run.finish().exits(0);
        assert_eq!(ended.list("new_lineages").len(), 0, "{:#}", ended.report);
        assert_no_group_is_ahead(&repository);
        // A backup dies, first with a broker away, then with all there again.
        for phase in [PHASES[2 * round % 6], PHASES[(2 * round + 1) % 6]] {
            let mut run = Watched::start(&repository, "backup", &cluster, &flags);
            run.wait_for_phase(phase);
            run.kill();
            taken += 1;
        }
        cluster.restart(victim).unwrap();
    }
    assert_eq!(taken, 2 * rounds);
    fs::write(&end, "").unwrap();
    for producer in producers {
        producer.finish(TIMEOUT).unwrap();
    }
    drop(reader);
    let last = repository.back_up(&cluster, &flags);
    assert_eq!(last["new_lineages"].as_array().map(Vec::len), Some(0), "{last:#}");
    assert_eq!(repository.ktape("verify", None, &[]).status.code(), Some(0));
    repository.restore(&cluster, &["--rename", "live=relived", "--exclude-groups", "*"]);
    let committed = tools.read("live", Isolation::ReadCommitted).unwrap();
    let shown = tools.read("(re)?lived?", Isolation::ReadUncommitted).unwrap();
    let (committed, shown) = (contents(&committed), contents(&shown));
    let mut records = 0;
    for partition in 0..4 {
        let at = |topic: &str| (topic.to_owned(), partition);
        let (there, back) = (&committed[&at("live")], &shown[&at("relived")]);
        assert!(there == back, "partition {partition}: {} records came back of {}", back.len(), there.len());
        assert!(shown[&at("live")].len() > there.len(), "nothing was aborted");
        records += there.len();
    }
    println!("{records} committed records");
    assert!(records > 300, "only {records} records");
    cluster.give_back();
}

/// Groups are read before the fences: none stands where the data of the snapshot does not reach.
fn assert_no_group_is_ahead(repository: &Repository) {
    let output = repository.ktape("show", None, &["--json"]);
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let report = &shown["report"];
    let positions = report["groups"][0]["offsets"].as_array().unwrap();
    assert!(!positions.is_empty(), "{report:#}");
    for position in positions {
        let partition = &report["topics"][0]["partitions"][position["partition"].as_u64().unwrap() as usize];
        let (at, fence) = (position["offset"].as_i64().unwrap(), partition["fence"].as_i64().unwrap());
        assert!(at <= fence, "the group is at {at}, the data end at {fence}: {partition:#}");
    }
}
