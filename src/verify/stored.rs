//! A segment whose stored bytes are not the plain log: first their digest, which needs no key, then the log in them.

use std::io::Read;

use super::report::{Finding, FindingKind};
use super::segment::{Checked, Look};
use crate::cancel::Cancel;
use crate::progress::Progress;
use crate::repository::format::Seal;
use crate::repository::{ContentDigest, ContentHasher, Form, Repository, RepositoryError, read_failed};
use crate::store::Key;

/// Bytes read at a time where only the digest is taken.
const CHUNK: usize = 1 << 20;

/// Checks the stored bytes, and in the same pass the log where it can be read.
pub(super) fn check(
    repository: &Repository,
    seal: &Seal,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Checked, RepositoryError> {
    let found = if Form::of(&seal.object).age && !repository.is_readable() {
        digest_only(repository, seal, progress, cancel)
    } else {
        whole(repository, seal, progress, cancel)
    };
    match found {
        Ok(Some(checked)) => Ok(checked),
        Ok(None) => Ok(Checked::default()),
        Err(error) => {
            let finding = Finding::of(error)?.in_segment(seal);
            Ok(Checked { segments: 1, findings: vec![finding], ..Checked::default() })
        }
    }
}

/// Nothing where it was cancelled.
fn digest_only(
    repository: &Repository,
    seal: &Seal,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Option<Checked>, RepositoryError> {
    let key = Key::new(seal.object.as_str())?;
    let mut source = repository.read_stored(&repository.place(seal)?, 0)?;
    let expected = seal.stored_digest.as_deref().unwrap_or_default();
    let mut digest = ContentHasher::like(expected);
    let mut buffer = vec![0; CHUNK];
    let mut bytes = 0;
    while !cancel.is_cancelled() {
        let read = source.read(&mut buffer).map_err(|error| read_failed(&key, error))?;
        if read == 0 {
            let findings = wrong_digest(seal, &digest.finish()).into_iter().collect();
            return Ok(Some(Checked { segments: 1, bytes, findings, batches: 0 }));
        }
        digest.update(buffer.get(..read).unwrap_or_default());
        bytes += read as u64;
        progress.advance(read as u64);
    }
    Ok(None)
}

fn whole(
    repository: &Repository,
    seal: &Seal,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Option<Checked>, RepositoryError> {
    let key = Key::new(seal.object.as_str())?;
    let mut source = match repository.read_whole(seal) {
        // Its header is damaged, or it was encrypted to somebody else: the digest tells which.
        Err(error) if error.is_damage() || matches!(error, RepositoryError::KeyDoesNotFit { .. }) => {
            let checked = digest_only(repository, seal, progress, cancel)?;
            return match checked {
                Some(checked) if checked.findings.is_empty() => Err(error),
                checked => Ok(checked),
            };
        }
        source => source?,
    };
    let mut look = Look::new(seal);
    let unreadable = loop {
        if cancel.is_cancelled() {
            return Ok(None);
        }
        match look.read(&mut source) {
            Ok(0) => break None,
            Ok(read) => progress.advance(read),
            Err(error) => break Some(read_failed(&key, error)),
        }
    };
    let stored = source.stored_digest().map_err(|error| read_failed(&key, error))?;
    if let Some(finding) = wrong_digest(seal, &stored) {
        return Ok(Some(Checked { segments: 1, findings: vec![finding], ..Checked::default() }));
    }
    unreadable.map_or_else(|| Ok(Some(look.finish())), Err)
}

fn wrong_digest(seal: &Seal, found: &str) -> Option<Finding> {
    let expected = seal.stored_digest.as_deref().unwrap_or_default();
    let kind = ContentDigest::of(expected);
    let detail = format!("the {kind} digest of its stored bytes is {found}, it should be {expected}");
    (found != expected).then(|| Finding::new(FindingKind::Digest, seal.object.as_str(), detail).in_segment(seal))
}
