//! What a restore writes down, so that the same command goes on wherever it was cut off: its plan before the first
//! change, its topics before the first record, offset maps as partitions end, that all records are there, which groups
//! were committed, and that it is done. A step that has its document is not done again.

use super::error::RestoreError;
use super::options::RestoreOptions;
use super::plan::RestorePlan;
use super::preserve::Producers;
use super::report::RestoreReport;
use crate::batch::CodecSet;
use crate::cluster::ProducerIdentity;
use crate::model::{Timestamp, TopicName};
use crate::repository::format::{
    HeldTopic, RestoreDone, RestoreKey, RestoreMarking, RestorePlanDocument, RestoreRecords, RestoreTopics, SavedGroups,
};
use crate::repository::{Repository, RepositoryError, RestoreFolder, RestoreStates};

/// The rules by which stored batches become produced ones, for the record.
const BATCHING_VERSION: u32 = 1;
/// What the target had for the groups.
const GROUPS_BEFORE: &str = "groups-before.json";
/// What was committed.
const GROUPS: &str = "groups.json";
/// Name of what a run writes before it writes markers, before its number.
const MARKING: &str = "marking-";
/// All records are there.
const RECORDS: &str = "records.json";

/// Where restores are written down: in the repository, or where `--state` says.
pub(super) fn states(repository: &Repository, options: &RestoreOptions) -> RestoreStates {
    match &options.state {
        Some(folder) => RestoreStates::in_folder(folder),
        None => repository.restore_states(),
    }
}

/// What tells this restore from others.
pub(super) fn key(plan: &RestorePlan, options: &RestoreOptions) -> RestoreKey {
    RestoreKey {
        target_cluster_id: plan.target_cluster_id.clone(),
        snapshot_id: plan.snapshot.id.clone(),
        selection: options.selection.clone(),
        renames: options.renames.texts(),
        cut: options.cut,
        preserve_offsets: options.preserve_offsets,
        group_prefix: options.group_prefix.clone(),
    }
}

/// The documents of one restore.
#[derive(Debug)]
pub(super) struct State {
    folder: RestoreFolder,
    plan: RestorePlanDocument,
    /// Its topics, once all of them exist.
    pub topics: Option<RestoreTopics>,
    /// All records are there and were counted.
    pub records: Option<RestoreRecords>,
    /// What was committed and read back.
    pub groups: Option<SavedGroups>,
    /// An earlier attempt began it.
    pub resumed: bool,
}

impl State {
    /// Begins a restore and writes its plan.
    pub(super) fn begin(
        states: &RestoreStates,
        key: RestoreKey,
        plan: &RestorePlan,
        options: &RestoreOptions,
        (producer, producers, target_codecs): (ProducerIdentity, Producers, CodecSet),
        started: Timestamp,
    ) -> Result<Self, RestoreError> {
        let folder = states.begin(&key)?;
        let document = RestorePlanDocument {
            key,
            snapshot: plan.snapshot.head.sequence,
            source_cluster_id: plan.snapshot.head.cluster_id.clone(),
            started,
            producer_id: producer.producer_id,
            producer_epoch: producer.producer_epoch,
            filler_producer_id: producers.filler,
            marker_producer_id: producers.markers,
            batching_version: BATCHING_VERSION,
            target_codecs: target_codecs.bits(),
            targets: plan.topics.iter().map(|topic| topic.target.clone()).collect(),
            existed: plan.topics.iter().filter(|topic| topic.exists).map(|topic| topic.target.clone()).collect(),
            drill: options.drill,
            ktape_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        folder.begin(&document)?;
        Ok(Self { folder, plan: document, topics: None, records: None, groups: None, resumed: false })
    }

    /// Reads what an earlier attempt left.
    pub(super) fn open(folder: RestoreFolder) -> Result<Self, RestoreError> {
        let plan = folder.plan()?;
        let (topics, records, groups) = (folder.topics()?, folder.get(RECORDS)?, folder.get(GROUPS)?);
        Ok(Self { folder, plan, topics, records, groups, resumed: true })
    }

    /// Where the documents lie.
    pub(super) fn folder(&self) -> &RestoreFolder {
        &self.folder
    }

    /// Where a person finds them: below the repository, or in the folder of `--state`.
    pub(super) fn shown(&self, options: &RestoreOptions) -> String {
        let path = self.folder.path();
        options.state.as_ref().map_or_else(|| path.to_owned(), |folder| folder.join(path).display().to_string())
    }

    /// When it began.
    pub(super) fn started(&self) -> Timestamp {
        self.plan.started
    }

    /// Who produces all of its records.
    pub(super) fn producer(&self) -> ProducerIdentity {
        ProducerIdentity { producer_id: self.plan.producer_id, producer_epoch: self.plan.producer_epoch }
    }

    /// The producer ids of what has records and of what has none.
    pub(super) fn producers(&self) -> Producers {
        let plan = &self.plan;
        Producers { data: plan.producer_id, filler: plan.filler_producer_id, markers: plan.marker_producer_id }
    }

    /// Number of this run among those that write markers, from 0: written down before the first marker.
    pub(super) fn begin_marking(&self) -> Result<u32, RestoreError> {
        let names = self.folder.names()?;
        let number = |name: &String| name.strip_prefix(MARKING)?.strip_suffix(".json")?.parse::<u32>().ok();
        let next = names.iter().filter_map(number).max().map_or(0, |last| last + 1);
        self.folder.put(&format!("{MARKING}{next}.json"), &RestoreMarking { began: Timestamp::now() })?;
        Ok(next)
    }

    /// Codecs that the target took when it began: a target that is upgraded meanwhile does not change the records.
    pub(super) fn target_codecs(&self) -> CodecSet {
        CodecSet::from_bits(self.plan.target_codecs)
    }

    /// Whether the topic was there, empty, before the restore.
    pub(super) fn existed(&self, topic: &TopicName) -> bool {
        self.plan.existed.contains(topic)
    }

    /// Writes its topics.
    pub(super) fn put_topics(&mut self, topics: RestoreTopics) -> Result<(), RestoreError> {
        self.folder.put_topics(&topics)?;
        self.topics = Some(topics);
        Ok(())
    }

    /// Writes that all records are there.
    pub(super) fn put_records(&mut self, records: RestoreRecords) -> Result<(), RestoreError> {
        self.folder.put(RECORDS, &records)?;
        self.records = Some(records);
        Ok(())
    }

    /// Whether what the target had for the groups was saved.
    pub(super) fn has_groups_before(&self) -> Result<bool, RestoreError> {
        Ok(self.folder.get::<SavedGroups>(GROUPS_BEFORE)?.is_some())
    }

    /// Saves what the target had for the groups.
    pub(super) fn put_groups_before(&self, groups: &SavedGroups) -> Result<(), RestoreError> {
        Ok(self.folder.put(GROUPS_BEFORE, groups)?)
    }

    /// Writes what was committed.
    pub(super) fn put_groups(&mut self, groups: SavedGroups) -> Result<(), RestoreError> {
        self.folder.put(GROUPS, &groups)?;
        self.groups = Some(groups);
        Ok(())
    }

    /// Writes that everything is done, and what came of it.
    pub(super) fn done(&self, report: &RestoreReport, held: Vec<HeldTopic>) -> Result<(), RestoreError> {
        let failed = |source| RepositoryError::Encode { object: self.folder.path().to_owned(), source };
        let document =
            RestoreDone { finished: report.finished, held, report: serde_json::to_value(report).map_err(failed)? };
        Ok(self.folder.finish(&document)?)
    }
}
