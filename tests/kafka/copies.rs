//! A copy of a repository is as good as the repository: its newest snapshot comes back record by record.

use protocol_tests::judge::{Isolation, Shown};
use serde_json::Value;

use super::round_trip::assert_same_records;
use super::{Repository, source, target};
use crate::not_run::not_run;
use crate::store_contract::server;

const SELECTION: [&str; 5] = ["--topics", "codec-*", "transactions", "--groups", "*"];

#[test]
fn a_restore_from_a_copy_gives_everything_back() {
    copy_and_restore(&Repository::init(), "later-copy-");
}

#[test]
fn a_restore_from_a_copy_on_s3_gives_everything_back() {
    match server("KTAPE_TEST_S3") {
        Some(location) => copy_and_restore(&Repository::init_at(Some(location), &[]), "later-copy-s3-"),
        None => not_run("a copy into an object store", "KTAPE_TEST_S3"),
    }
}

fn copy_and_restore(copy: &Repository, prefix: &str) {
    let original = Repository::init();
    original.back_up(source(), &SELECTION);
    let first = copied(&original, copy);
    assert_eq!((first["snapshots"].as_array().unwrap().len(), first["already_there"].as_u64()), (1, Some(0)));
    assert!(first["bytes"].as_u64() > Some(1 << 20), "{first:#}");
    // More of it, from there on; and of what is copied again nothing is.
    original.back_up(source(), &SELECTION);
    let second = copied(&original, copy);
    assert_eq!((second["segments"].as_u64(), second["already_there"].as_u64()), (Some(0), Some(1)), "{second:#}");
    assert_eq!(copied(&original, copy)["already_there"].as_u64(), Some(2));
    let checked = copy.ktape("verify", None, &[]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");

    let flags = ["--rename", &format!("*={prefix}*"), "--replication-factor", "1", "--exclude-groups", "*"];
    copy.restore(target(), &flags);
    let pattern = "(codec-.*|transactions)";
    let shown = source().tools().read(pattern, Isolation::ReadCommitted).unwrap();
    let back = target().tools().read(&format!("{prefix}{pattern}"), Isolation::ReadUncommitted).unwrap();
    let renamed: Shown = shown.into_iter().map(|((topic, at), it)| ((format!("{prefix}{topic}"), at), it)).collect();
    assert_same_records(&renamed, &back, Isolation::ReadUncommitted);
    // Topics, groups and settings went over as well: both repositories show the same.
    assert!(shown_by(&original) == shown_by(copy), "the copy shows something else");
}

fn copied(original: &Repository, copy: &Repository) -> Value {
    let output = original.run("copy", &["--to", &copy.place(), "--json"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str::<Value>(&text).unwrap()["report"].take()
}

/// What `show` says of the newest snapshot, but for what a copy has of its own.
fn shown_by(repository: &Repository) -> Value {
    let output = repository.run("show", &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mut told = serde_json::from_slice::<Value>(&output.stdout).unwrap()["report"].take();
    let fields = told.as_object_mut().unwrap();
    assert!(fields["groups"].as_array().is_some_and(|groups| groups.len() > 10));
    for own in ["id", "repository_id", "location", "parent", "run", "held"] {
        fields.remove(own).unwrap();
    }
    told
}
