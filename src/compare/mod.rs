//! Reads a cluster back and compares it with a snapshot: every record by content, and every group's position.
//!
//! The cluster is the snapshot's source, where offsets are the same, or the target of a restore that is written down,
//! where the restore's offset maps say which offset a record went to. What the repository holds is read as restore and
//! export read it; what the cluster shows of the source is judged by what its brokers say of transactions, not by what
//! the repository knows of them.
//!
//! Two batches whose records lie in the same bytes are equal, and not decoded. Else both sides are taken apart record by
//! record, wherever each has its batch boundaries. Nothing of a partition is held but a batch of each side, and keys of
//! compacted records for which no later one was seen so far.

mod compaction;
mod content;
mod error;
mod execute;
mod fetched;
mod groups;
mod known;
mod merge;
mod offsets;
mod options;
mod partition;
mod plan;
mod report;
mod side;
mod stored;

pub use content::What;
pub use error::CompareError;
pub use options::CompareOptions;
pub use report::{Against, CompareReport, Difference, GroupWhat, Kind, NotCompared, Since, Verdict};

use crate::model::Timestamp;
use crate::verb;

/// What a comparison works with.
pub type Context<'a> = verb::Context<'a, CompareOptions>;

/// Compares the cluster with the snapshot.
pub async fn compare(context: Context<'_>) -> Result<CompareReport, CompareError> {
    let started = Timestamp::now();
    context.progress.note("asking where the cluster's logs begin and end");
    let plan = plan::plan(context).await?;
    execute::execute(context, plan, started).await
}

#[cfg(test)]
mod tests;
