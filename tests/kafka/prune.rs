//! A repository that many small backups went into is pruned and merged: what every kept snapshot gives stays the same, for
//! exports, restores, copies, the next backups and Kafka's own tools.

mod expired;
mod sealed;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::thread;

use protocol_tests::Cluster;
use protocol_tests::desk::Desk;
use protocol_tests::judge::{Isolation, Shown};
use protocol_tests::tools::CONFIGS;
use serde_json::Value;

use self::told::{Told, numbers, prune, reported, segments, snapshots, tell, tree};
use super::round_trip::assert_same_records;
use super::watched::Watched;
use super::{Repository, target};

const TOPICS: [&str; 4] = ["pruned-plain", "pruned-zstd", "pruned-tx", "pruned-compact"];
const GROUP: &str = "pruned-group";
const SELECTION: [&str; 4] = ["--topics", "pruned-*", "--groups", GROUP];
/// A log that the cleaner is quick with, as long as it may.
const COMPACT: &str = "topic:pruned-compact:3:cleanup.policy=compact:segment.ms=200:min.cleanable.dirty.ratio=0.01\
                       :max.compaction.lag.ms=300:delete.retention.ms=300";
const UNCLEANED: [&str; 7] = [
    "--alter",
    "--entity-type",
    "topics",
    "--entity-name",
    "pruned-compact",
    "--add-config",
    "min.compaction.lag.ms=86400000,max.compaction.lag.ms=86400000,delete.retention.ms=86400000",
];
const PRUNE: [&str; 6] = ["--keep-last", "3", "--grace", "0s", "--merge-below", "64MiB"];
const BACKUPS: u64 = 12;
/// Until then the cleaner is at work.
const CLEANED: u64 = 6;
/// Where a backup is while the repository is pruned.
const PHASES: [&str; 5] = ["fetching", "publish", "seal", "index", "commit"];

#[test]
fn what_is_pruned_and_merged_gives_the_same_as_before() {
    let (cluster, tools) = (target(), target().tools());
    let desk = Desk::open(&tools).unwrap();
    let repository = Repository::init();
    let (mut told, mut oldest) = (BTreeMap::new(), Shown::new());
    for number in 1..=BACKUPS {
        live_on(&desk, cluster, number);
        assert_eq!(repository.back_up(cluster, &SELECTION)["snapshot"]["sequence"].as_u64(), Some(number));
        told.insert(number, tell(&repository, number, &TOPICS));
        if number == BACKUPS - 2 {
            oldest = tools.read("pruned-.*", Isolation::ReadCommitted).unwrap();
        }
    }
    let kept: BTreeSet<u64> = (BACKUPS - 2..=BACKUPS).collect();
    a_dry_run_changes_nothing(&repository);
    told.retain(|number, _| kept.contains(number));
    let before = segments(&repository);
    let first = prune(&repository, &PRUNE);
    assert_eq!(numbers(&first["removed"]), (1..=BACKUPS - 3).collect::<Vec<_>>(), "{first:#}");
    let second = prune(&repository, &PRUNE);
    let freed =
        first["freed"]["merged"]["objects"].as_u64().unwrap() + second["freed"]["merged"]["objects"].as_u64().unwrap();
    assert!(first["merged"]["pieces"].as_u64() > Some(30) && freed > 30, "{first:#}\n{second:#}");
    let third = prune(&repository, &PRUNE);
    assert_eq!((&third["merged"]["into"], &third["waiting"]["objects"]), (&0.into(), &0.into()), "{third:#}");
    let after = segments(&repository);
    assert!(after.len() * 2 < before.len(), "{} objects of {}: {after:?}", after.len(), before.len());
    assert_whole(&repository, &told);

    kafka_reads_merged_objects(cluster, &repository);
    the_kept_ones_restore(cluster, &repository, &oldest);
    assert_whole(&repository, &told);
    a_copy_is_the_same(&repository, &told);

    live_on(&desk, cluster, BACKUPS + 1);
    let before = segments(&repository);
    let next = repository.back_up(cluster, &SELECTION);
    let mut new = segments(&repository);
    new.retain(|name, _| !before.contains_key(name));
    assert_eq!(next["fetched_bytes"].as_u64(), Some(new.values().sum()), "{next:#}");
    assert!(new.len() >= 5 && next["new_lineages"] == Value::Array(Vec::new()), "{next:#}");
    assert_eq!((&next["parent"], next["incomplete"].as_array().map(Vec::len)), (&BACKUPS.into(), Some(0)), "{next:#}");
    pruned_while_backups_run(&desk, cluster, &repository);
}

