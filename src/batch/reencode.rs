//! The same records in a batch that a producer may send.

use super::attributes::Codec;
use super::builder::Builder;
use super::error::BatchError;
use super::header::BatchHeader;
use super::record::{Records, records};
use super::reheader::{ProducerStamp, for_producer};
use super::view::Batch;
use crate::model::OffsetRange;

/// Consecutive source offsets that are all kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first of them.
    pub base: i64,
    /// How many.
    pub count: i32,
}

/// A batch written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reencoded {
    /// The whole batch, without a producer id: [`reheader`](super::reheader()) puts the stamp in.
    pub bytes: Vec<u8>,
    /// Which source offsets its records had, in their order.
    pub runs: Vec<Run>,
}

/// Writes the records whose offsets are in `keep` into a batch with dense offsets, compressed with `codec`. Key,
/// value, headers and times stay; the times of a `LogAppendTime` batch become the records' own. `None` if there are
/// no such records. The checksum is checked and every record looked at, so a batch whose offsets are out of order is an
/// error.
///
/// The records are decompressed but not compressed again where a new header is enough: nothing but the tail is
/// missing, or all times are the same.
pub fn reencode(batch: &Batch<'_>, keep: OffsetRange, codec: Codec) -> Result<Option<Reencoded>, BatchError> {
    let header = batch.modern()?;
    batch.check_crc()?;
    let records = records(batch)?;
    let survey = Survey::of(&records, keep)?;
    if survey.runs.is_empty() {
        return Ok(None);
    }
    let bytes = match survey.patched(header, codec) {
        Some(patched) => {
            let mut bytes = patched.encode_for(batch.payload()).to_vec();
            bytes.extend_from_slice(batch.payload());
            bytes
        }
        None => rebuild(&records, header, keep, codec)?,
    };
    Ok(Some(Reencoded { bytes, runs: survey.runs }))
}

/// Writes the records whose offsets are in `keep` into as many batches as there are runs of consecutive offsets, each
/// dense: what a log takes that is to have the holes where they were. Otherwise like [`reencode`].
pub fn reencode_runs(batch: &Batch<'_>, keep: OffsetRange, codec: Codec) -> Result<Vec<Reencoded>, BatchError> {
    let runs = kept_runs(batch, keep)?;
    if runs.len() < 2 {
        return Ok(reencode(batch, keep, codec)?.into_iter().collect());
    }
    let attributes = for_producer(batch.modern()?, ProducerStamp::NONE).attributes.with_codec(codec);
    let records = records(batch)?;
    let mut kept = records.iter().filter(|one| one.as_ref().map_or(true, |record| contains(keep, record.offset)));
    let rewrite = |run: Run| {
        let mut builder = Builder::new();
        for record in kept.by_ref().take(run.count.unsigned_abs() as usize) {
            builder.push(&record?)?;
        }
        Ok(Reencoded { bytes: builder.finish(attributes)?, runs: vec![run] })
    };
    runs.into_iter().map(rewrite).collect()
}

/// Which source offsets `keep` leaves of a batch, in their order: what [`reencode`] would write, without writing it. The
/// checksum is checked and every record looked at.
pub fn kept_runs(batch: &Batch<'_>, keep: OffsetRange) -> Result<Vec<Run>, BatchError> {
    batch.check_crc()?;
    Ok(Survey::of(&records(batch)?, keep)?.runs)
}

fn rebuild(
    records: &Records<'_>,
    header: &BatchHeader,
    keep: OffsetRange,
    codec: Codec,
) -> Result<Vec<u8>, BatchError> {
    let mut builder = Builder::new();
    for record in records {
        let record = record?;
        if contains(keep, record.offset) {
            builder.push(&record)?;
        }
    }
    builder.finish(for_producer(header, ProducerStamp::NONE).attributes.with_codec(codec))
}

/// What one look at all records tells.
#[derive(Debug, Default)]
struct Survey {
    runs: Vec<Run>,
    /// Records that are not kept.
    cut: i32,
    /// The time all records have by themselves.
    own_time: Option<i64>,
    /// Records have different times.
    times_differ: bool,
}

impl Survey {
    fn of(records: &Records<'_>, keep: OffsetRange) -> Result<Self, BatchError> {
        let mut survey = Self::default();
        for record in records.iter_with_own_times() {
            let record = record?;
            if contains(keep, record.offset) {
                survey.keep(record.offset);
            } else {
                survey.cut += 1;
            }
            survey.times_differ |= survey.own_time.is_some_and(|time| time != record.timestamp);
            survey.own_time = Some(record.timestamp);
        }
        Ok(survey)
    }

    fn keep(&mut self, offset: i64) {
        match self.runs.last_mut() {
            Some(run) if run.base + i64::from(run.count) == offset => run.count += 1,
            _ => self.runs.push(Run { base: offset, count: 1 }),
        }
    }

    /// The header that makes the stored records a producer's batch, if one can.
    fn patched(&self, header: &BatchHeader, codec: Codec) -> Option<BatchHeader> {
        let [run] = self.runs.as_slice() else { return None };
        if self.cut > 0 || run.base != header.base_offset || header.attributes.codec() != Some(codec) {
            return None;
        }
        let mut patched = for_producer(header, ProducerStamp::NONE);
        patched.last_offset_delta = run.count - 1;
        if header.attributes.log_append_time() {
            // Moving what the times are relative to moves all of them alike.
            let shift = header.max_timestamp.wrapping_sub(self.own_time.filter(|_| !self.times_differ)?);
            patched.base_timestamp = header.base_timestamp.wrapping_add(shift);
        }
        Some(patched)
    }
}

fn contains(range: OffsetRange, offset: i64) -> bool {
    range.base <= offset && offset < range.next
}
