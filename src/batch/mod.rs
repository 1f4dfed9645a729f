//! Record batches as bytes: Kafka's message format v2 (KIP-98), and the older v0 and v1, which can be walked over, checked
//! and written anew as v2 ([`upgrade()`]). No I/O. Every byte is taken for hostile: a wrong one gives an error, never a panic, and nothing is allocated
//! from a length that was not compared with the bytes that are there.
//!
//! [`walk()`] finds the batches, [`admit`] decides what a restore does with one, [`reheader()`] and [`reencode()`] do it.
//! [`Filler`] makes batches that are nothing but offsets.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod admission;
mod attributes;
mod builder;
mod checksum;
mod compress;
mod control;
mod error;
mod filler;
mod header;
mod input;
mod joiner;
mod layout;
mod legacy;
mod record;
mod reencode;
mod reheader;
mod view;
mod walk;

pub use admission::{Admission, AdmissionContext, DropReason, ReencodeReason, admit};
pub use attributes::{Attributes, Codec, CodecSet};

pub use builder::{Builder, build};
pub use compress::LIMIT as DECOMPRESSED_MAX;
pub use control::{Marker, marker};
pub use error::{BatchError, RecordFault};
pub use filler::{FILLER_MAX, Filler};
pub use header::BatchHeader;
pub use joiner::Joiner;
pub use layout::HEADER_SIZE;
#[cfg(test)]
pub(crate) use legacy::testing as old_messages;
pub use legacy::{JOINED_MAX, LegacyHeader, joins, upgrade};
pub use record::{Header, Place, Record, RecordIter, Records, records, records_up_to};
pub use reencode::{Reencoded, Run, kept_runs, reencode, reencode_runs};
pub use reheader::{ProducerStamp, reheader};
pub use view::Batch;
pub use walk::{Walk, size_of_first, walk};

#[cfg(test)]
mod tests;
