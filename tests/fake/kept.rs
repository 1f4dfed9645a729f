//! Restores that keep offsets: wherever they are killed, and whatever lands late.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use protocol_tests::fake::{Action, Batch, Fake, Fault, Record, Release, key};
use serde_json::Value;

use super::restored::{backed_up, empty};
use super::round_trip::{committed, seeded};
use super::{Repository, ktape};

pub(super) const KEEP: [&str; 3] = ["--preserve-offsets", "--replication-factor", "1"];
/// Far more than a restore takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// [`seeded`], with a partition whose log begins high and one that retention has emptied.
fn with_high_offsets() -> Fake {
    let source = seeded(Release::V4_2);
    source.create_topic("high", 2, &[]);
    let many = |from: i64| (from..from + 1_000).map(|number| Record::new("k", "v", 1_000 + number)).collect::<Vec<_>>();
    for partition in 0..2 {
        for round in 0..3 {
            source.produce("high", partition, many(round * 1_000));
        }
    }
    source.with(|state| state.partition_mut("high", 0).unwrap().log.trim(2_500));
    source.with(|state| state.partition_mut("high", 1).unwrap().log.trim(3_000));
    source.commit("shop", "high", 0, 2_700, "");
    source
}

/// Log start, end and records, every record at its offset.
#[track_caller]
fn same_offsets(source: &Fake, target: &Fake) {
    for (topic, partitions) in source.topics() {
        for partition in 0..partitions as i32 {
            let [start, _, _, end] = source.bounds(&topic, partition).unwrap();
            let [back_start, _, _, back_end] = target.bounds(&topic, partition).unwrap();
            assert_eq!((start, end), (back_start, back_end), "{topic}-{partition}");
            assert_eq!(source.committed_records(&topic, partition), target.committed_records(&topic, partition));
        }
    }
}

#[test]
fn offsets_that_are_kept_are_those_of_the_source() {
    let source = with_high_offsets();
    let (repository, target) = (backed_up(&source), empty());
    let plan = repository.report(0, "restore", &target, &[&KEEP[..], &["--dry-run"]].concat());
    let planned = plan["preserve"]["partitions"].as_array().unwrap();
    assert!(planned.iter().all(|one| one["translated"].is_null()), "{plan:#}");
    assert!(target.topics().is_empty(), "a plan changes nothing");
    let report = repository.report(0, "restore", &target, &KEEP);
    assert_eq!(report["translated"].as_array().map(Vec::len), Some(0), "{report:#}");
    same_offsets(&source, &target);
    assert_eq!(committed(&source), committed(&target));
    assert_eq!(source.topic_configs("latest"), target.topic_configs("latest"));
    let again = repository.report(0, "restore", &target, &KEEP);
    assert_eq!(again["was_finished"], true);
}

/// A request that is lost, or its answer: what the log says is what counts.
#[test]
fn answers_that_get_lost_change_no_offset() {
    let source = with_high_offsets();
    let repository = backed_up(&source);
    let lost = |api, nth| Fault::on(api, nth, Action::Lose);
    let cut = |api, nth| Fault::on(api, nth, Action::Cut);
    let markers = key::WRITE_TXN_MARKERS;
    let rounds = [
        vec![lost(key::PRODUCE, 1), cut(key::PRODUCE, 2), lost(markers, 1), cut(markers, 2), lost(markers, 4)],
        vec![cut(key::PRODUCE, 1), lost(key::DELETE_RECORDS, 1), cut(key::DELETE_RECORDS, 2), cut(markers, 1)],
    ];
    for faults in rounds {
        let (repository, target) = (repository.copy(), empty());
        for fault in faults {
            target.fault(fault);
        }
        let report = repository.report(0, "restore", &target, &[&KEEP[..], &["--request-timeout", "2s"]].concat());
        assert_eq!(report["translated"].as_array().map(Vec::len), Some(0), "{report:#}");
        same_offsets(&source, &target);
        assert_eq!(committed(&source), committed(&target));
    }
}

/// Wherever a run is killed, the next one ends with the offsets of the source.
#[test]
fn offsets_are_kept_wherever_a_restore_is_killed() {
    let source = with_high_offsets();
    let repository = backed_up(&source);
    for (api, nth) in [(key::PRODUCE, 1), (key::PRODUCE, 4), (key::WRITE_TXN_MARKERS, 2)] {
        // Before the request reached the log, and after.
        for action in [Action::Swallow, Action::Lose] {
            let (target, repository) = (empty(), repository.copy());
            killed_at(&repository, &target, &KEEP, (api, nth, action));
            repository.report(0, "restore", &target, &KEEP);
            same_offsets(&source, &target);
            assert_eq!(committed(&source), committed(&target), "{api} {nth}");
        }
    }
}

