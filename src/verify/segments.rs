//! The second pass: every segment is read once, a few at a time.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::VerifyOptions;
use super::report::{Finding, VerifyReport};
use super::segment::{self, Checked};
use crate::cancel::Cancel;
use crate::progress::Progress;
use crate::repository::format::Seal;
use crate::repository::{Repository, RepositoryError, Seen, Snapshot};

/// Segments that wait for a thread.
const WAITING: usize = 64;

pub(super) fn check(
    repository: &Repository,
    options: &VerifyOptions,
    heads: &[Snapshot],
    report: &mut VerifyReport,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(), RepositoryError> {
    let (jobs, waiting) = sync_channel::<Seal>(WAITING);
    let waiting = Mutex::new(waiting);
    let threads = threads(options);
    let checked: Vec<Result<Checked, RepositoryError>> = thread::scope(|scope| {
        let work = || work(repository, &waiting, progress, cancel);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        hand_out(repository, options, heads, &jobs, progress, cancel);
        drop(jobs);
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| Ok(Checked::default()))).collect()
    });
    for checked in checked {
        let checked = checked?;
        report.segments_read += checked.segments;
        report.bytes_read += checked.bytes;
        report.batches_read += checked.batches;
        for finding in checked.findings {
            report.find(finding);
        }
    }
    Ok(())
}

fn threads(options: &VerifyOptions) -> usize {
    match options.threads {
        0 => thread::available_parallelism().map_or(1, usize::from).min(4),
        threads => threads,
    }
}

fn work(
    repository: &Repository,
    waiting: &Mutex<Receiver<Seal>>,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Checked, RepositoryError> {
    let mut all = Checked::default();
    let mut failed = None;
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(seal) = job else { return failed.map_or(Ok(all), Err) };
        // After a failure, and when asked to stop, what waits is drained so that nobody waits for us.
        if failed.is_some() || cancel.is_cancelled() {
            continue;
        }
        match segment::check(repository, &seal, progress, cancel) {
            Ok(mut checked) => {
                say_where(repository, &seal, &mut checked.findings);
                all.add(checked);
            }
            Err(error) => failed = Some(error),
        }
    }
}

/// The object that a seal names is gone where segments were merged: what is damaged is then the merged one.
fn say_where(repository: &Repository, seal: &Seal, findings: &mut [Finding]) {
    if findings.is_empty() {
        return;
    }
    let Ok(place) = repository.place(seal) else { return };
    if place.key.as_str() != seal.object {
        for finding in findings {
            let whole = format!("{}; it was merged into {} from byte {}", finding.detail, place.key, place.start);
            finding.detail = whole;
        }
    }
}

/// Goes over the snapshots once more, newest first. What cannot be read now was found before.
fn hand_out(
    repository: &Repository,
    options: &VerifyOptions,
    heads: &[Snapshot],
    jobs: &SyncSender<Seal>,
    progress: &dyn Progress,
    cancel: &Cancel,
) {
    let (mut shards, mut parts, mut objects, mut partitions) =
        (Seen::default(), Seen::default(), Seen::default(), Seen::default());
    let mut hand = |seal: Seal| {
        let wanted = options.part.is_none_or(|part| part.holds(&seal.object));
        if wanted && objects.insert((&seal.object, seal.start)) {
            let _ = jobs.send(seal);
        }
    };
    let all_shards = heads.iter().flat_map(|snapshot| &snapshot.head.topics);
    for shard in all_shards {
        if cancel.is_cancelled() || !shards.insert(&shard.digest) {
            continue;
        }
        for topic in repository.topic_shard(shard).unwrap_or_default() {
            for partition in topic.partitions {
                let new = partitions.insert((topic.name.as_str(), topic.id, partition.partition));
                for part in &partition.segments.parts {
                    if parts.insert(&part.digest) {
                        repository.seals_of(part).unwrap_or_default().into_iter().for_each(&mut hand);
                    }
                }
                partition.segments.tail.into_iter().for_each(&mut hand);
                if new {
                    progress.partition_done();
                }
            }
        }
    }
}
