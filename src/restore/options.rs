//! What a restore is asked to do.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use super::rename::Renames;
use super::wide::SettingsChoice;
use crate::model::Selection;
pub use crate::repository::SnapshotChoice;
use crate::repository::format::RestoreCut;

/// Resolved settings of one restore.
#[derive(Debug, Clone)]
pub struct RestoreOptions {
    /// Which snapshot.
    pub snapshot: SnapshotChoice,
    /// Which of its topics and groups.
    pub selection: Selection,
    /// Other names for topics.
    pub renames: Renames,
    /// Replication factor of all restored topics instead of their own.
    pub replication_factor: Option<i16>,
    /// Settings that win over those of the snapshot.
    pub topic_configs: Vec<TopicConfigOverride>,
    /// What becomes of group positions outside the restored data.
    pub out_of_range: OutOfRange,
    /// Text put before the id of every group in the target.
    pub group_prefix: Option<String>,
    /// Where the restore is written down instead of in the repository.
    pub state: Option<PathBuf>,
    /// The restore is a drill's: its topics are scratch, and its plan says so.
    pub drill: bool,
    /// Which part of the data, by time.
    pub cut: RestoreCut,
    /// Cut even where more is left behind than should be.
    pub force: bool,
    /// Which of the cluster's own settings.
    pub settings: SettingsChoice,
    /// Every record is to get the offset that it had.
    pub preserve_offsets: bool,
    /// Bytes of batches that may be on their way at a time.
    pub memory_bytes: usize,
    /// Bytes worth sending in one request.
    pub request_bytes: usize,
    /// Bytes sent a second, at most.
    pub rate: Option<NonZeroU64>,
    /// How long a partition may make no progress.
    pub stall_timeout: Duration,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self {
            snapshot: SnapshotChoice::Latest,
            selection: Selection::default(),
            renames: Renames::default(),
            replication_factor: None,
            topic_configs: Vec::new(),
            out_of_range: OutOfRange::Clamp,
            group_prefix: None,
            state: None,
            drill: false,
            cut: RestoreCut::default(),
            force: false,
            settings: SettingsChoice::default(),
            preserve_offsets: false,
            memory_bytes: 64 << 20,
            request_bytes: 4 << 20,
            rate: None,
            stall_timeout: Duration::from_secs(120),
        }
    }
}

/// `--topic-config`: a setting for one topic, by its name in the target, or for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicConfigOverride {
    /// The topic; `None` for all.
    pub topic: Option<String>,
    /// Config name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What becomes of a group's position below the log start or beyond the restored data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OutOfRange {
    /// The first restored record, or the end of the log.
    #[default]
    Clamp,
    /// It is not committed.
    Omit,
    /// The restore is refused.
    Refuse,
}
