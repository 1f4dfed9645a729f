//! A copy that is taken while a backup writes is as good as its last complete snapshot.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ktape::repository;
use protocol_tests::judge::{Isolation, Shown, contents};
use protocol_tests::tools::{PERF_PRODUCER, TIMEOUT};
use serde_json::Value;

use super::{Repository, cluster, ktape, run};
use crate::not_run::not_run;

/// Copies taken while backups run.
const COPIES: u32 = 6;
/// Little at a time, so that a backup takes longer than its copy.
const TAKE: [&str; 8] =
    ["--topics", "copied-*", "--groups", "copied-*", "--segment-bytes", "1MiB", "--fetch-bytes", "16KiB"];

#[test]
fn a_copy_taken_in_the_middle_of_a_backup_restores_its_last_complete_snapshot() {
    let (bootstrap, tools) = (cluster().bootstrap(), cluster().tools());
    tools.load(&["bulk:copied-a:4:8000:1000:none", "commit:copied-group:copied-a:2:1500:here"]).unwrap();
    let before = tools.read("copied-a", Isolation::ReadCommitted).unwrap();
    let repository = Repository::init();
    repository.backup(bootstrap, &TAKE).exits(0);
    fill("copied-b", "30000");
    let rsync = has_rsync();
    if !rsync {
        not_run("a copy made by rsync, cp makes them instead", "the program rsync");
    }
    let mut middle = 0;
    for number in 1..=COPIES {
        let copy = Repository::nothing();
        let mut backup = ktape()
            .args(["backup", "--repository", &repository.place(), "--bootstrap-server", bootstrap])
            .args(TAKE)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ended = await_a_new_file(&repository.path().join("tmp"), &mut backup);
        thread::sleep(Duration::from_millis(u64::from(number) * 20));
        copy_tree(rsync, repository.path(), copy.path());
        middle += u32::from(!ended && backup.try_wait().unwrap().is_none());
        // The next one begins again, and the last one may end: its copy may have a head without its parts.
        if number < COPIES {
            backup.kill().unwrap();
        }
        backup.wait().unwrap();
        let newest = last_complete(&copy);
        println!("copy {number}: snapshot {newest} is complete");
        if number == COPIES {
            restores(&copy, newest, "copied-back", &before);
        }
    }
    println!("{middle} of {COPIES} copies were made before the backup ended");
    assert!(middle > 0, "every backup was quicker than its copy");
}

#[test]
fn a_copy_whose_newest_head_came_before_its_parts_restores_the_one_before() {
    let (bootstrap, tools) = (cluster().bootstrap(), cluster().tools());
    tools.load(&["bulk:order-of-copying:2:2000:500:lz4", "commit:copied-order:order-of-copying:1:600"]).unwrap();
    let before = tools.read("order-of-copying", Isolation::ReadCommitted).unwrap();
    let repository = Repository::init();
    let take = ["--topics", "order-of-copying", "--groups", "copied-order"];
    repository.backup(bootstrap, &take).exits(0);
    let copy = repository.copied();
    tools.load(&["bulk:order-of-copying:2:1000:500:none"]).unwrap();
    repository.backup(bootstrap, &take).exits(0);
    // Whoever copies folder by folder may come to the heads when a backup has just ended.
    let head = "snapshots/0000000002.json";
    fs::copy(repository.path().join(head), copy.path().join(head)).unwrap();
    assert_eq!(last_complete(&copy), 1);
    restores(&copy, 1, "order-back", &before);
}

/// Kafka's own producer: records of 1000 bytes in small batches, on four partitions.
fn fill(topic: &str, records: &str) {
    let tools = cluster().tools();
    tools.load(&[&format!("topic:{topic}:4")]).unwrap();
    let what = ["--bootstrap-server", tools.bootstrap(), "--topic", topic, "--num-records", records];
    let how = ["--record-size", "1000", "--throughput", "-1", "--command-property", "batch.size=16384"];
    tools.run(PERF_PRODUCER, &[&what[..], &how].concat(), TIMEOUT).unwrap();
}

