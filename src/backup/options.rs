//! What a backup is asked to do.

use std::time::Duration;

use crate::model::Selection;

/// Resolved settings of one run.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// Which topics and groups.
    pub selection: Selection,
    /// Plain bytes after which a segment is sealed and the next begun. Below 2^31.
    pub segment_bytes: u64,
    /// Bytes asked for in one fetch.
    pub fetch_bytes: i32,
    /// Stop cleanly after this long; the next run goes on.
    pub max_duration: Option<Duration>,
    /// How long a partition may give nothing although its fence is not reached.
    pub stall_timeout: Duration,
    /// A possibly partial list of groups does not make the snapshot incomplete.
    pub accept_partial_view: bool,
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            segment_bytes: 1 << 30,
            fetch_bytes: 4 << 20,
            max_duration: None,
            stall_timeout: Duration::from_secs(120),
            accept_partial_view: false,
        }
    }
}
