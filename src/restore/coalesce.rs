//! Small batches on their way to the target become larger ones: a broker takes one batch of a partition in a request, and
//! what it does for one of a single record costs almost what it does for one of a thousand. No record changes, and
//! where a batch begins is nobody's business: offsets and sequence numbers count records.

use bytes::Bytes;

use super::error::RestoreError;
use super::source::{Kind, Prepared, Sink};
use crate::batch::{HEADER_SIZE, Joiner};
use crate::model::MapPiece;

/// Batches of fewer bytes are joined.
const SMALL: usize = 32 << 10;
/// The same where they have to be decompressed and compressed again for it.
const SMALL_COMPRESSED: usize = 4 << 10;
/// Bytes that a joined batch may take before compression; the log cleaner's buffer takes that many as it comes.
const JOINED_MAX: usize = 256 << 10;

/// Joins what comes before it goes on.
pub(super) struct Coalescing<'a> {
    sink: &'a mut dyn Sink,
    joined_max: usize,
    pending: Option<Pending>,
}

impl<'a> Coalescing<'a> {
    /// Gives batches on to the sink; none that was joined is larger than `batch_max` bytes before compression.
    pub(super) fn new(sink: &'a mut dyn Sink, batch_max: usize) -> Self {
        Self { sink, joined_max: batch_max.min(JOINED_MAX), pending: None }
    }

    /// Gives on what is left.
    pub(super) fn finish(mut self) -> bool {
        self.flush()
    }

    fn flush(&mut self) -> bool {
        let pending = self.pending.take().map(Pending::finish).unwrap_or_default();
        pending.into_iter().all(|batch| self.sink.batch(batch))
    }
}

impl Sink for Coalescing<'_> {
    fn batch(&mut self, batch: Prepared) -> bool {
        if !is_small(&batch) {
            return self.flush() && self.sink.batch(batch);
        }
        let Some(pending) = &mut self.pending else {
            self.pending = Some(Pending { batches: vec![batch], joiner: None });
            return true;
        };
        match pending.push(batch, self.joined_max) {
            None => true,
            Some(apart) => {
                let went = self.flush();
                self.pending = Some(Pending { batches: vec![apart], joiner: None });
                went
            }
        }
    }

    fn passed(&mut self, piece: MapPiece) {
        self.sink.passed(piece);
    }

    fn piece(&mut self, piece: MapPiece) -> Result<(), RestoreError> {
        self.sink.piece(piece)
    }
}

fn is_small(batch: &Prepared) -> bool {
    let limit = if batch.is_compressed() { SMALL_COMPRESSED } else { SMALL };
    batch.kind == Kind::Batch && batch.size() < limit
}

/// Batches to be sent as one.
struct Pending {
    /// As they came.
    batches: Vec<Prepared>,
    /// All of their records; nothing as long as there is only one.
    joiner: Option<Joiner>,
}

impl Pending {
    /// Adds a batch, or gives it back where it does not go with the others.
    fn push(&mut self, batch: Prepared, joined_max: usize) -> Option<Prepared> {
        if self.batches.last().is_none_or(|last| last.target_next != batch.target_base) {
            return Some(batch);
        }
        if self.joiner.is_none() {
            let first = self.batches.first();
            self.joiner = first.and_then(|first| Joiner::new(&first.header, &first.payload, joined_max).ok());
        }
        match self.joiner.as_mut().map(|joiner| joiner.push(&batch.header, &batch.payload)) {
            Some(Ok(true)) => self.batches.push(batch),
            Some(Ok(false)) | None => return Some(batch),
            // What cannot be read is the broker's to judge, each batch for itself.
            Some(Err(_)) => {
                self.joiner = None;
                return Some(batch);
            }
        }
        None
    }

    fn finish(self) -> Vec<Prepared> {
        let joined = self.joiner.filter(|_| self.batches.len() > 1).and_then(|joiner| joiner.finish().ok());
        let whole = joined.and_then(|bytes| joined_batch(&self.batches, bytes));
        whole.map_or(self.batches, |whole| vec![whole])
    }
}

fn joined_batch(batches: &[Prepared], bytes: Vec<u8>) -> Option<Prepared> {
    let (first, last) = (batches.first()?, batches.last()?);
    let bytes = Bytes::from(bytes);
    Some(Prepared {
        kind: Kind::Batch,
        header: *bytes.first_chunk::<HEADER_SIZE>()?,
        payload: bytes.slice(HEADER_SIZE..),
        target_base: first.target_base,
        target_next: last.target_next,
        source_base: first.source_base,
        source_bytes: batches.iter().map(|batch| batch.source_bytes).sum(),
    })
}

#[cfg(test)]
mod tests;
