//! The repository: segments, seals, parts and snapshots on top of a dumb store. FORMAT.md is its public description.
//!
//! Order of a backup's writes: segments, the seals that name them ([`Run::record`]), the parts that hold the seals
//! ([`Repository::append_seals`], [`Repository::write_topics`]), the head that names the parts
//! ([`Repository::commit`]). Each is durable before the next begins, so after a crash at any point every snapshot that
//! exists is whole, and what came after the last one is either taken over or left over, never wrong.
//!
//! Nothing here deletes or changes an object that something may name. Calls block.

mod complete;
mod content;
pub mod crypt;
mod document;
mod error;
pub mod format;
mod journal;
pub mod layout;
mod locks;
mod offset_map;
mod open;
mod parts;
mod pieces;
mod place;
mod restores;
mod runs;
mod seen;
pub mod segment;
mod segment_list;
mod shards;
mod signature;
mod snapshots;
mod tool;

pub use complete::SkippedSnapshot;
pub use content::{ContentDigest, ContentHasher};
pub use crypt::{AdoptError, Form, InitOptions, LogWriter, Secrets, Stored, WholeSegment, read_failed};
pub use error::{Damage, RepositoryError};
pub use journal::Journal;
pub use locks::{Lock, LockOwner};
pub use offset_map::{MapReader, MapWriter};
pub use open::Repository;
pub use parts::PART_BYTES_MAX;
pub use pieces::MergedObject;
pub use place::{Place, StoredStream};
pub use restores::{RestoreFolder, RestoreStates};
pub use runs::{HOLD_RUNS, Run, TAKE_OVER_FOR, began};
pub use seen::Seen;
pub use segment::{
    AbortedIndex, Behind, FoundByTime, ModernBatch, ModernReader, OwnedBatch, RecordTimes, SegmentReader, SegmentStart,
    SegmentWriter, Uncommitted,
};
pub use shards::{shard_count, shard_of};
pub use signature::{KeyFault, PublicKey, SigningKey};
pub use snapshots::{Snapshot, SnapshotChoice};

#[cfg(test)]
mod failing_tests;
#[cfg(test)]
mod format_md;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
