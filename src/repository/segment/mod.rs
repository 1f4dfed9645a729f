//! Segments: one immutable run of consecutive batches of one partition, byte for byte as the leader served them.

mod aborted;
mod buffers;
mod facts;
mod modern;
mod reader;
mod scan;
mod times;
mod writer;

pub use aborted::{AbortedIndex, Uncommitted};
pub(super) use buffers::Buffers;
pub use facts::Facts;
pub use modern::{ModernBatch, ModernReader};
pub use reader::{OwnedBatch, SegmentReader};
pub use scan::{Observed, Scan, ScanFault};
pub use times::{Behind, FoundByTime, RecordTimes};
pub use writer::{SegmentStart, SegmentWriter, is_mostly_uncompressed};

#[cfg(test)]
mod tests;
