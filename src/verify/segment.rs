//! One segment, every byte of it.

use std::io::Read;

use super::report::{Finding, FindingKind};
use super::stored;
use crate::batch::{Batch, BatchError, size_of_first, walk};
use crate::cancel::Cancel;
use crate::progress::Progress;
use crate::repository::format::Seal;
use crate::repository::segment::{Facts, Observed, Scan, ScanFault};
use crate::repository::{ContentHasher, Damage, Form, Repository, RepositoryError};
use crate::store::{Key, StoreError};

/// Bytes read at a time.
const CHUNK: u64 = 1 << 20;
/// Bad batches that are named in one segment.
const NAMED_MAX: usize = 16;

/// What came of one segment, or of several.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) segments: u64,
    pub(super) bytes: u64,
    pub(super) batches: u64,
    pub(super) findings: Vec<Finding>,
}

impl Checked {
    pub(super) fn add(&mut self, more: Self) {
        self.segments += more.segments;
        self.bytes += more.bytes;
        self.batches += more.batches;
        self.findings.extend(more.findings);
    }
}

/// Reads a segment to its end: its digest, every batch, and whether a scan finds what the seal says.
pub(super) fn check(
    repository: &Repository,
    seal: &Seal,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Checked, RepositoryError> {
    // A name that is none, and a missing object, were found in the first pass.
    let Ok(key) = Key::new(seal.object.as_str()) else { return Ok(Checked::default()) };
    if repository.place(seal).is_err_and(|error| error.is_damage()) {
        return Ok(Checked::default());
    }
    if !Form::of(&seal.object).is_plain() {
        return stored::check(repository, seal, progress, cancel);
    }
    let mut source = match repository.read_plain(seal, 0) {
        Err(error) if error.is_damage() => return Ok(Checked::default()),
        source => source?,
    };
    let mut look = Look::new(seal);
    while !cancel.is_cancelled() {
        let filled = look.buffer.len();
        let read = source.by_ref().take(CHUNK).read_to_end(&mut look.buffer);
        let read = read.map_err(|source| StoreError::new("read", Some(&key), describe(repository, &key), source))?;
        if read == 0 {
            return Ok(look.finish());
        }
        progress.advance(read as u64);
        look.took(filled);
    }
    Ok(Checked::default())
}

fn describe(repository: &Repository, key: &Key) -> String {
    format!("{}/{key}", repository.location())
}

pub(super) struct Look<'a> {
    seal: &'a Seal,
    digest: ContentHasher,
    scan: Scan,
    observed: Observed<'a>,
    /// Read and not walked yet.
    buffer: Vec<u8>,
    /// Bytes read.
    bytes: u64,
    /// Position of the buffer's first byte.
    position: u64,
    findings: Vec<Finding>,
    /// Where the batches cannot be told apart any more.
    lost: bool,
}

impl<'a> Look<'a> {
    pub(super) fn new(seal: &'a Seal) -> Self {
        Self {
            seal,
            digest: ContentHasher::like(&seal.digest),
            scan: Scan::new(&seal.carried),
            observed: Observed::of(&seal.index),
            buffer: Vec::new(),
            bytes: 0,
            position: 0,
            findings: Vec::new(),
            lost: false,
        }
    }

    /// Reads the next bytes of the plain log; how many, 0 at its end.
    pub(super) fn read(&mut self, source: &mut impl Read) -> std::io::Result<u64> {
        let filled = self.buffer.len();
        let read = source.by_ref().take(CHUNK).read_to_end(&mut self.buffer)?;
        self.took(filled);
        Ok(read as u64)
    }

    /// Looks at what was appended to the buffer.
    fn took(&mut self, filled: usize) {
        let fresh = self.buffer.get(filled..).unwrap_or_default();
        self.digest.update(fresh);
        self.bytes += fresh.len() as u64;
        self.batches();
    }

    /// Walks the whole batches in the buffer and keeps the rest.
    fn batches(&mut self) {
        if self.lost {
            self.buffer.clear();
            return;
        }
        let buffer = std::mem::take(&mut self.buffer);
        let mut walked = 0;
        let mut batches = walk(&buffer);
        while let Some(batch) = batches.next() {
            match batch {
                Ok(batch) => self.batch(&batch, walked as u64),
                Err(fault) => self.broken(walked as u64, &fault),
            }
            walked = batches.consumed();
            if self.lost {
                return;
            }
        }
        let rest = buffer.get(walked..).unwrap_or_default();
        self.position += walked as u64;
        if let Some(fault) = self.too_large(rest) {
            self.broken(0, &fault);
            return;
        }
        self.buffer = rest.to_vec();
    }

