//! Export: the records of one topic as lines of JSON, for people and scripts. It shows what a restore would write: the
//! committed records between the log start and the fence of a snapshot. Calls block.
//!
//! ```json
//! {"topic":"orders","partition":0,"offset":7,"timestamp":1700000000000,"timestamp_type":"CreateTime",
//!  "key":"a","value":{"base64":"/w=="},"headers":[{"key":"trace","value":null}]}
//! ```
//! (one line each). A timestamp of -1 means that the record has none. Bytes are shown as [`Encoding`] says.

mod encoding;
mod error;
mod line;
mod options;
mod partition;
mod plan;
mod report;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Write;

pub use encoding::Encoding;
pub use error::ExportError;
pub use options::ExportOptions;
pub use plan::{ExportPlan, PartitionPlan, plan};
pub use report::{ExportReport, MissingOffsets, TimeCut};

use crate::cancel::Cancel;
use crate::progress::Progress;
use crate::repository::Repository;

/// What an export works with besides its plan and its output.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where the segments lie.
    pub repository: &'a Repository,
    /// What was asked for.
    pub options: &'a ExportOptions,
    /// Told how far it is.
    pub progress: &'a dyn Progress,
    /// Asked between batches.
    pub cancel: &'a Cancel,
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("repository", self.repository).finish_non_exhaustive()
    }
}

/// Writes the records: partition by partition, ascending, each in the order of its offsets. When it is cancelled the
/// report says so; what was written until then are whole lines.
pub fn execute(context: Context<'_>, plan: &ExportPlan, out: &mut dyn Write) -> Result<ExportReport, ExportError> {
    let mut report = ExportReport::of(plan);
    context.progress.total(plan.partitions.iter().map(|one| one.bytes).sum(), plan.partitions.len() as u64);
    for one in &plan.partitions {
        partition::write(context, plan, one, out, &mut report)?;
        if report.cancelled {
            break;
        }
        context.progress.partition_done();
    }
    out.flush().map_err(ExportError::Write)?;
    Ok(report)
}
