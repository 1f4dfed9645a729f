//! Batches that a producer sends one after the other, as one.

use super::builder::Builder;
use super::error::BatchError;
use super::header::BatchHeader;
use super::layout::HEADER_SIZE;
use super::record::records_behind;
use super::reheader::ProducerStamp;

/// Writes the records of several batches of one producer into one: key, value, headers, times and attributes of every
/// record stay. What is compressed is decompressed and compressed again.
#[derive(Debug)]
pub struct Joiner {
    first: BatchHeader,
    builder: Builder,
    most: usize,
}

impl Joiner {
    /// Begins with a batch as [`reheader`](super::reheader()) makes it: its header, and what follows that. No batch is
    /// taken that makes more than `most` bytes of it, before compression.
    ///
    /// # Errors
    /// Its records cannot be read, or take more than that.
    pub fn new(header: &[u8; HEADER_SIZE], payload: &[u8], most: usize) -> Result<Self, BatchError> {
        let mut joiner = Self { first: BatchHeader::parse(header)?, builder: Builder::new(), most };
        let first = joiner.first;
        let size = payload.len();
        if joiner.add(&first, payload)? {
            return Ok(joiner);
        }
        Err(BatchError::Overfull { records: 0, size })
    }

    /// Adds the batch that follows. False where it does not go with those before: its attributes or its producer are
    /// others, or it is too much.
    ///
    /// # Errors
    /// Its records cannot be read; some of them may have been added.
    pub fn push(&mut self, header: &[u8; HEADER_SIZE], payload: &[u8]) -> Result<bool, BatchError> {
        let header = BatchHeader::parse(header)?;
        let kind = |header: &BatchHeader| (header.attributes, header.producer_id, header.producer_epoch);
        if kind(&header) != kind(&self.first) {
            return Ok(false);
        }
        self.add(&header, payload)
    }

    fn add(&mut self, header: &BatchHeader, payload: &[u8]) -> Result<bool, BatchError> {
        let records = records_behind(header, payload, self.most)?;
        let growth = usize::try_from(header.record_count).unwrap_or_default().saturating_mul(RECORD_GROWTH);
        if self.builder.size() + records.size() + growth > self.most {
            return Ok(false);
        }
        for record in &records {
            self.builder.push(&record?)?;
        }
        Ok(true)
    }

    /// The batch, from the header on.
    ///
    /// # Errors
    /// As [`Builder::finish`].
    pub fn finish(self) -> Result<Vec<u8>, BatchError> {
        let BatchHeader { attributes, producer_id, producer_epoch, base_sequence, .. } = self.first;
        self.builder.finish_for(attributes, ProducerStamp { producer_id, producer_epoch, base_sequence })
    }
}

/// Bytes by which a record may grow where it stands further behind: its time and offset are told as differences from
/// the first one's, in at most 10 and 5 bytes instead of 1 and 1, and its length in one more.
const RECORD_GROWTH: usize = 14;
