//! One partition, segment by segment.

use std::io::Write;

use super::Context;
use super::error::ExportError;
use super::line::LineStyle;
use super::plan::{ExportPlan, PartitionPlan};
use super::report::ExportReport;
use crate::batch::{Batch, BatchError, records};
use crate::model::OffsetRange;
use crate::repository::format::Seal;
use crate::repository::{AbortedIndex, Damage, RepositoryError};

/// Writes the partition's records; stops between batches when cancelled.
pub(super) fn write(
    context: Context<'_>,
    plan: &ExportPlan,
    part: &PartitionPlan,
    out: &mut dyn Write,
    report: &mut ExportReport,
) -> Result<(), ExportError> {
    let keep = part.keep;
    if keep.base >= keep.next {
        return Ok(());
    }
    let from_keep = || {
        let seals = context.repository.seals(&part.segments);
        seals.filter(move |seal| seal.as_ref().map_or(true, |seal| seal.next > keep.base))
    };
    let aborted = match part.cut {
        // What ends behind a cut by time is open at it.
        Some(_) => AbortedIndex::up_to(context.repository, &part.segments, keep.next)?,
        None => AbortedIndex::from_seals::<ExportError>(from_keep())?,
    };
    let mut exporter = PartitionExport { context, plan, part, aborted, out, report };
    for seal in from_keep() {
        let seal = seal?;
        if seal.base >= keep.next || exporter.report.cancelled {
            break;
        }
        exporter.segment(&seal)?;
    }
    Ok(())
}

struct PartitionExport<'a> {
    context: Context<'a>,
    plan: &'a ExportPlan,
    part: &'a PartitionPlan,
    aborted: AbortedIndex,
    out: &'a mut dyn Write,
    report: &'a mut ExportReport,
}

impl PartitionExport<'_> {
    fn segment(&mut self, seal: &Seal) -> Result<(), ExportError> {
        let mut reader = self.context.repository.read_modern(seal, self.part.keep.base, false)?;
        while let Some(owned) = reader.next()? {
            if self.context.cancel.is_cancelled() {
                self.report.cancelled = true;
                return Ok(());
            }
            let damaged = |fault: BatchError| damage(seal, owned.position, fault);
            let batch = owned.batch().map_err(damaged)?;
            if batch.base_offset() >= self.part.keep.next {
                return Ok(());
            }
            batch.check_crc().map_err(damaged)?;
            if self.counts(&batch) {
                self.batch(&batch, damaged)?;
            }
            self.context.progress.advance(owned.stored);
        }
        Ok(())
    }

    /// Whether the batch holds records to be shown.
    fn counts(&mut self, batch: &Batch<'_>) -> bool {
        let Some(header) = batch.header().filter(|header| !header.attributes.control()) else { return false };
        let Some(outcome) = self.aborted.uncommitted(header) else { return true };
        self.report.count_uncommitted(outcome, u64::from(header.record_count.unsigned_abs()));
        self.context.options.uncommitted
    }

    fn batch(&mut self, batch: &Batch<'_>, damaged: impl Fn(BatchError) -> RepositoryError) -> Result<(), ExportError> {
        let style = LineStyle {
            topic: self.plan.topic.as_str(),
            partition: self.part.partition,
            append_time: batch.header().is_some_and(|header| header.attributes.log_append_time()),
            encoding: self.context.options.encoding,
        };
        let records = records(batch).map_err(&damaged)?;
        for record in &records {
            let record = record.map_err(&damaged)?;
            if contains(self.part.keep, record.offset) {
                style.write(&record, self.out)?;
                self.report.records += 1;
            }
        }
        Ok(())
    }
}

fn damage(seal: &Seal, position: u64, fault: BatchError) -> RepositoryError {
    RepositoryError::damaged(seal.object.as_str(), Damage::Batch { position, fault })
}

fn contains(range: OffsetRange, offset: i64) -> bool {
    range.base <= offset && offset < range.next
}
