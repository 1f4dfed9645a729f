//! What a backup is asked to do.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::model::Selection;
use crate::repository::SigningKey;

/// Where a snapshot's data of a partition ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FenceAt {
    /// Below the first transaction that is still open.
    #[default]
    LastStable,
    /// Where all replicas in sync have it; a restore drops what belongs to transactions that are open there.
    HighWatermark,
}

/// Resolved settings of one run.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct BackupOptions {
    /// Which topics and groups.
    pub selection: Selection,
    /// Plain bytes after which a segment is sealed and the next begun. Below 2^31.
    pub segment_bytes: u64,
    /// Bytes asked for in one fetch.
    pub fetch_bytes: i32,
    /// Bytes of what brokers send that may be in memory at a time; a batch that is larger comes alone.
    pub memory_bytes: usize,
    /// Bytes fetched a second, at most.
    pub rate: Option<NonZeroU64>,
    /// Stop cleanly after this long; the next run goes on.
    pub max_duration: Option<Duration>,
    /// How long a partition may give nothing although its fence is not reached.
    pub stall_timeout: Duration,
    /// A possibly partial list of groups does not make the snapshot incomplete.
    pub accept_partial_view: bool,
    /// Offsets that retention took while the backup ran do not make the run incomplete; the snapshot records them.
    pub accept_gaps: bool,
    /// Settings of the cluster that could not be read do not make the run incomplete; the snapshot records it.
    pub accept_settings: bool,
    /// Where the data of this snapshot ends.
    pub fence: FenceAt,
    /// A transaction that has been open for longer holds back a backup that ends at the last stable offset.
    pub hanging_after: Duration,
    /// Signs the snapshot.
    pub sign_key: Option<SigningKey>,
    /// The repository goes on with this cluster although its newest snapshot is of another.
    pub adopt_cluster: bool,
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            segment_bytes: 1 << 30,
            fetch_bytes: 4 << 20,
            memory_bytes: 64 << 20,
            rate: None,
            max_duration: None,
            stall_timeout: Duration::from_secs(120),
            accept_partial_view: false,
            accept_gaps: false,
            accept_settings: false,
            fence: FenceAt::LastStable,
            hanging_after: Duration::from_secs(15 * 60),
            sign_key: None,
            adopt_cluster: false,
        }
    }
}