    /// A length that was damaged must not make us wait for, and hold, the rest of the segment.
    fn too_large(&self, rest: &[u8]) -> Option<BatchError> {
        match size_of_first(rest) {
            Ok(Some(size)) if size as u64 > self.seal.max_batch.max(rest.len() as u64) => {
                Some(BatchError::Cut { needed: size, found: rest.len() })
            }
            _ => None,
        }
    }

    fn batch(&mut self, batch: &Batch<'_>, at: u64) {
        let place = self.misplaced(batch);
        let observed = self.observed.at(self.position + at);
        match self.scan.add(batch, observed) {
            Ok(()) => {
                if let Some(detail) = place {
                    self.find(at, Some(batch.base_offset()), detail);
                }
            }
            Err(ScanFault::Batch(fault)) => {
                self.find(at, Some(batch.base_offset()), fault.to_string());
                // The next batch can be told as long as this one's length is right.
                let _ = self.scan.add_checked(batch, observed);
            }
            Err(ScanFault::OutOfOrder { expected, found }) => {
                // After a bad batch its length may have been what was bad.
                if self.findings.is_empty() {
                    self.find(
                        at,
                        Some(found),
                        format!("a batch at offset {found} follows one that ends at {expected}"),
                    );
                }
                self.lost = true;
            }
        }
        self.lost |= self.findings.len() >= NAMED_MAX;
    }

    /// The checksum does not cover a batch's base offset and leader epoch; the seal does.
    fn misplaced(&self, batch: &Batch<'_>) -> Option<String> {
        let (base, next) = (batch.base_offset(), batch.next_offset());
        if base < self.seal.base || next > self.seal.next {
            return Some(format!("a batch at offset {base} lies outside of [{}, {})", self.seal.base, self.seal.next));
        }
        let epochs = &self.seal.leader_epochs;
        let expected = epochs.iter().rev().find(|epoch| epoch.base <= base).map(|epoch| epoch.epoch);
        let found = batch.leader_epoch();
        (expected != Some(found))
            .then(|| format!("the batch at offset {base} has leader epoch {found}, its seal has none such there"))
    }

    fn broken(&mut self, at: u64, fault: &BatchError) {
        if self.findings.is_empty() {
            self.find(at, None, fault.to_string());
        }
        self.lost = true;
    }

    fn find(&mut self, at: u64, offset: Option<i64>, detail: String) {
        let mut finding = Finding::new(FindingKind::Batch, self.seal.object.as_str(), detail).in_segment(self.seal);
        finding.position = Some(self.seal.start.saturating_add(self.position + at));
        finding.offset = offset;
        self.findings.push(finding);
    }

    pub(super) fn finish(mut self) -> Checked {
        let seal = self.seal;
        if !self.lost && !self.buffer.is_empty() {
            let fault = BatchError::Cut { needed: self.buffer.len() + 1, found: self.buffer.len() };
            self.broken(0, &fault);
        }
        let digest = self.digest.finish();
        let facts = self.scan.finish();
        let batches = facts.batches;
        if self.findings.is_empty() {
            let differences = Facts::of(seal).differences(&facts);
            let same = digest == seal.digest;
            let problem = match (same, differences.as_slice()) {
                (true, []) => None,
                (true, differences) => Some((
                    FindingKind::Contradiction,
                    format!("its bytes are as written, but its seal is wrong in {}", differences.join(", ")),
                )),
                (false, []) => {
                    let damage = Damage::Digest { expected: seal.digest.clone(), found: digest };
                    Some((FindingKind::Digest, damage.to_string()))
                }
                (false, differences) => {
                    let differences = differences.join(", ");
                    Some((
                        FindingKind::Digest,
                        format!("its bytes are not what was written; it differs in {differences}"),
                    ))
                }
            };
            self.findings.extend(
                problem.map(|(kind, detail)| Finding::new(kind, seal.object.as_str(), detail).in_segment(seal)),
            );
        }
        Checked { segments: 1, bytes: self.bytes, batches, findings: self.findings }
    }
}
