//! Committed offsets of groups, apart from records: shows what a snapshot holds and where it lies after a restore, commits
//! it again, and puts back what was there before.
//!
//! Invariants: what a commit replaces is written down before the first offset is changed; what was committed is read
//! back; groups with members are refused; what was undone is written down, so that it is not undone twice.

mod commit;
mod committed;
mod error;
mod identity;
mod only;
mod options;
mod position;
mod report;
mod restored;
mod saved;
mod show;
mod translate;
mod undo;

pub use commit::commit;
pub use error::OffsetsError;
pub use only::commit_only;
pub use options::{CommitOptions, OnlyOptions, ShowOptions, UndoOptions};
pub use position::{Origin, Position, TargetPosition};
pub use report::{CommitReport, CommittedGroup, NotCommitted, ShowReport, UndoReport, UndoneGroup};
pub use show::show;
pub use undo::undo;