/// A little of everything: what is new since the backup before.
fn live_on(desk: &Desk, cluster: &Cluster, number: u64) {
    let step = |step: &str| drop(desk.step(step).unwrap());
    if number == 1 {
        step("topic:pruned-tx:3");
        step(COMPACT);
    }
    step("bulk:pruned-plain:4:40:300:none");
    step("bulk:pruned-zstd:3:300:100:zstd");
    step(&format!("transaction:pruned-tx:7:{}", if number.is_multiple_of(3) { "abort" } else { "commit" }));
    // One stays open over some backups: the data end there.
    match number {
        3 => step("begin:long:pruned-tx:1:1,2,3"),
        7 => step("end:long:commit"),
        8 => step("begin:long:pruned-tx:2:4,5,6"),
        11 => step("end:long:abort"),
        _ => {}
    }
    for key in ["same", "other"] {
        step(&format!("put:pruned-compact:{key}:at {number}"));
    }
    match number {
        1 => step("put:pruned-compact:gone:secret"),
        2 => step("put:pruned-compact:gone:-"),
        CLEANED => {
            // An append after a pause rolls the segment before it.
            for _ in 0..4 {
                step("sleep:400");
                step("put:pruned-compact:roll:x");
            }
            step("await-absent:pruned-compact:gone");
            cluster.tools().admin(CONFIGS, &UNCLEANED).unwrap();
        }
        _ => {}
    }
    step(&format!("commit:{GROUP}:pruned-plain:0:{}", number * 10 - 3));
}

fn a_dry_run_changes_nothing(repository: &Repository) {
    let before = tree(repository);
    let report = reported(repository, "prune", &PRUNE);
    assert_eq!(report["dry_run"], true, "{report:#}");
    assert_eq!(numbers(&report["removed"]), (1..=BACKUPS - 3).collect::<Vec<_>>(), "{report:#}");
    assert!(before == tree(repository), "a dry run changed something");
}

#[track_caller]
fn assert_sound(repository: &Repository) {
    let checked = reported(repository, "verify", &[]);
    assert_eq!(checked["damage_total"], 0, "{checked:#}");
}

/// Everything is sound, and what these snapshots give is what it was.
#[track_caller]
fn assert_whole(repository: &Repository, told: &BTreeMap<u64, Told>) {
    let report = reported(repository, "verify", &[]);
    assert_eq!((&report["damage_total"], &report["left_overs_total"]), (&0.into(), &0.into()), "{report:#}");
    for (number, told) in told {
        let now = tell(repository, *number, &TOPICS);
        for (topic, (now, before)) in TOPICS.iter().zip(now.exports.iter().zip(&told.exports)) {
            assert!(now == before, "snapshot {number} gives something else of {topic}");
        }
        assert!(now.shown == told.shown, "snapshot {number}: {:#}\n{:#}", now.shown, told.shown);
    }
}

/// A merged object is itself a log.
fn kafka_reads_merged_objects(cluster: &Cluster, repository: &Repository) {
    let documents = repository.objects().into_iter().filter(|name| name.ends_with(".pieces.json"));
    let (mut files, mut pieces) = (Vec::<PathBuf>::new(), 0);
    for document in documents {
        let text = fs::read_to_string(repository.path().join(document)).unwrap();
        let document: Value = serde_json::Deserializer::from_str(&text).into_iter().next().unwrap().unwrap();
        files.push(repository.path().join(document["object"].as_str().unwrap()));
        pieces += document["pieces"].as_array().unwrap().len();
    }
    assert!(files.len() >= 8 && pieces > 2 * files.len(), "{pieces} pieces in {files:?}");
    let dump = cluster.tools().dump_log(&files).unwrap();
    assert_eq!(dump.lines().filter(|line| line.starts_with("Log starting offset: ")).count(), files.len());
    let batches: Vec<&str> = dump.lines().filter(|line| line.starts_with("baseOffset: ")).collect();
    assert!(batches.len() >= pieces && batches.iter().all(|line| line.contains("isvalid: true")), "{dump}");
    assert!(!dump.contains("invalid bytes") && !dump.contains("Could not"), "{dump}");
}

