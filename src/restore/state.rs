//! What a restore writes down: its plan before the first change, its topics before the first record, offset maps as
//! they arise, and that it is done. All of it lies in `restores/<key>/<restore id>/` of the repository.

use serde::{Deserialize, Serialize};

use super::error::RestoreError;
use super::options::RestoreOptions;
use super::plan::RestorePlan;
use super::translate::Piece;
use crate::cluster::ProducerIdentity;
use crate::model::{Selection, Timestamp, TopicId, TopicName};
use crate::repository::{Repository, RestoreFolder, TextObject};

/// The rules by which stored batches become produced ones. Resuming needs the same rules, so a change of them is
/// a new number.
pub(super) const BATCHING_VERSION: u32 = 1;

/// `plan.json`: written before anything is changed in the target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PlanDocument {
    /// Snapshot that is restored.
    pub snapshot: u64,
    /// Its id.
    pub snapshot_id: String,
    /// Cluster it is restored into.
    pub target_cluster_id: String,
    /// What of it.
    pub selection: Selection,
    /// Under which names.
    pub renames: Vec<String>,
    /// When it began.
    pub started: Timestamp,
    /// Producer id and epoch of every batch.
    pub producer_id: i64,
    /// See `producer_id`.
    pub producer_epoch: i16,
    /// Rules by which batches are made.
    pub batching_version: u32,
    /// ktape that began it.
    pub ktape_version: String,
}

/// `topics.json`: written when all topics exist, before the first record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TopicsDocument {
    /// The topics.
    pub topics: Vec<TargetTopic>,
}

/// One topic in the target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TargetTopic {
    /// Its name in the snapshot.
    pub source: TopicName,
    /// Its name in the target.
    pub target: TopicName,
    /// Its id in the target, zero where brokers have none.
    pub id: TopicId,
    /// Whether this restore created it.
    pub created: bool,
    /// Offset of the first restored record, by partition.
    pub bases: Vec<i64>,
}

/// `done.json`: written last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DoneDocument {
    /// When.
    pub finished: Timestamp,
}

/// Writes the documents of one restore.
#[derive(Debug)]
pub(super) struct State {
    folder: RestoreFolder,
}

impl State {
    /// Begins a restore and writes its plan. What identifies it are target, snapshot, selection and renames.
    pub(super) fn begin(
        repository: &Repository,
        plan: &RestorePlan,
        options: &RestoreOptions,
        producer: ProducerIdentity,
        started: Timestamp,
    ) -> Result<Self, RestoreError> {
        let document = PlanDocument {
            snapshot: plan.snapshot.head.sequence,
            snapshot_id: plan.snapshot.id.clone(),
            target_cluster_id: plan.target_cluster_id.clone(),
            selection: options.selection.clone(),
            renames: options.renames.texts(),
            started,
            producer_id: producer.producer_id,
            producer_epoch: producer.producer_epoch,
            batching_version: BATCHING_VERSION,
            ktape_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let key = (&document.target_cluster_id, &document.snapshot_id, &document.selection, &document.renames);
        let folder = repository.begin_restore(&key)?;
        folder.put("plan.json", &document)?;
        Ok(Self { folder })
    }

    /// Where the documents lie, relative to the repository.
    pub(super) fn folder(&self) -> &str {
        self.folder.path()
    }

    /// Writes the topics.
    pub(super) fn topics(&self, document: &TopicsDocument) -> Result<(), RestoreError> {
        Ok(self.folder.put("topics.json", document)?)
    }

    /// Begins the offset map of a partition of the source.
    pub(super) fn map(&self, topic: &TopicName, partition: i32) -> Result<MapWriter, RestoreError> {
        Ok(MapWriter { object: self.folder.map(topic, partition)? })
    }

    /// Writes that everything is done.
    pub(super) fn done(&self) -> Result<(), RestoreError> {
        Ok(self.folder.put("done.json", &DoneDocument { finished: Timestamp::now() })?)
    }
}

/// `maps/<topic>/<partition>.jsonl`: a line `[source, target, count]` for each piece, ascending.
#[derive(Debug)]
pub(super) struct MapWriter {
    object: TextObject,
}

impl MapWriter {
    /// Appends a piece.
    pub(super) fn piece(&mut self, piece: Piece) -> Result<(), RestoreError> {
        Ok(self.object.line(&format!("[{},{},{}]", piece.source, piece.target, piece.count))?)
    }

    /// Publishes the map.
    pub(super) fn finish(self) -> Result<(), RestoreError> {
        Ok(self.object.publish()?)
    }
}
