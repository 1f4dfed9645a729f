//! What to copy.

use crate::repository::{SigningKey, SnapshotChoice};

/// What to copy, and how.
#[derive(Debug, Clone, Default)]
pub struct CopyOptions {
    /// One snapshot; `None` for all that the target lacks.
    pub snapshot: Option<SnapshotChoice>,
    /// Signs every copy.
    pub sign_key: Option<SigningKey>,
    /// Segments copied at the same time; 0 means eight: much of the time goes into waiting.
    pub threads: usize,
}
