//! What a restore writes down: its plan before the first change, its topics before the first record, offset maps as
//! they arise, and that it is done.

use super::error::RestoreError;
use super::options::RestoreOptions;
use super::plan::RestorePlan;
use crate::cluster::ProducerIdentity;
use crate::model::Timestamp;
use crate::repository::format::{HeldTopic, RestoreDone, RestoreKey, RestorePlanDocument, RestoreTopics};
use crate::repository::{Repository, RestoreFolder};

/// The rules by which stored batches become produced ones.
const BATCHING_VERSION: u32 = 1;

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
        let key = RestoreKey {
            target_cluster_id: plan.target_cluster_id.clone(),
            snapshot_id: plan.snapshot.id.clone(),
            selection: options.selection.clone(),
            renames: options.renames.texts(),
            cut: options.cut,
            preserve_offsets: false,
            group_prefix: options.group_prefix.clone(),
        };
        let folder = repository.restore_states().begin(&key)?;
        folder.begin(&RestorePlanDocument {
            key,
            snapshot: plan.snapshot.head.sequence,
            source_cluster_id: plan.snapshot.head.cluster_id.clone(),
            started,
            producer_id: producer.producer_id,
            producer_epoch: producer.producer_epoch,
            filler_producer_id: -1,
            marker_producer_id: -1,
            batching_version: BATCHING_VERSION,
            target_codecs: 0b1_1111,
            existed: plan.topics.iter().filter(|topic| topic.exists).map(|topic| topic.target.clone()).collect(),
            drill: options.drill,
            ktape_version: env!("CARGO_PKG_VERSION").to_owned(),
        })?;
        Ok(Self { folder })
    }

    /// Where the documents lie.
    pub(super) fn folder(&self) -> &RestoreFolder {
        &self.folder
    }

    /// Writes the topics.
    pub(super) fn topics(&self, topics: &RestoreTopics) -> Result<(), RestoreError> {
        Ok(self.folder.put_topics(topics)?)
    }

    /// Writes that everything is done.
    pub(super) fn done(&self, held: Vec<HeldTopic>) -> Result<(), RestoreError> {
        let report = serde_json::Value::Null;
        Ok(self.folder.finish(&RestoreDone { finished: Timestamp::now(), held, report })?)
    }
}
