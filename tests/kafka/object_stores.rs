//! The whole way with the repository on a server.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use age::secrecy::ExposeSecret;
use protocol_tests::judge::{Isolation, Shown};

use super::round_trip::assert_same_records;
use super::{Repository, command, source, target};
use crate::not_run::not_run;
use crate::store_contract::server;

#[test]
fn topics_come_back_from_s3() {
    round_trip("KTAPE_TEST_S3", "later-s3-", &[], &[]);
}

/// Only `verify` and `restore` get the key.
#[test]
fn sealed_topics_come_back_from_s3() {
    let (identity, folder) = (age::x25519::Identity::generate(), tempfile::tempdir().unwrap());
    let file = folder.path().join("key.txt");
    fs::write(&file, identity.to_string().expose_secret()).unwrap();
    let sealed = ["--compression", "zstd", "--recipient", &identity.to_public().to_string()];
    round_trip("KTAPE_TEST_S3", "later-sealed-", &sealed, &["--identity-file", file.to_str().unwrap()]);
}

#[test]
fn topics_come_back_from_azure() {
    round_trip("KTAPE_TEST_AZURE", "later-azure-", &[], &[]);
}

fn round_trip(variable: &str, prefix: &str, init: &[&str], key: &[&str]) {
    let Some(location) = server(variable) else { return not_run("a round trip through an object store", variable) };
    let repository = Repository::init_at(Some(location), init);
    let selection =
        ["--topics", "codec-*", "large", "transactions", "--exclude-groups", "*", "--segment-bytes", "6MiB"];
    kill_a_backup(&repository, &selection);
    let report = repository.back_up(source(), &selection);
    assert!(report["totals"]["bytes"].as_u64() > Some(20 << 20), "no segment is large: {report:#}");
    let again = repository.back_up(source(), &selection);
    assert_eq!(again["totals"]["new_bytes"].as_u64(), Some(0), "{again:#}");
    merge_small_segments(&repository);
    for flags in [&[], key, &["--fast"]] {
        let checked = repository.ktape("verify", None, flags);
        assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    }
    let listed = repository.ktape("list", None, &[]);
    assert_eq!(listed.status.code(), Some(0), "{listed:?}");
    let renaming = format!("*={prefix}*");
    repository.restore(target(), &[&["--rename", &renaming, "--replication-factor", "1"], key].concat());
    let pattern = "(codec-.*|large|transactions)";
    let shown = source().tools().read(pattern, Isolation::ReadCommitted).unwrap();
    let back = target().tools().read(&format!("{prefix}{pattern}"), Isolation::ReadUncommitted).unwrap();
    let renamed: Shown = shown.into_iter().map(|((topic, at), it)| ((format!("{prefix}{topic}"), at), it)).collect();
    assert_same_records(&renamed, &back, Isolation::ReadUncommitted);
}

/// Twice: the originals go once what holds them now is older than the grace time.
fn merge_small_segments(repository: &Repository) {
    let mut pieces = 0;
    for _ in 0..2 {
        let flags = ["--keep-last", "1", "--grace", "0s", "--confirm", "--json"];
        let pruned = repository.ktape("prune", None, &flags);
        assert_eq!(pruned.status.code(), Some(0), "{pruned:?}");
        let document: serde_json::Value = serde_json::from_slice(&pruned.stdout).unwrap();
        pieces += document["report"]["merged"]["pieces"].as_u64().unwrap();
    }
    assert!(pieces > 1, "nothing was merged");
}

/// Starts a backup and ends it with `kill -9` while it writes. The next one waits until its lock is dead.
fn kill_a_backup(repository: &Repository, selection: &[&str]) {
    let place = repository.place();
    let there = ["backup", "--repository", &place, "--bootstrap-server", source().bootstrap()];
    let mut running = command(&[&there, selection].concat()).stdout(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(1_500));
    running.kill().unwrap();
    running.wait().unwrap();
}
