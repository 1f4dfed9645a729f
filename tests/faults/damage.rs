//! Damaged and missing files: verify names the file and the place, and what is not damaged still restores.

use std::fs;
use std::path::Path;

use ktape::batch;
use ktape::repository;
use ktape::repository::format::{PartRef, Seal};
use serde_json::Value;

use super::{Ended, Repository, SELECTION, cluster, content, run, saved};

/// Where a file is hit, in tenths of its length.
const TENTHS: [usize; 4] = [0, 3, 6, 9];

#[test]
fn a_flipped_byte_in_any_document_is_found() {
    let intact = saved();
    let names: Vec<String> = content(intact.path()).into_keys().collect();
    for begin in ["snapshots/", "index/", "runs/"] {
        let chosen: Vec<&String> = names.iter().filter(|name| name.starts_with(begin)).collect();
        assert!(!chosen.is_empty(), "no file begins with {begin}: {names:?}");
        for name in chosen {
            let repository = intact.copied();
            each_flip(&repository.path().join(name), |at| {
                let found = findings(&repository.verify().exits(4));
                assert_eq!(found.len(), 1, "byte {at} of {name}: {found:?}");
                assert_eq!(found[0]["object"], **name, "byte {at}");
                let kind = found[0]["kind"].as_str().unwrap();
                assert!(["digest", "unreadable"].contains(&kind), "byte {at} of {name}: {found:?}");
            });
            repository.verify().exits(0);
        }
    }
}

#[test]
fn a_flipped_byte_in_the_repositorys_own_document_is_told_by_every_verb() {
    let repository = saved().copied();
    let bootstrap = cluster().bootstrap();
    each_flip(&repository.path().join("repository.json"), |_| {
        let damaged = |ended: Ended| ended.exits(4).says(&["repository.json is damaged"]).hints(&["copy"]);
        damaged(repository.verify());
        damaged(repository.backup(bootstrap, &[]));
        damaged(repository.restore(bootstrap, &["--rename", "notes=damaged-notes"]));
    });
    repository.verify().exits(0);
}

#[test]
fn a_flipped_byte_in_a_segment_is_found_with_its_batch() {
    let repository = saved().copied();
    let seals = seals(&repository, "orders");
    assert!(seals.len() >= 6, "{} segments", seals.len());
    for (number, seal) in seals.iter().enumerate() {
        let file = repository.path().join(&seal.object);
        let bytes = fs::read(&file).unwrap();
        // Another place in each: the base offset, the length, the epoch, the magic, the checksum, records.
        let (position, base) = batches(&bytes)[number % 3];
        let within = [3, 10, 14, 16, 19, 23, 57, 400, 9_000][number % 9];
        flip(&file, position as usize + within);
        let ended = repository.verify().exits(4);
        let report = ended.report();
        let found = findings(&ended);
        assert!(found.iter().all(|finding| finding["object"] == *seal.object), "{found:?}");
        let first = &found[0];
        assert_eq!(first["position"], position, "byte {within} of the batch at {base}: {found:?}");
        assert_eq!(first["partition"], serde_json::to_value(partition(seal)).unwrap(), "{found:?}");
        // What a batch says of itself is only as good as its bytes.
        if within > 8 && first.get("offset").is_some() {
            assert_eq!(first["offset"], base, "{found:?}");
        }
        assert_eq!(report["damaged_snapshots"], serde_json::json!([1]));
        flip(&file, position as usize + within);
    }
    repository.verify().exits(0);
}

#[test]
fn a_segment_that_is_gone_or_cut_is_found_and_the_rest_restores() {
    let repository = saved().copied();
    let seal = seals(&repository, "orders").remove(1);
    let file = repository.path().join(&seal.object);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 7]).unwrap();
    for found in both_ways(&repository) {
        assert_eq!((&found["kind"], &found["object"]), (&"size".into(), &seal.object.as_str().into()), "{found}");
    }
    fs::remove_file(&file).unwrap();
    for found in both_ways(&repository) {
        assert_eq!((&found["kind"], &found["object"]), (&"missing".into(), &seal.object.as_str().into()), "{found}");
        assert_eq!(found["partition"], serde_json::to_value(partition(&seal)).unwrap());
        assert_eq!(found["range"], serde_json::json!({"base": seal.base, "next": seal.next}));
    }
    let bootstrap = cluster().bootstrap();
    let rename = ["--topics", "orders", "--rename", "orders=damage-orders"];
    repository.restore(bootstrap, &rename).exits(4).says(&[&seal.object]).hints(&["ktape verify"]);
    let rest = ["--topics", "notes", "--rename", "notes=damage-notes", "--exclude-groups", "reader"];
    repository.restore(bootstrap, &rest).exits(0);
    fs::write(&file, &bytes).unwrap();
    repository.verify().exits(0);
}

