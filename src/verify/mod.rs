//! Verify: is everything that the snapshots name there, and is it what was written?
//!
//! Two passes. The first reads heads, parts and the sizes of segments, and checks that they agree with each other; with
//! [`VerifyOptions::fast`] that is all. The second reads every segment once, whichever and however many snapshots share
//! it: its digest, each batch's checksum and order, and that a new scan finds what the seal says. Memory stays bounded:
//! parts are read one at a time, segments a chunk at a time, and of objects seen only a hash is kept.
//!
//! What verify finds wrong is its result, not an error; an error means that it could not look.

mod affected;
mod beside;
mod keys;
mod left_overs;
mod merged;
mod options;
mod partition;
mod proof;
mod report;
mod segment;
mod segments;
mod stored;
mod structure;

pub use options::{InvalidPart, Part, VerifyOptions};
pub use report::{Finding, FindingKind, LeftOver, LeftOverKind, VerifyReport};

use crate::cancel::Cancel;
use crate::progress::Progress;
use crate::repository::{Repository, RepositoryError};

/// Checks a repository.
pub fn verify(
    repository: &Repository,
    options: &VerifyOptions,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<VerifyReport, RepositoryError> {
    let mut report = VerifyReport::new(repository, options);
    let snapshots = match options.snapshot {
        Some(number) => vec![number],
        None => repository.snapshots()?,
    };
    progress.note("reading snapshots and their parts");
    let mut structure = structure::Structure::new(repository, options, cancel);
    let mut heads = structure.check(&snapshots, &mut report)?;
    // What looks damaged may have been pruned since its snapshot was read: then it is looked at anew without that one.
    while !report.damage.is_empty() && options.snapshot.is_none() && !cancel.is_cancelled() {
        let there = repository.snapshots()?;
        if report.snapshots.iter().all(|number| there.contains(number)) {
            break;
        }
        report = VerifyReport::new(repository, options);
        structure = structure::Structure::new(repository, options, cancel);
        heads = structure.check(&there, &mut report)?;
    }
    keys::check(repository, &heads, structure.referenced_mut(), &mut report)?;
    if !cancel.is_cancelled() {
        proof::check(repository, options, &heads, &mut report)?;
    }
    if options.snapshot.is_none() {
        merged::check(repository, &mut report, cancel)?;
    }
    let left_overs_can_be_told = options.snapshot.is_none() && report.damage.is_empty() && !cancel.is_cancelled();
    if left_overs_can_be_told {
        left_overs::find(repository, structure.referenced(), &heads, &mut report)?;
    }
    if options.snapshot.is_none() && !cancel.is_cancelled() {
        beside::check(repository, options, &mut report)?;
    }
    if !options.fast {
        progress.total(structure.planned_bytes(), structure.partitions());
        segments::check(repository, options, &heads, &mut report, progress, cancel)?;
    }
    if !report.damage.is_empty() {
        affected::find(repository, &heads, &mut report);
    }
    report.complete = !cancel.is_cancelled();
    Ok(report)
}

#[cfg(test)]
mod matrix;
#[cfg(test)]
mod matrix_fixture;
#[cfg(test)]
mod tests;
