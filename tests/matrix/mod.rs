//! Old and new brokers: from each to the newest and from the newest to each, judged by Kafka's own tools of that version.
//!
//! The oldest runs with all other tests. `KTAPE_MATRIX=all cargo test --workspace --test main matrix -- --nocapture` runs
//! all versions and prints the tables of OPERATIONS.md; `KTAPE_MATRIX=2.8.2,3.9.1` only these.

mod ends;
mod table;

use protocol_tests::{Cluster, ClusterSpec};
use serde_json::Value;

use crate::kafka::{Repository, target};
use ends::{Content, End};
use table::Row;

const OLDEST: &str = "0.11.0.3";
/// From one change of the protocol or the format to the next.
const ALL: &[&str] = &[OLDEST, "1.1.1", "2.1.1", "2.4.1", "2.8.2", "3.5.2", "3.9.1"];

#[test]
fn matrix_of_versions() {
    let mut rows = vec![Row::of(target())];
    for version in versions() {
        rows.push(both_ways(&version));
        println!("{version}: there and back");
    }
    println!("{}", table::printed(&rows));
}

fn versions() -> Vec<String> {
    let named = std::env::var("KTAPE_MATRIX").unwrap_or_else(|_| OLDEST.to_owned());
    let named: Vec<&str> = if named == "all" { ALL.to_vec() } else { named.split(',').collect() };
    named.into_iter().map(str::to_owned).collect()
}

/// From a broker of this version to the newest, and the other way.
fn both_ways(version: &str) -> Row {
    let cluster = ClusterSpec::new(1).version(version).start().unwrap();
    let word = format!("matrix-{version}");
    let mut row = Row::of(&cluster);
    row.restored_to_newest = Some(there(&cluster, &End::fill(&cluster, &format!("{word}-out")), target()));
    row.restored_from_newest = Some(there(target(), &End::fill(target(), &format!("{word}-home")), &cluster));
    row
}

/// Backs up one end, checks the repository, restores it to the other, and says how many records came.
fn there(from: &Cluster, end: &End, to: &Cluster) -> usize {
    let repository = Repository::init();
    let chosen = ["--topics", &format!("{}-*", end.word), "--groups", &format!("{}-*", end.word)];
    let there = |cluster: &Cluster| ["--bootstrap-server".to_owned(), cluster.bootstrap().to_owned()];
    let run = |verb: &str, cluster: &Cluster, flags: &[&str]| {
        let there = there(cluster);
        let there: Vec<&str> = there.iter().map(String::as_str).collect();
        report(&repository, verb, &[&there[..], flags].concat())
    };
    let chosen = [&chosen[..], &["--json"]].concat();
    run("backup", from, &chosen);
    // Nothing new, so the next one goes on where this one ended.
    assert_eq!(run("backup", from, &chosen)["fetched_bytes"], 0);
    report(&repository, "verify", &["--json"]);
    let restored = run("restore", to, &["--replication-factor", "1", "--json"]);
    assert_eq!(restored["incomplete"].as_array().map(Vec::len), Some(0), "{restored:#}");
    let found = Content::of(to, end);
    end.content.assert_same(&found);
    run("verify", to, &["--against-cluster", "--json"]);
    found.records()
}

fn report(repository: &Repository, verb: &str, flags: &[&str]) -> Value {
    let output = repository.run(verb, flags);
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{verb} {flags:?}: {text}\n{errors}");
    let mut document: Value = serde_json::from_str(&text).unwrap();
    document["report"].take()
}