/// The newest snapshot that `verify` has nothing to say against; older ones must be sound too.
fn last_complete(copy: &Repository) -> u64 {
    let ended = copy.verify();
    let found = ended.report();
    let numbers =
        |name: &str| -> Vec<u64> { found[name].as_array().unwrap().iter().filter_map(Value::as_u64).collect() };
    let (snapshots, damaged) = (numbers("snapshots"), numbers("damaged_snapshots"));
    // Only the one that was being committed may have come without its parts.
    let complete: Vec<u64> = snapshots.iter().copied().filter(|number| !damaged.contains(number)).collect();
    assert!(damaged.len() <= 1 && complete.iter().all(|number| damaged.iter().all(|bad| number < bad)), "{found:#}");
    assert_eq!(ended.code, Some(if damaged.is_empty() { 0 } else { 4 }), "{found:#}");
    for number in &complete {
        run(&["verify", "--repository", &copy.place(), "--snapshot", &number.to_string()]).exits(0);
    }
    *complete.last().expect("a complete snapshot")
}

/// Restores the newest complete snapshot under another name; Kafka's own consumer must see the same records.
fn restores(copy: &Repository, snapshot: u64, target: &str, before: &Shown) {
    let tools = cluster().tools();
    let source = &before.keys().next().unwrap().0;
    let rename = format!("{source}={target}");
    let flags = ["--topics", source, "--rename", &rename, "--json"];
    let newest = repository::Repository::open(&copy.place()).unwrap().snapshots().unwrap().pop();
    let passed_over = newest.filter(|newest| *newest != snapshot);
    let ended = copy.restore(cluster().bootstrap(), &flags).exits(if passed_over.is_some() { 3 } else { 0 });
    let report = ended.report();
    assert_eq!(report["snapshot"], snapshot, "{report:#}");
    let told = report["incomplete"].as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
    match passed_over {
        Some(newest) => assert!(told.contains(&format!("snapshot {newest} was passed over")), "{report:#}"),
        None => assert!(told.is_empty(), "{report:#}"),
    }
    let back = tools.read(target, Isolation::ReadUncommitted).unwrap();
    let count = |shown: &Shown| shown.values().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(count(before), count(&back));
    assert!(nameless(before) == nameless(&back), "the records are not the same");
    let offsets = tools.described_offsets().unwrap();
    assert!(offsets.keys().any(|(_, topic, _)| topic == target), "{offsets:?}");
}

/// Partitions and their records without the topic's name, which the restore changed.
fn nameless(shown: &Shown) -> Vec<(i32, Vec<&str>)> {
    contents(shown).into_iter().map(|((_, partition), records)| (*partition, records)).collect()
}

/// Waits until a backup writes a file that has no name yet. True if it ended before.
fn await_a_new_file(folder: &Path, backup: &mut Child) -> bool {
    let deadline = Instant::now() + Duration::from_secs(120);
    let count = || fs::read_dir(folder).map_or(0, Iterator::count);
    while count() == 0 && backup.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the backup writes nothing");
        thread::sleep(Duration::from_millis(2));
    }
    count() == 0
}

fn has_rsync() -> bool {
    Command::new("rsync").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn copy_tree(rsync: bool, from: &Path, to: &Path) {
    let mut command = Command::new(if rsync { "rsync" } else { "cp" });
    command.args(if rsync { ["--archive", "--whole-file"] } else { ["-R", "-p"] });
    fs::create_dir_all(to).unwrap();
    let output = command.arg(from.join(".")).arg(to).stdin(Stdio::null()).output().unwrap();
    // 24: files vanished meanwhile, those without a name that got one. cp says 1 for the same.
    let code = output.status.code();
    let vanished = if rsync { 24 } else { 1 };
    assert!(code == Some(0) || code == Some(vanished), "{}", String::from_utf8_lossy(&output.stderr));
}
