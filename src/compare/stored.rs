//! What the repository holds of a partition, as a reader of committed records would see it.

use bytes::Bytes;

use super::side::{Batches, Halt};
use crate::batch::BatchError;
use crate::cancel::Cancel;
use crate::model::OffsetRange;
use crate::repository::format::{Seal, SegmentList};
use crate::repository::{AbortedIndex, Damage, ModernReader, Repository, RepositoryError};

type Seals = Box<dyn Iterator<Item = Result<Seal, RepositoryError>> + Send>;

/// Stored batches of one partition with committed data.
pub(super) struct Stored {
    repository: Repository,
    seals: Seals,
    keep: OffsetRange,
    aborted: AbortedIndex,
    cancel: Cancel,
    current: Option<(String, ModernReader)>,
    /// Object and position of the batch given out last.
    last: (String, u64),
    /// Bytes of the batches given out.
    pub(super) bytes: u64,
}

impl Stored {
    /// Reads what lies in `keep`.
    pub(super) fn new(
        repository: &Repository,
        segments: &SegmentList,
        keep: OffsetRange,
        aborted: AbortedIndex,
        cancel: &Cancel,
    ) -> Self {
        let seals = repository.seals(segments);
        let wanted = move |seal: &Result<Seal, RepositoryError>| {
            seal.as_ref().map_or(true, |seal| seal.next > keep.base && seal.base < keep.next)
        };
        Self {
            repository: repository.clone(),
            seals: Box::new(seals.filter(wanted)),
            keep,
            aborted,
            cancel: cancel.clone(),
            current: None,
            last: (String::new(), 0),
            bytes: 0,
        }
    }

    /// The next whole batch of the segments, of whatever kind; v0 and v1 messages as v2.
    fn any(&mut self) -> Result<Option<Bytes>, RepositoryError> {
        loop {
            if let Some((object, reader)) = &mut self.current {
                if let Some(owned) = reader.next()? {
                    self.last = (object.clone(), owned.position);
                    return Ok(Some(owned.bytes));
                }
                self.current = None;
            }
            let Some(seal) = self.seals.next().transpose()? else { return Ok(None) };
            let reader = self.repository.read_modern(&seal, self.keep.base, true)?;
            self.current = Some((seal.object, reader));
        }
    }
}

impl Batches for Stored {
    fn next(&mut self) -> Result<Option<Bytes>, Halt> {
        while let Some(bytes) = self.any().map_err(Halt::Stored)? {
            if self.cancel.is_cancelled() {
                return Err(Halt::Cancelled);
            }
            let batch = crate::batch::Batch::parse(&bytes).map_err(|fault| self.broken(&fault))?;
            if batch.base_offset() >= self.keep.next {
                return Ok(None);
            }
            let header = batch.modern().map_err(|fault| self.broken(&fault))?;
            let counts = !header.attributes.control() && self.aborted.uncommitted(header).is_none();
            if counts {
                batch.check_crc().map_err(|fault| self.broken(&fault))?;
                self.bytes += bytes.len() as u64;
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    fn broken(&self, fault: &BatchError) -> Halt {
        let (object, position) = self.last.clone();
        Halt::Stored(RepositoryError::damaged(object, Damage::Batch { position, fault: fault.clone() }))
    }
}
