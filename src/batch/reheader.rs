//! A new header before the same records.

use super::attributes::Attributes;
use super::checksum;
use super::error::BatchError;
use super::header::BatchHeader;
use super::layout::{self, HEADER_SIZE};
use super::view::Batch;

/// Who produces a batch (KIP-98). All -1 is a producer that is not idempotent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerStamp {
    /// Producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Sequence number of the batch's first record; after `i32::MAX` comes 0.
    pub base_sequence: i32,
}

impl ProducerStamp {
    /// A producer that is not idempotent.
    pub const NONE: Self = Self { producer_id: -1, producer_epoch: -1, base_sequence: -1 };
}

/// Bits that a producer's batch must not have.
const BROKERS_OWN: i16 =
    Attributes::LOG_APPEND_TIME | Attributes::TRANSACTIONAL | Attributes::CONTROL | Attributes::DELETE_HORIZON;

/// The header that makes `batch`, whole and alone, a producer's: base offset 0, no leader epoch, not transactional,
/// without a delete horizon (the base timestamp stays what the records' times are relative to), with the stamp, and
/// with the checksum over all of that and the untouched records. What follows the first 61 bytes is sent as it is.
///
/// The old checksum is checked on the way. Refuses what a header cannot mend: control batches, offsets without
/// records, times in the header.
pub fn reheader(batch: &[u8], stamp: ProducerStamp) -> Result<[u8; HEADER_SIZE], BatchError> {
    let batch = Batch::parse(batch)?;
    let header = batch.modern()?;
    if let Some(reason) = hindrance(header) {
        return Err(BatchError::Unfit { base_offset: header.base_offset, reason });
    }
    batch.check_crc()?;
    let mut fresh = for_producer(header, stamp).encode();
    let crc = checksum::after_change(header.crc, batch.bytes(), &fresh, batch.payload());
    layout::put(&mut fresh, layout::CRC, crc.to_be_bytes());
    Ok(fresh)
}

fn hindrance(header: &BatchHeader) -> Option<&'static str> {
    match () {
        () if header.attributes.control() => Some("it holds a marker"),
        () if header.attributes.log_append_time() => Some("its times are in the header"),
        () if !header.is_whole() => Some("some of its offsets have no record"),
        () => None,
    }
}

/// The fields of a producer's batch; length and checksum are still the old ones.
pub(super) fn for_producer(header: &BatchHeader, stamp: ProducerStamp) -> BatchHeader {
    BatchHeader {
        base_offset: 0,
        leader_epoch: -1,
        attributes: header.attributes.without(BROKERS_OWN),
        producer_id: stamp.producer_id,
        producer_epoch: stamp.producer_epoch,
        base_sequence: stamp.base_sequence,
        ..*header
    }
}
