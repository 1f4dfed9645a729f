//! `ktape check` on several brokers, one of which is not reached. What it says of rights and retention: `secured::check`.

use serde_json::Value;

use super::{ktape, source};

#[test]
fn a_broker_that_is_not_reached_is_named() {
    let flags = ["check", "--json", "--bootstrap-server", source().bootstrap(), "--topics", "later-none*"];
    let run = |more: &[&str]| {
        let output = ktape(&[&flags[..], more].concat());
        let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        (output.status.code(), document["report"].clone())
    };
    let (code, report) = run(&[]);
    assert_eq!(code, Some(0), "{report:#}");
    let brokers = report["cluster"]["brokers"].as_array().unwrap();
    assert!(brokers.len() == 3 && brokers.iter().all(|one| one["connected_ms"].is_u64()), "{report:#}");
    assert!(report["cluster"]["clock"]["ahead_ms"].as_i64().unwrap().abs() < 2_000, "{report:#}");

    let (code, report) = run(&["--groups", "later-none*", "--broker-address", "2=127.0.0.1:1"]);
    assert_eq!(code, Some(3), "{report:#}");
    let problems: Vec<&str> =
        report["problems"].as_array().unwrap().iter().map(|one| one["subject"].as_str().unwrap()).collect();
    assert_eq!(problems, ["broker 2"], "{report:#}");
    let broker = &report["cluster"]["brokers"][1];
    assert!(
        broker["instead"] == "127.0.0.1:1" && broker["error"].as_str().unwrap().contains("127.0.0.1:1"),
        "{broker}"
    );
}