#[test]
fn a_backup_reads_a_partition_again_whose_newest_segment_is_gone() {
    let repository = saved().copied();
    let newest = seals(&repository, "orders").pop().unwrap();
    fs::remove_file(repository.path().join(&newest.object)).unwrap();
    let report = repository.backup(cluster().bootstrap(), &[&SELECTION[..], &["--json"]].concat()).exits(0).report();
    let again = report["new_lineages"].as_array().unwrap();
    assert_eq!(again.len(), 1, "{report}");
    assert_eq!(again[0]["subject"], partition(&newest).to_string());
    assert!(report["fetched_bytes"].as_u64().unwrap() >= newest.size, "{report}");
    let place = repository.place();
    run(&["verify", "--json", "--repository", &place, "--snapshot", "latest"]).exits(0);
    let before = findings(&run(&["verify", "--json", "--repository", &place, "--snapshot", "1"]).exits(4));
    assert_eq!(before[0]["object"], newest.object.as_str());
}

#[test]
fn a_backup_does_not_go_on_from_what_it_cannot_read() {
    let opened = repository::Repository::open(&saved().place()).unwrap();
    // The two parts that no backup needs.
    let head = opened.latest().unwrap().unwrap().head;
    let Some(PartRef::Plain(settings)) = head.settings else { panic!("{:?}", head.settings) };
    let needless = [head.excluded.unwrap(), settings];
    let mut names: Vec<String> = content(saved().path()).into_keys().collect();
    names.retain(|name| name.starts_with("snapshots/") || name.starts_with("index/"));
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let repository = saved().copied();
        let file = repository.path().join(&name);
        flip(&file, fs::metadata(&file).unwrap().len() as usize / 2);
        let before = content(repository.path());
        let ended = repository.backup(cluster().bootstrap(), &SELECTION);
        if needless.iter().any(|part| name.contains(part)) {
            ended.exits(0);
            continue;
        }
        assert!(before == content(repository.path()), "{name}: the repository was changed");
        ended.exits(4).says(&[&name]).hints(&["ktape verify"]);
    }
}

#[test]
fn what_a_killed_run_left_is_taken_over_unless_it_is_damaged() {
    for damaged in [false, true] {
        let repository = saved().copied();
        // As after a kill just before the commit.
        fs::remove_file(repository.path().join("snapshots/0000000001.json")).unwrap();
        let names: Vec<String> = content(repository.path()).into_keys().collect();
        let seals = names.iter().find(|name| name.starts_with("runs/")).unwrap();
        if damaged {
            flip(&repository.path().join(seals), 100);
        }
        let ended = repository.backup(cluster().bootstrap(), &[&SELECTION[..], &["--json"]].concat()).exits(0);
        let report = ended.report();
        let (taken, fetched) = (&report["taken_over_segments"], &report["fetched_bytes"]);
        assert_eq!((taken == 0, fetched == 0), (damaged, !damaged), "{report:#}");
        assert_eq!(ended.stderr.contains(seals), damaged, "{}", ended.stderr);
        let verified = repository.verify().exits(if damaged { 4 } else { 0 }).report();
        assert_eq!(verified["damaged_snapshots"], serde_json::json!([]), "{verified:#}");
    }
}

/// The one finding of a full and of a fast verification.
fn both_ways(repository: &Repository) -> [Value; 2] {
    let fast = run(&["verify", "--fast", "--json", "--repository", &repository.place()]);
    [repository.verify(), fast].map(|ended| {
        let mut found = findings(&ended.exits(4));
        found.retain(|finding| finding["kind"] != "digest" && finding["kind"] != "batch");
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    })
}

fn findings(ended: &Ended) -> Vec<Value> {
    ended.report()["damage"].as_array().unwrap().clone()
}

fn seals(repository: &Repository, topic: &str) -> Vec<Seal> {
    let opened = repository::Repository::open(&repository.place()).unwrap();
    let newest = opened.latest().unwrap().unwrap();
    let topics = opened.topics(&newest.head).unwrap().map(Result::unwrap);
    let partitions = topics.filter(|one| one.name.as_str() == topic).flat_map(|topic| topic.partitions);
    partitions.flat_map(|partition| opened.seals(&partition.segments).map(Result::unwrap).collect::<Vec<_>>()).collect()
}

fn partition(seal: &Seal) -> ktape::model::TopicPartition {
    ktape::model::TopicPartition::new(seal.topic.clone(), seal.partition)
}

/// Position and base offset of every batch.
fn batches(bytes: &[u8]) -> Vec<(u64, i64)> {
    let mut position = 0;
    let walked = batch::walk(bytes).map(|batch| {
        let batch = batch.unwrap();
        let found = (position, batch.base_offset());
        position += batch.bytes().len() as u64;
        found
    });
    walked.collect()
}

/// Flips one byte after the other in several places of a file, and puts each back.
fn each_flip(file: &Path, mut look: impl FnMut(usize)) {
    let length = fs::metadata(file).unwrap().len() as usize;
    for at in TENTHS.map(|tenth| length * tenth / 10).into_iter().chain([length - 1]) {
        flip(file, at);
        look(at);
        flip(file, at);
    }
}

pub(super) fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x10;
    fs::write(file, bytes).unwrap();
}
