//! Segments: one immutable run of consecutive batches of one partition, byte for byte as the leader served them.

mod aborted;
mod facts;
mod reader;
mod scan;
mod writer;

pub use aborted::{AbortedIndex, Uncommitted};
pub use facts::Facts;
pub use reader::{OwnedBatch, SegmentReader};
pub use scan::{Scan, ScanFault};
pub use writer::{SegmentStart, SegmentWriter};

#[cfg(test)]
mod tests;
