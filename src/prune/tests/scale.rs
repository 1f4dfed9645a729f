//! Many runs with a little new data each: objects per partition stay bounded, and a snapshot costs what it changes.
//!
//! `KTAPE_SCALE` is runs, partitions, runs between two prunes, and snapshots that are kept, `24x6x8x4` unless told. What
//! OPERATIONS.md says of growth was measured so, in a folder whose disk does not count:
//!
//! ```text
//! KTAPE_SCALE=1000x1000x100x100 TMPDIR=/dev/shm cargo test --release --lib prune::tests::scale -- --nocapture
//! ```

#![expect(clippy::print_stdout, reason = "what it measures is its result")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Instant;

use super::{a_moment, merging};
use crate::cancel::Cancel;
use crate::model::Timestamp;
use crate::progress::Silent;
use crate::prune::prune;
use crate::repository::format::{GroupsPart, PartitionState, SegmentList, TopicState, Totals};
use crate::repository::testing::{CLUSTER, batch, head, partition, start, topic};
use crate::repository::{Repository, Run, Snapshot, layout};
use crate::store::LocalStore;
use crate::verify::{self, VerifyOptions};

/// Partitions of a topic.
const PER_TOPIC: usize = 10;
/// Seals that are written down together, as backup does.
const JOURNALED: usize = 256;
/// Records that a run finds in each partition.
const RECORDS: i32 = 10;

#[derive(Debug, Clone, Copy)]
struct Scale {
    runs: usize,
    partitions: usize,
    between: usize,
    kept: usize,
}

impl Scale {
    fn get() -> Self {
        let text = std::env::var("KTAPE_SCALE").unwrap_or("24x6x8x4".to_owned());
        let numbers: Vec<usize> = text.split('x').map(|number| number.parse().unwrap()).collect();
        let [runs, partitions, between, kept] = numbers[..] else { panic!("KTAPE_SCALE={text}") };
        Self { runs, partitions, between, kept }
    }
}

/// What one run cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Of the index and the head, in bytes.
    snapshot: u64,
    /// Milliseconds of processor time.
    cpu: u64,
}

#[test]
fn objects_stay_bounded_and_a_snapshot_costs_what_it_changes() {
    let scale = Scale::get();
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init_in(Arc::new(LocalStore::new(folder.path().join("repository")))).unwrap();
    let mut lists: Vec<SegmentList> = vec![SegmentList::default(); scale.partitions];
    let mut last = None;
    let mut costs: Vec<Cost> = Vec::new();
    let (mut most, mut seconds) = (0, 0.0);
    println!(
        "| runs | objects in a partition before and after prune | all other objects | snapshot KiB | run CPU ms | prune CPU s |"
    );
    for number in 1..=scale.runs {
        costs.push(run(&repository, number, &mut lists, &mut last));
        if number % scale.between == 0 {
            let (before, _) = objects(&repository);
            a_moment();
            let began = cpu_ms();
            let report = prune(&repository, &merging(scale.kept as u32), &Silent, &Cancel::new()).unwrap();
            assert!(report.complete, "{report:?}");
            seconds = (cpu_ms() - began) as f64 / 1e3;
            let (after, others) = objects(&repository);
            most = most.max(after);
            let recent = &costs[costs.len() - scale.between..];
            let (snapshot, cpu) = (median(recent, |cost| cost.snapshot), median(recent, |cost| cost.cpu));
            println!("| {number} | {before} -> {after} | {others} | {} | {cpu} | {seconds:.1} |", snapshot >> 10);
        }
    }
    let began = Instant::now();
    let checked = verify::verify(&repository, &VerifyOptions::default(), &Silent, &Cancel::new()).unwrap();
    assert!(checked.is_sound(), "{:?}", checked.damage);
    println!("verified in {:.1} s; the last prune took {seconds:.1} s of CPU", began.elapsed().as_secs_f64());
    // A log of merged objects, and per document as well.
    let bound = 4 + 2 * scale.runs.ilog2() as usize;
    assert!(most <= bound, "{most} objects in a partition after {} runs", scale.runs);
    // The first have short lists.
    let quarter = scale.runs / 4;
    let early = median(&costs[quarter..2 * quarter], |cost| cost.snapshot);
    let late = median(&costs[3 * quarter..], |cost| cost.snapshot);
    assert!(late <= early + early / 2, "a snapshot costs {late} bytes, and cost {early}");
}

