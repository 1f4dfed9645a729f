//! What a repository gives and what lies in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use ktape::repository::Repository as Opened;
use ktape::repository::format::Seal;
use serde_json::Value;

use super::super::{Repository, collect};

/// What a snapshot gives: of each topic the export, and what `show` says.
#[derive(PartialEq)]
pub(super) struct Told {
    pub exports: Vec<String>,
    pub shown: Value,
}

pub(super) fn tell(repository: &Repository, snapshot: u64, topics: &[&str]) -> Told {
    tell_with(repository, snapshot, topics, &[])
}

/// The same with a key.
pub(super) fn tell_with(repository: &Repository, snapshot: u64, topics: &[&str], key: &[&str]) -> Told {
    let snapshot = snapshot.to_string();
    let exports = topics.iter().map(|topic| {
        let output = repository.run("export", &[&["--topic", topic, "--snapshot", &snapshot], key].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    });
    let exports = exports.collect();
    let mut shown = reported(repository, "show", &[&["--snapshot", &snapshot], key].concat());
    forget_parent(&mut shown);
    Told { exports, shown }
}

/// What is new is told only as long as the snapshot before is there; what restores hold is of the repository.
fn forget_parent(shown: &mut Value) {
    match shown {
        Value::Object(fields) => {
            fields.retain(|name, _| !["new_bytes", "new_records", "held"].contains(&name.as_str()));
            fields.values_mut().for_each(forget_parent);
        }
        Value::Array(all) => all.iter_mut().for_each(forget_parent),
        _ => {}
    }
}

/// Prunes really.
#[track_caller]
pub(super) fn prune(repository: &Repository, flags: &[&str]) -> Value {
    let report = reported(repository, "prune", &[flags, &["--confirm"]].concat());
    assert_eq!((&report["complete"], &report["stuck_total"]), (&true.into(), &0.into()), "{report:#}");
    assert_eq!(report["remarks"].as_array().map(Vec::len), Some(0), "{report:#}");
    report
}

/// Runs a verb that must succeed.
#[track_caller]
pub(super) fn reported(repository: &Repository, verb: &str, flags: &[&str]) -> Value {
    let output = repository.run(verb, &[flags, &["--json"]].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{verb}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str::<Value>(&text).unwrap()["report"].take()
}

pub(super) fn numbers(snapshots: &Value) -> Vec<u64> {
    snapshots.as_array().unwrap().iter().map(|one| one["sequence"].as_u64().unwrap()).collect()
}

pub(super) fn snapshots(repository: &Repository) -> BTreeSet<u64> {
    Opened::open(&repository.place()).unwrap().snapshots().unwrap().into_iter().collect()
}

/// What a snapshot names.
pub(super) fn seals(repository: &Repository, snapshot: u64) -> Vec<Seal> {
    let opened = Opened::open(&repository.place()).unwrap();
    let topics = opened.topics(&opened.head(snapshot).unwrap().head).unwrap().map(Result::unwrap);
    let lists: Vec<_> = topics.flat_map(|topic| topic.partitions).map(|partition| partition.segments).collect();
    lists.iter().flat_map(|list| opened.seals(list).map(Result::unwrap).collect::<Vec<_>>()).collect()
}

pub(super) fn objects(repository: &Repository, snapshot: u64) -> BTreeSet<String> {
    seals(repository, snapshot).into_iter().map(|seal| seal.object).collect()
}

/// Segments and merged objects, with their sizes.
pub(super) fn segments(repository: &Repository) -> BTreeMap<String, u64> {
    let names =
        repository.objects().into_iter().filter(|name| name.starts_with("topics/") && !name.contains(".pieces."));
    names.map(|name| (name.clone(), fs::metadata(repository.path().join(&name)).unwrap().len())).collect()
}

/// Every file, locks included.
pub(super) fn tree(repository: &Repository) -> BTreeMap<String, Vec<u8>> {
    let mut names = BTreeSet::new();
    collect(&repository.path(), "", &mut names);
    names.into_iter().map(|name| (name.clone(), fs::read(repository.path().join(name)).unwrap())).collect()
}
