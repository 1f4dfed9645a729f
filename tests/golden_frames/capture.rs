//! How the answers were captured: all that ktape asks, over a proxy that keeps what real brokers say.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::sync::{Arc, Mutex};

use protocol_tests::ClusterSpec;
use protocol_tests::proxy::{Answer, Proxy};

use super::{VERSIONS, file};
use crate::kafka::Repository;

/// The most bytes of an answer that is kept.
const LARGEST: usize = 3_000;

/// `KTAPE_GOLDEN_FRAMES=1 cargo test --workspace --test main golden_frames::capture` writes them anew.
#[test]
fn answers_are_captured() {
    if std::env::var_os("KTAPE_GOLDEN_FRAMES").is_none() {
        return;
    }
    for version in VERSIONS {
        let answers = capture(version);
        let mut text = String::new();
        for answer in answers.values() {
            write!(text, "{} {} ", answer.api, answer.version).unwrap();
            answer.frame.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
            text.push('\n');
        }
        fs::write(file(version), text).unwrap();
        println!("{version}: {} answers", answers.len());
    }
}

/// The largest of each API and version.
fn capture(version: &str) -> BTreeMap<(i16, i16), Answer> {
    let cluster = ClusterSpec::new(1).version(version).start().unwrap();
    let steps = [
        "bulk:frames:2:40:20:gzip",
        "transaction:frames:3:abort",
        "transaction:frames:3:commit",
        "commit:frames-group:frames:0:7:a note",
        "topic:frames-set:1:cleanup.policy=compact",
        "put:frames-set:key:value",
    ];
    cluster.tools().plain_load(&steps).unwrap();
    let kept = Arc::new(Mutex::new(BTreeMap::<(i16, i16), Answer>::new()));
    let keep = Arc::clone(&kept);
    let proxy = Proxy::watched(cluster.port(1), move |answer| {
        let answer = as_it_is(answer);
        let mut kept = keep.lock().unwrap();
        let before = kept.get(&(answer.api, answer.version)).map_or(0, |answer| answer.frame.len());
        if (before + 1..=LARGEST).contains(&answer.frame.len()) {
            kept.insert((answer.api, answer.version), answer);
        }
    });
    let proxy = proxy.unwrap();
    let (address, repository) = (proxy.address(), Repository::init());
    let there = format!("1={address}");
    let run = |verb: &str, flags: &[&str]| {
        let there = ["--bootstrap-server", &address, "--broker-address", &there];
        let output = repository.run(verb, &[&there[..], flags].concat());
        assert_eq!(output.status.code(), Some(0), "{version}, {verb}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run("backup", &[]);
    run("backup", &[]);
    run("restore", &["--rename", "*=back-*", "--replication-factor", "1"]);
    run("verify", &["--against-cluster"]);
    let kept = kept.lock().unwrap();
    kept.clone()
}

/// A broker that does not know the version of `ApiVersions` answers in version 0, with error 35 (KIP-511).
fn as_it_is(answer: Answer) -> Answer {
    let refused = answer.api == 18 && answer.frame.get(4..6) == Some(&[0, 35]);
    Answer { version: if refused { 0 } else { answer.version }, ..answer }
}
