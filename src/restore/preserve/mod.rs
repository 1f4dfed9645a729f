//! Restoring with the offsets that records had, through the ordinary protocol.
//!
//! Only onto topics that the restore creates. Per partition: batches of filler up to the log start, which are then
//! deleted; records at their own offsets; transaction markers, which no reader sees, where there is no record. The log
//! end is the only progress there is: it tells what comes next, and the batch before it tells whether it is what was
//! planned. Markers alone can land twice, because they have no sequence: [`markers`] says how that is kept from
//! happening, and a log that got longer than planned all the same is deleted and begun again.

mod decide;
#[cfg(test)]
mod fake_tests;
mod fill;
mod in_place;
mod job;
mod markers;
mod need;
mod preserver;
mod redo;
mod report;

pub use decide::Preserving;
pub(in crate::restore) use decide::{decide, decide_again, moves, needs, preserved, recall, translated};
pub(in crate::restore) use in_place::{InPlace, LastBatch, Producers};
pub(in crate::restore) use job::Job;
pub use need::Need;
pub(in crate::restore) use preserver::Preserver;
pub(in crate::restore) use redo::{begin_again, mark};
pub use report::{PreservePartition, PreservePlan};