fn median(costs: &[Cost], of: impl Fn(&Cost) -> u64) -> u64 {
    let mut all: Vec<u64> = costs.iter().map(of).collect();
    all.sort_unstable();
    all[all.len() / 2]
}

/// The most objects that a partition has, and how many there are elsewhere.
fn objects(repository: &Repository) -> (usize, usize) {
    let (mut partitions, mut others) = (BTreeMap::<String, usize>::new(), 0);
    for object in repository.store().list(None).unwrap() {
        let name = object.key.as_str();
        match name.strip_prefix("topics/").and_then(|name| name.rsplit_once('/')) {
            Some((partition, _)) => *partitions.entry(partition.to_owned()).or_default() += 1,
            None => others += 1,
        }
    }
    (partitions.into_values().max().unwrap_or(0), others)
}

/// Bytes of the index and the heads.
fn written(repository: &Repository) -> u64 {
    let size = |folder: &str| -> u64 {
        let folder = layout::folder(folder).unwrap();
        repository.store().list(Some(&folder)).unwrap().iter().map(|object| object.size).sum()
    };
    size(layout::INDEX) + size(layout::SNAPSHOTS) + size(layout::RUNS)
}

/// Processor time of this process so far, in milliseconds.
fn cpu_ms() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // User and system, in hundredths of a second.
    fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum()
}

/// What `backup` does: a segment in every partition, seals written down, parts, head.
fn run(repository: &Repository, number: usize, lists: &mut [SegmentList], last: &mut Option<Snapshot>) -> Cost {
    let before = written(repository);
    let began = cpu_ms();
    let run = repository.begin_run(CLUSTER).unwrap();
    run.announce(last.iter().map(Snapshot::as_parent).collect()).unwrap();
    let mut totals = last.as_ref().map(|last| last.head.totals).unwrap_or_default();
    let topics = write(repository, &run, number, lists, &mut totals);
    let mut head = head(run.id());
    head.parent = last.as_ref().map(Snapshot::as_parent);
    head.totals = totals;
    head.topics = repository.write_topics(topics).unwrap();
    repository.put_groups(&mut head, &GroupsPart { groups: Vec::new() }).unwrap();
    *last = Some(repository.commit(head).unwrap());
    let cpu = cpu_ms() - began;
    Cost { snapshot: written(repository) - before, cpu }
}

fn write(
    repository: &Repository,
    run: &Run,
    number: usize,
    lists: &mut [SegmentList],
    totals: &mut Totals,
) -> Vec<TopicState> {
    let bytes = batch((number as i64 - 1) * i64::from(RECORDS), RECORDS);
    let mut seals = Vec::new();
    let mut topics: BTreeMap<String, Vec<PartitionState>> = BTreeMap::new();
    for (slot, list) in lists.iter_mut().enumerate() {
        let (name, at) = (format!("topic-{:03}", slot / PER_TOPIC), (slot % PER_TOPIC) as i32);
        let mut writer = repository.create_segment(start(&name, at, run, None)).unwrap();
        writer.append_run(&bytes, i64::MAX, Timestamp(5)).unwrap();
        let seal = writer.seal().unwrap();
        totals.segments += 1;
        totals.bytes += seal.size;
        seals.push(seal.clone());
        if seals.len() >= JOURNALED {
            run.record(std::mem::take(&mut seals)).unwrap();
        }
        let mut state = partition(at, std::slice::from_ref(&seal), SegmentList::default());
        *list = repository.append_seals(std::mem::take(list), vec![seal]).unwrap();
        (state.first, state.log_start, state.segments) = (0, 0, list.clone());
        topics.entry(name).or_default().push(state);
    }
    run.record(seals).unwrap();
    (totals.topics, totals.partitions) = (topics.len() as u64, lists.len() as u64);
    topics.into_iter().map(|(name, partitions)| topic(&name, partitions)).collect()
}
