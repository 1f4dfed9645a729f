//! How a verb tells how far it is, without knowing who watches.

/// Receives progress. Called from many tasks and threads at once; every method is cheap and never blocks for long.
pub trait Progress: Send + Sync {
    /// What lies ahead, in bytes of record batches and in partitions. Called again when the plan grows or shrinks.
    fn total(&self, bytes: u64, partitions: u64);
    /// That many more bytes are done.
    fn advance(&self, bytes: u64);
    /// One more partition is done.
    fn partition_done(&self);
    /// A phase or an event worth a line, lowercase and without a final stop. Losses belong in the report as well.
    fn note(&self, text: &str);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn total(&self, _bytes: u64, _partitions: u64) {}
    fn advance(&self, _bytes: u64) {}
    fn partition_done(&self) {}
    fn note(&self, _text: &str) {}
}
