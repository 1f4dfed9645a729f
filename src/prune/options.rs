//! What to prune.

use std::time::Duration;

use super::policy::Policy;
use crate::repository::HOLD_RUNS;

/// What goes, and what is merged.
#[derive(Debug, Clone)]
pub struct PruneOptions {
    /// Which snapshots stay.
    pub policy: Policy,
    /// What no snapshot names is removed when it is older.
    pub grace: Duration,
    /// Neighbouring segments are merged into objects of up to this many bytes; larger ones are left alone, 0 leaves all.
    pub merge_below: u64,
    /// How long a run that made no snapshot may still be under way.
    pub hold: Duration,
}

impl Default for PruneOptions {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            grace: Duration::from_secs(24 * 3600),
            merge_below: 64 << 20,
            hold: HOLD_RUNS,
        }
    }
}