/// The newest and the oldest, from the merged objects.
fn the_kept_ones_restore(cluster: &Cluster, repository: &Repository, oldest: &Shown) {
    for (name, number) in [("new", BACKUPS), ("old", BACKUPS - 2)] {
        let (rename, snapshot) = (format!("pruned-*=repruned-{name}-*"), number.to_string());
        let report = repository.restore(cluster, &["--snapshot", &snapshot, "--rename", &rename, "--groups", GROUP]);
        assert_eq!(report["incomplete"].as_array().map(Vec::len), Some(0), "{report:#}");
    }
    let mut shown = cluster.tools().read("(re)?pruned-.*", Isolation::ReadCommitted).unwrap();
    let mut of = |prefix: &str| -> Shown {
        let (found, rest) =
            std::mem::take(&mut shown).into_iter().partition(|((topic, _), _)| topic.starts_with(prefix));
        shown = rest;
        let name = |topic: &str| topic.replacen(prefix, "pruned-", 1);
        Shown::into_iter(found).map(|((topic, at), records)| ((name(&topic), at), records)).collect()
    };
    let (new, old, newest) = (of("repruned-new-"), of("repruned-old-"), of("pruned-"));
    assert!(
        oldest.len() > 9
            && newest[&("pruned-plain".to_owned(), 0)].len() > oldest[&("pruned-plain".to_owned(), 0)].len()
    );
    assert_same_records(&newest, &new, Isolation::ReadCommitted);
    assert_same_records(oldest, &old, Isolation::ReadCommitted);
    let offsets = cluster.tools().described_offsets().unwrap();
    for (name, number) in [("new", BACKUPS), ("old", BACKUPS - 2)] {
        let at = (GROUP.to_owned(), format!("repruned-{name}-plain"), 0);
        assert_eq!(offsets.get(&at), Some(&(number as i64 * 10 - 3)), "{at:?}");
    }
}

fn a_copy_is_the_same(repository: &Repository, told: &BTreeMap<u64, Told>) {
    let copy = Repository::init();
    let report = reported(repository, "copy", &["--to", &copy.place()]);
    assert_eq!(report["snapshots"].as_array().map(Vec::len), Some(told.len()), "{report:#}");
    let checked = reported(&copy, "verify", &[]);
    assert_eq!((&checked["damage_total"], &checked["left_overs_total"]), (&0.into(), &0.into()), "{checked:#}");
    for copied in report["snapshots"].as_array().unwrap() {
        let (from, to) = (copied["sequence"].as_u64().unwrap(), copied["copy_sequence"].as_u64().unwrap());
        assert!(
            tell(&copy, to, &TOPICS).exports == told[&from].exports,
            "the copy of snapshot {from} gives something else"
        );
    }
}

/// Each is stopped in another phase while the repository is pruned, and goes on while it is pruned again.
fn pruned_while_backups_run(desk: &Desk, cluster: &Cluster, repository: &Repository) {
    let small = [&SELECTION[..], &["--segment-bytes", "1MiB", "--fetch-bytes", "64KiB"]].concat();
    for phase in PHASES {
        desk.step("bulk:pruned-plain:4:2000:1000:none").unwrap();
        let newest = snapshots(repository).into_iter().max().unwrap();
        let mut run = Watched::start(repository, "backup", cluster, &small);
        assert!(run.wait_for(1, |event| event["phase"] == phase || event["message"] == phase), "no phase {phase}");
        run.pause();
        let before = tell(repository, newest, &TOPICS);
        // Whoever reads meanwhile looks again for what is not where it was.
        let ended = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                assert_sound(repository);
                assert!(tell(repository, newest, &TOPICS) == before, "{phase}: snapshot {newest} gives something else");
            });
            prune(repository, &PRUNE);
            run.resume();
            prune(repository, &PRUNE);
            let ended = run.finish().exits(0);
            reader.join().unwrap();
            ended
        });
        assert_eq!((ended.list("incomplete").len(), ended.list("new_lineages").len()), (0, 0), "{:#}", ended.report);
        assert_sound(repository);
        let after = tell(repository, newest, &TOPICS);
        assert!(after == before, "{phase}: snapshot {newest} gives something else");
    }
    let told = snapshots(repository).into_iter().map(|number| (number, tell(repository, number, &TOPICS)));
    let told: BTreeMap<u64, Told> = told.collect();
    for _ in 0..2 {
        prune(repository, &PRUNE);
    }
    let kept = snapshots(repository);
    assert_eq!(kept.len(), 3);
    assert_whole(repository, &told.into_iter().filter(|(number, _)| kept.contains(number)).collect());
}
