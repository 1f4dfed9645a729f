//! The repository: segments, seals, parts and snapshots on top of a dumb store.

pub mod format;
