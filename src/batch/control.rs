//! Transaction markers (KIP-98): control batches that end a transaction.

use super::error::{BatchError, RecordFault};
use super::record::records_up_to;
use super::view::Batch;

/// What a control batch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// The producer's transaction is committed.
    Commit,
    /// The producer's transaction is aborted.
    Abort,
    /// Something else, as in the metadata log; to be ignored, as Kafka does with types it does not know.
    Other,
}

/// Reads the marker of a control batch. `None` for data, and for a control batch that compaction emptied: its
/// transaction is wholly gone (Kafka class `ProducerAppendInfo`). Who ended it is in the batch's header.
pub fn marker(batch: &Batch<'_>) -> Result<Option<Marker>, BatchError> {
    let Some(header) = batch.header().filter(|header| header.attributes.control()) else { return Ok(None) };
    let records = records_up_to(batch, LIMIT)?;
    let Some(first) = records.iter().next().transpose()? else { return Ok(None) };
    let key = first.key.unwrap_or_default();
    // Version and type, two bytes each; a newer version may add to it.
    let Some([_, _, kind @ ..]) = key.first_chunk::<4>() else {
        let fault = RecordFault::ControlKey(key.len());
        return Err(BatchError::Record { base_offset: header.base_offset, index: 0, fault });
    };
    Ok(Some(match i16::from_be_bytes(*kind) {
        0 => Marker::Abort,
        1 => Marker::Commit,
        _ => Marker::Other,
    }))
}

/// Markers take a few dozen bytes; the largest control records, of the metadata log, some kilobytes.
const LIMIT: usize = 1 << 20;
