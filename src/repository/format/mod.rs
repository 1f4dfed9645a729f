//! The documents a repository is made of, as serde types. Readers keep going past fields they do not know.
//! FORMAT.md is the public description; a change here is a change there.

mod group;
mod numbers;
mod pieces;
mod restore;
mod seal;
mod settings;
mod snapshot;
mod storage;
mod tool;
mod topic;

pub use group::{GroupOffset, GroupState, GroupsPart};
pub use pieces::{Piece, PiecesDocument};
pub use restore::{
    HeldConfig, HeldTopic, MapSummary, OffsetsCommit, OffsetsUndone, RestoreCut, RestoreDone, RestoreKey,
    RestoreMarking, RestorePlanDocument, RestoreRecords, RestoreReleased, RestoreTopics, SavedGroup, SavedGroups,
    TargetPartition, TargetTopic, TranslatedPartition,
};
pub use seal::{AbortedTransaction, EpochStart, IndexEntry, OpenTransaction, Seal, SealBatch, Writer};
pub use settings::{NotCaptured, NotCapturedReason, OwnConfigs, SettingsKind, SettingsPart};
pub use snapshot::{
    Excluded, FORMAT_VERSION, FORMAT_VERSION_1, FormatVersion, Incomplete, IncompleteKind, Origin, Parent,
    RepositoryDocument, SnapshotHead, TopicShardRef, Totals,
};
pub use storage::{
    Compression, ConfigsPart, EncryptedPart, Frame, GroupName, GroupNames, KeysDocument, PartRef, PassphraseKey,
    Recipients, TopicConfigs,
};
pub use tool::{ToolDocument, ToolFile};
pub use topic::{ConfigEntry, MissingRange, PartitionState, SealsRef, SegmentList, TopicShard, TopicState};
