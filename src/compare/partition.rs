//! One partition: a reader on the network's side, the comparison on a thread of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::error::CompareError;
use super::fetched::{Delivery, Fetched};
use super::merge::{Merge, Rules, Tally};
use super::offsets::Offsets;
use super::plan::PlannedPartition;
use super::side::{Halt, Side};
use super::stored::Stored;
use crate::cancel::Cancel;
use crate::model::{OffsetRange, Positions};
use crate::reader::{Found, Readers, Wanted};
use crate::repository::{AbortedIndex, Repository, RepositoryError, RestoreFolder};

/// Deliveries that may wait to be compared.
const AHEAD: usize = 2;

/// What is needed to compare one partition.
#[derive(Debug)]
pub(super) struct Job {
    pub planned: PlannedPartition,
    pub repository: Repository,
    /// The restore, where the cluster is its target, and whether what retention takes there is no difference.
    pub restore: Option<(RestoreFolder, bool)>,
    /// Source offsets of groups.
    pub positions: Vec<i64>,
    pub cancel: Cancel,
    /// Bytes fetched so far, over all partitions.
    pub fetched: Arc<AtomicU64>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Compared {
    pub planned: PlannedPartition,
    pub tally: Tally,
    /// Bytes of the stored batches.
    pub bytes: u64,
    /// Records whose transactions were decided after the snapshot.
    pub decided: u64,
    /// Where the groups' positions went; nothing where the partition was not compared to its end.
    pub positions: Option<BTreeMap<i64, i64>>,
    /// The person gave up.
    pub cancelled: bool,
}

/// Reads and compares.
pub(super) async fn compare(job: Job, readers: Readers) -> Result<Compared, CompareError> {
    let (give, take) = mpsc::channel(AHEAD);
    let mut reader = readers.read(wanted(&job));
    let (cancel, fetched) = (job.cancel.clone(), Arc::clone(&job.fetched));
    let comparing = tokio::task::spawn_blocking(move || compare_blocking(job, take));
    loop {
        let next = tokio::select! {
            next = reader.next() => next,
            () = cancel.cancelled() => break,
        };
        if let Ok(Found::Batches(batches)) = &next {
            fetched.fetch_add(batches.bytes.len() as u64, Ordering::Relaxed);
        }
        let last = matches!(next, Ok(Found::End(_)) | Err(_));
        // Nobody takes it any more once everything has been compared.
        if give.send(next).await.is_err() || last {
            break;
        }
    }
    drop(give);
    Ok(comparing.await.map_err(|_| CompareError::Thread)??)
}

/// On a compacted topic, later records are read too as long as somebody wants them.
fn wanted(job: &Job) -> Wanted {
    let planned = &job.planned;
    let end = planned.range.next;
    Wanted {
        at: planned.at.clone(),
        topic_id: planned.topic_id,
        from: planned.range.base.max(planned.log_start),
        to: if planned.compacted { end.max(planned.high_watermark) } else { end },
        committed: job.restore.is_none(),
    }
}

fn compare_blocking(job: Job, deliveries: mpsc::Receiver<Delivery>) -> Result<Compared, RepositoryError> {
    let Job { planned, repository, restore, positions, cancel, .. } = job;
    let keep = planned.keep;
    let aborted = AbortedIndex::up_to(&repository, &planned.segments, keep.next)?;
    let known = restore.is_none().then(|| aborted.clone());
    let rules = Rules {
        compacted: planned.compacted,
        may_expire: restore.as_ref().is_none_or(|(_, released)| *released),
        tombstones_may_be_gone: planned.tombstones_may_be_gone,
    };
    let offsets = match &restore {
        None => Offsets::Same,
        Some((folder, _)) => {
            let source = &planned.source;
            let missing = || RepositoryError::Missing { object: format!("{}: the map of {source}", folder.path()) };
            let map = folder.map(&source.topic, source.partition)?.ok_or_else(missing)?;
            Offsets::map(Box::new(map), Positions::new(positions))
        }
    };
    let stored = Stored::new(&repository, &planned.segments, keep, aborted, &cancel);
    let found = Fetched::new(deliveries, planned.log_start, known, &cancel);
    // A batch that begins below the log start comes whole, but no consumer sees what is below.
    let base = planned.range.base.max(planned.log_start).min(planned.range.next);
    let visible = OffsetRange { base, next: planned.range.next };
    let sides = (Side::new(stored, keep), Side::new(found, visible));
    let (tally, merge, halt) = Merge::new(sides.0, sides.1, offsets, rules).run();
    let cancelled = match halt {
        Some(Halt::Stored(error)) => return Err(error),
        halt => halt.is_some(),
    };
    let (bytes, decided) = (merge.stored.batches.bytes, merge.found.batches.decided);
    let positions = match merge.offsets.finish(planned.range.next) {
        Ok(positions) => Some(positions).filter(|_| !cancelled),
        Err(Halt::Stored(error)) => return Err(error),
        Err(_) => None,
    };
    Ok(Compared { planned, tally, bytes, decided, positions, cancelled })
}