/// A partition without records is read to its end before its filler is there.
#[test]
fn filler_that_a_killed_run_left_is_deleted() {
    let source = with_high_offsets();
    let (repository, target) = (backed_up(&source), empty());
    let flags = [&KEEP[..], &["--topics", "high:1"]].concat();
    killed_at(&repository, &target, &flags, (key::DELETE_RECORDS, 1, Action::Swallow));
    assert_eq!(target.bounds("high", 1), Some([0, 3_000, 3_000, 3_000]));
    repository.report(0, "restore", &target, &flags);
    assert_eq!(target.bounds("high", 1), source.bounds("high", 1));
}

/// Markers of a killed run that land when it was thought to be over: where none belong, and behind the end.
#[test]
fn a_topic_with_markers_too_many_is_begun_again() {
    let source = with_high_offsets();
    for nth in [2, 6] {
        let (repository, target) = (backed_up(&source), empty());
        killed_at(&repository, &target, &KEEP, (key::PRODUCE, nth, Action::Lose));
        let end = target.bounds("orders", 0).unwrap()[3];
        for _ in 0..3 {
            let marker = Batch::marker(marker_producer(repository.0.path()), 0, false, 0, 0);
            target.append("orders", 0, &marker);
        }
        let report = repository.report(0, "restore", &target, &KEEP);
        let notes = report["notes"].to_string();
        assert!(notes.contains("topic orders:") && notes.contains("begun again"), "{nth}, {end}: {notes}");
        same_offsets(&source, &target);
        assert_eq!(committed(&source), committed(&target));
    }
}

/// Markers that land once everything is there: where others stay as they are, and where the topic is the only one.
#[test]
fn a_topic_that_gets_a_marker_at_the_very_end_is_begun_again_and_no_other() {
    let source = with_high_offsets();
    for topics in [vec!["high", "latest", "orders", "paid"], vec!["latest"]] {
        let (repository, target) = (backed_up(&source), Arc::new(empty()));
        mark_at_the_end(&repository, &source, &target, &topics);
        let report = repository.report(0, "restore", &target, &[&KEEP[..], &["--topics"], &topics].concat());
        let notes = report["notes"].to_string();
        assert_eq!((notes.matches("begun again").count(), report["resumed"].as_bool()), (1, Some(false)), "{notes}");
        assert!(notes.contains("topic latest: the log of partition 0 got longer"), "{notes}");
        let others: Vec<String> = source.topics().into_keys().filter(|name| !topics.contains(&name.as_str())).collect();
        source.with(|state| state.topics.retain(|name, _| !others.contains(name)));
        same_offsets(&source, &target);
    }
}

/// Appends one of the restore's markers to `latest` when all logs end as those of the source.
fn mark_at_the_end(repository: &Repository, source: &Fake, target: &Arc<Fake>, topics: &[&str]) {
    let ends: Vec<(String, i32, i64)> = source
        .topics()
        .into_iter()
        .filter(|(name, _)| topics.contains(&name.as_str()))
        .flat_map(|(name, partitions)| (0..partitions as i32).map(move |number| (name.clone(), number)))
        .map(|(name, number)| (source.bounds(&name, number).unwrap()[3], name, number))
        .map(|(end, name, number)| (name, number, end))
        .collect();
    let (place, fake, mut over) = (repository.0.path().to_owned(), Arc::downgrade(target), false);
    target.on_request(move |exchange| {
        let fake = fake.upgrade().filter(|_| exchange.api == key::LIST_OFFSETS && !over)?;
        over = ends.iter().all(|(name, number, end)| fake.bounds(name, *number).is_some_and(|found| found[3] == *end));
        if over {
            fake.append("latest", 0, &Batch::marker(marker_producer(&place), 0, false, 0, 0));
        }
        None
    });
}

/// Whose markers fill holes.
fn marker_producer(place: &Path) -> i64 {
    plan_in(place)["marker_producer_id"].as_i64().unwrap()
}

/// The restore under way, as it has written itself down.
pub(super) fn plan(repository: &Repository) -> Value {
    plan_in(repository.0.path())
}

fn plan_in(place: &Path) -> Value {
    let restores = place.join("repository/restores");
    let inside = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).next().unwrap();
    let plan = std::fs::read_to_string(inside(&inside(&restores)).join("plan.json")).unwrap();
    serde_json::from_str(plan.lines().next().unwrap()).unwrap()
}

/// SIGKILL while the nth request of an API is under way.
pub(super) fn killed_at(
    repository: &Repository,
    target: &Fake,
    flags: &[&str],
    (api, nth, action): (i16, usize, Action),
) {
    let (reached, wait) = mpsc::channel();
    let mut left = nth;
    target.on_request(move |exchange| {
        if exchange.api == api {
            left = left.saturating_sub(1);
        }
        (exchange.api == api && left == 0).then(|| {
            let _ = reached.send(());
            action.clone()
        })
    });
    let place = repository.0.path().join("repository").display().to_string();
    let there = ["restore", "--repository", &place, "--bootstrap-server", &target.bootstrap()];
    let mut run = ktape().args(there).args(flags).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait.recv_timeout(DEADLINE).expect("the restore gets there");
    // What was sent before it lands; what is under way then is answered by nobody.
    std::thread::sleep(Duration::from_millis(100));
    run.kill().unwrap();
    run.wait().unwrap();
    target.heal();
}
