//! Carries a copy out, one snapshot after the other, oldest first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::forms::Forms;
use super::journal;
use super::pairs::Pairs;
use super::pool::Pool;
use super::segment::{Ends, Fault};
use super::select::{Selected, origin_of};
use super::topics::Topics;
use super::{Context, CopiedSnapshot, CopyError, CopyReport, NotCopied, horizon};
use crate::model::Timestamp;
use crate::repository::Journal;
use crate::repository::format::{Parent, SnapshotHead};
use crate::repository::{Repository, RepositoryError, Snapshot};

/// Copies every snapshot that was selected.
pub(super) fn execute(
    context: Context<'_>,
    mut selected: Selected,
    started: Timestamp,
) -> Result<CopyReport, CopyError> {
    let Context { source, target, progress, cancel, options } = context;
    let mut report = CopyReport::new(context, started, selected.already_there);
    let (halt, forms) = (AtomicBool::new(false), Forms::of(context)?);
    let ends = Ends { source, target, forms: &forms, progress, cancel, halt: &halt };
    let outcome = thread::scope(|scope| {
        let pool = Pool::start(scope, ends, options.threads);
        let outcome = all(Work { context, pool: &pool, forms: &forms }, &mut selected, &mut report);
        // What is still waiting for a thread is not begun any more.
        halt.store(true, Ordering::Relaxed);
        outcome
    });
    match outcome {
        Ok(()) => report.complete = true,
        Err(Fault::Cancelled) if cancel.is_cancelled() => {}
        Err(fault) => return Err(CopyError::of(context, fault)),
    }
    report.finished = Timestamp::now();
    Ok(report)
}

/// What every snapshot is copied with.
#[derive(Clone, Copy)]
struct Work<'a> {
    context: Context<'a>,
    pool: &'a Pool,
    forms: &'a Forms,
}

fn all(work: Work<'_>, selected: &mut Selected, report: &mut CopyReport) -> Result<(), Fault> {
    for sequence in std::mem::take(&mut selected.to_copy) {
        if work.context.cancel.is_cancelled() {
            return Err(Fault::Cancelled);
        }
        match one(work, selected, sequence, report)? {
            Outcome::Copied(copied) => {
                selected.copies.insert(sequence, copied.copy_sequence);
                report.snapshots.push(copied);
            }
            Outcome::Damaged(damage) => {
                report.not_copied.push(NotCopied { sequence, damage, removed: false });
            }
            Outcome::Removed => {
                report.not_copied.push(NotCopied { sequence, damage: Vec::new(), removed: true });
            }
        }
    }
    Ok(())
}

/// What became of a snapshot.
enum Outcome {
    Copied(CopiedSnapshot),
    Damaged(Vec<String>),
    /// Somebody pruned the source meanwhile.
    Removed,
}

fn one(work: Work<'_>, selected: &mut Selected, sequence: u64, report: &mut CopyReport) -> Result<Outcome, Fault> {
    let Work { context, pool, forms } = work;
    let Context { source, target, .. } = context;
    let snapshot = match source.head(sequence) {
        Err(RepositoryError::NoSuchSnapshot { .. }) => return Ok(Outcome::Removed),
        Err(error) if error.is_damage() => return Ok(Outcome::Damaged(vec![error.to_string()])),
        snapshot => snapshot.map_err(Fault::Source)?,
    };
    let run = target.begin_run(&journal::tag(source)).map_err(Fault::Target)?;
    let mut pairs = Pairs::find(context, &selected.copies, selected.newest, &snapshot.head, &selected.killed)?;
    // Written down, it is not pruned from the target meanwhile.
    let shared: Vec<u64> = pairs.shared_with().collect();
    let parents = shared.iter().map(|sequence| Ok(target.head(*sequence)?.as_parent())).collect::<Result<_, _>>();
    if !parents.and_then(|parents| run.announce(parents)).map_err(Fault::Target)? {
        return Err(Fault::Removed(shared.first().copied().unwrap_or_default()));
    }
    let mut topics = Topics::new(context, pool, forms, Journal::new(run, journal::BYTES));
    let shards = topics.copy(&snapshot.head, &mut pairs)?;
    let mut head = SnapshotHead { topics: shards, ..snapshot.head.clone() };
    other_parts(&mut topics, &mut head)?;
    let done = topics.finish();
    report.segments += done.segments;
    report.bytes += done.bytes;
    report.stored_bytes += done.stored_bytes;
    report.taken_over_segments += done.taken_over;
    if !done.damage.is_empty() {
        let gone = matches!(source.head(sequence), Err(RepositoryError::NoSuchSnapshot { .. }));
        return Ok(if gone { Outcome::Removed } else { Outcome::Damaged(done.damage) });
    }
    still_there(target, &pairs)?;
    head.parent = parent(target, selected, &snapshot.head)?;
    head.origin = Some(origin_of(&snapshot));
    head.run_horizon = horizon::after(context, selected, &done.run).map_err(Fault::Target)?;
    head.run.clone_from(&done.run);
    let copy = target.commit_copy(head).map_err(Fault::Target)?;
    if let Some(key) = &context.options.sign_key {
        target.sign(&copy, key).map_err(Fault::Target)?;
    }
    let Snapshot { id: copy_id, head } = copy;
    selected.runs.insert(done.run);
    selected.run_horizon.clone_from(&head.run_horizon);
    Ok(Outcome::Copied(CopiedSnapshot {
        sequence,
        id: snapshot.id,
        copy_sequence: head.sequence,
        copy_id,
        segments: done.segments,
        bytes: done.bytes,
    }))
}

/// Groups, settings, and what was left out. What of it is damaged is noted, and its name stays as it is.
fn other_parts(topics: &mut Topics<'_>, head: &mut SnapshotHead) -> Result<(), Fault> {
    topics.groups(head)?;
    if let Some(settings) = &mut head.settings {
        topics.private_part(settings)?;
    }
    if let Some(digest) = &mut head.excluded
        && let Some(copied) = topics.part(digest)?
    {
        *digest = copied;
    }
    Ok(())
}

/// The copy of the parent, if there is one.
fn parent(target: &Repository, selected: &Selected, head: &SnapshotHead) -> Result<Option<Parent>, Fault> {
    let copy = head.parent.as_ref().and_then(|parent| selected.copies.get(&parent.sequence));
    match copy.map(|copy| target.head(*copy)) {
        None | Some(Err(RepositoryError::NoSuchSnapshot { .. })) => Ok(None),
        Some(Err(error)) if error.is_damage() => Ok(None),
        Some(snapshot) => Ok(Some(snapshot.map_err(Fault::Target)?.as_parent())),
    }
}

/// What is shared must still be named by somebody when it is named again.
fn still_there(target: &Repository, pairs: &Pairs<'_>) -> Result<(), Fault> {
    let numbers = target.snapshots().map_err(Fault::Target)?;
    match pairs.shared_with().find(|sequence| numbers.binary_search(sequence).is_err()) {
        None => Ok(()),
        Some(sequence) => Err(Fault::Removed(sequence)),
    }
}
