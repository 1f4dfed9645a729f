//! The first pass: heads, parts, and the sizes of segments, each looked at once however many snapshots share it.

use std::collections::HashMap;

use serde::de::DeserializeOwned;

use super::VerifyOptions;
use super::partition::{Edge, PartitionCheck};
use super::report::{Finding, FindingKind, VerifyReport};
use crate::cancel::Cancel;
use crate::repository::format::{
    ConfigsPart, Excluded, GroupNames, GroupsPart, PartRef, PartitionState, Seal, SealsRef, SettingsPart, SnapshotHead,
    TopicShardRef, TopicState, Totals,
};
use crate::repository::{Repository, RepositoryError, Seen, Snapshot, layout, shard_of};
use crate::store::Key;

pub(super) struct Structure<'a> {
    repository: &'a Repository,
    options: &'a VerifyOptions,
    cancel: &'a Cancel,
    /// Objects that something names.
    referenced: Seen,
    partitions: Seen,
    planned_bytes: u64,
    shards: HashMap<String, Totals>,
    groups: HashMap<PartRef, Option<u64>>,
    /// By digest of a part with seals and the edge it was entered by: its sums, and the edge it was left by.
    parts: HashMap<(String, Edge), (Sums, Edge)>,
}

/// Sums over seals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) segments: u64,
    pub(super) bytes: u64,
}

impl<'a> Structure<'a> {
    pub(super) fn new(repository: &'a Repository, options: &'a VerifyOptions, cancel: &'a Cancel) -> Self {
        Self {
            repository,
            options,
            cancel,
            referenced: Seen::default(),
            partitions: Seen::default(),
            planned_bytes: 0,
            shards: HashMap::new(),
            groups: HashMap::new(),
            parts: HashMap::new(),
        }
    }

    /// Checks snapshots, given ascending, and gives the heads that can be read, newest first.
    pub(super) fn check(
        &mut self,
        snapshots: &[u64],
        report: &mut VerifyReport,
    ) -> Result<Vec<Snapshot>, RepositoryError> {
        let mut heads = Vec::new();
        for number in snapshots.iter().rev() {
            if self.cancel.is_cancelled() {
                break;
            }
            report.snapshots.insert(0, *number);
            match self.repository.head(*number) {
                Ok(snapshot) => {
                    self.snapshot(&snapshot.head, report)?;
                    heads.push(snapshot);
                }
                // Pruned since it was listed.
                Err(RepositoryError::NoSuchSnapshot { .. }) if self.options.snapshot.is_none() => {
                    report.snapshots.remove(0);
                }
                Err(error) => {
                    report.find_error(error)?;
                    report.damaged_snapshots.push(*number);
                }
            }
        }
        check_parents(&heads, report);
        Ok(heads)
    }

    pub(super) fn referenced(&self) -> &Seen {
        &self.referenced
    }

    pub(super) fn referenced_mut(&mut self) -> &mut Seen {
        &mut self.referenced
    }

    /// Bytes that the second pass will read.
    pub(super) fn planned_bytes(&self) -> u64 {
        self.planned_bytes
    }

    pub(super) fn partitions(&self) -> u64 {
        self.partitions.count() as u64
    }

    fn snapshot(&mut self, head: &SnapshotHead, report: &mut VerifyReport) -> Result<(), RepositoryError> {
        let object = layout::snapshot(head.sequence)?;
        let mut whole = true;
        let mut totals = Totals::default();
        if !head.topics.len().is_power_of_two() {
            let detail = format!("it names {} topic shards, which is no power of two", head.topics.len());
            report.find(Finding::new(FindingKind::Contradiction, object.as_str(), detail));
        }
        for shard in &head.topics {
            match self.shard(shard, head.topics.len() as u32, report)? {
                Some(sums) => add(&mut totals, &sums),
                None => whole = false,
            }
        }
        match self.groups(head, report)? {
            Some(groups) => totals.groups = groups,
            None => whole = false,
        }
        if let Some(part) = &head.settings {
            self.private::<SettingsPart>(part, report)?;
        }
        if let Some(digest) = &head.group_names {
            self.read(digest, report, |repository| repository.part::<GroupNames>(digest).map(|_| ()))?;
        }
        if let Some(digest) = &head.excluded {
            self.read(digest, report, |repository| repository.part::<Excluded>(digest).map(|_| ()))?;
        }
        let Totals { topics, partitions, groups, segments, bytes, .. } = head.totals;
        let said = Totals { topics, partitions, groups, segments, bytes, ..Totals::default() };
        if whole && said != totals {
            let detail = format!("its totals are {said:?}, its parts give {totals:?}");
            report.find(Finding::new(FindingKind::Contradiction, object.as_str(), detail));
        }
        Ok(())
    }

    /// Reads a part once; `None` where it cannot be read.
    fn read<T>(
        &mut self,
        digest: &str,
        report: &mut VerifyReport,
        read: impl FnOnce(&Repository) -> Result<T, RepositoryError>,
    ) -> Result<Option<T>, RepositoryError> {
        let key = layout::part(digest)?;
        if self.referenced.insert(key.as_str()) {
            report.parts += 1;
        }
        match read(self.repository) {
            Ok(part) => Ok(Some(part)),
            Err(error) => {
                report.find_error(error)?;
                Ok(None)
            }
        }
    }

    /// How many groups there are; without the key, as many as the part with their names has.
    fn groups(&mut self, head: &SnapshotHead, report: &mut VerifyReport) -> Result<Option<u64>, RepositoryError> {
        if let Some(groups) = self.groups.get(&head.groups) {
            return Ok(*groups);
        }
        let named = match &head.group_names {
            Some(digest) => self.read(digest, report, |repository| repository.part::<GroupNames>(digest))?,
            None => None,
        };
        let named = named.map(|part| part.groups.len() as u64);
        let groups = match self.private::<GroupsPart>(&head.groups, report)? {
            Private::Read(part) => Some(part.groups.len() as u64),
            Private::Locked => named,
            Private::Damaged => None,
        };
        self.groups.insert(head.groups.clone(), groups);
        Ok(groups)
    }

    /// Checks a part that may be encrypted.
    fn private<T: DeserializeOwned>(
        &mut self,
        part: &PartRef,
        report: &mut VerifyReport,
    ) -> Result<Private<T>, RepositoryError> {
        if self.referenced.insert(layout::part_of(part)?.as_str()) {
            report.parts += 1;
        }
        let encrypted = matches!(part, PartRef::Encrypted(_));
        let read = if encrypted && !self.repository.is_readable() {
            self.repository.check_part(part).map(|()| Private::Locked)
        } else {
            self.repository.private_part(part).map(Private::Read)
        };
        match read {
            Ok(part) => Ok(part),
            Err(error) => report.find_error(error).map(|()| Private::Damaged),
        }
    }

    fn shard(
        &mut self,
        shard: &TopicShardRef,
        shards: u32,
        report: &mut VerifyReport,
    ) -> Result<Option<Totals>, RepositoryError> {
        if let Some(totals) = self.shards.get(&shard.digest) {
            return Ok(Some(*totals));
        }
        // Damage to the shard itself is found by what reads it next.
        if let Ok(Some(configs)) = self.repository.shard_configs(shard) {
            self.private::<ConfigsPart>(&configs, report)?;
        }
        let Some(topics) = self.read(&shard.digest, report, |repository| repository.topic_shard(shard))? else {
            return Ok(None);
        };
        match self.repository.configs_part(shard) {
            Ok(Some(part)) => {
                self.private::<ConfigsPart>(&part, report)?;
            }
            Ok(None) => {}
            // Pruned since it was read above.
            Err(error) => {
                report.find_error(error)?;
                return Ok(None);
            }
        }
        let object = layout::part(&shard.digest)?;
        if topics.len() as u64 != shard.topics {
            let detail = format!("it holds {} topics, the snapshot says {}", topics.len(), shard.topics);
            report.find(Finding::new(FindingKind::Contradiction, object.as_str(), detail));
        }
        let (mut totals, mut whole) = (Totals::default(), true);
        for topic in &topics {
            if shard_of(&topic.name, shards) != shard.shard {
                let detail = format!("topic {} does not belong into shard {}", topic.name, shard.shard);
                report.find(Finding::new(FindingKind::Contradiction, object.as_str(), detail));
            }
            totals.topics += 1;
            for partition in &topic.partitions {
                totals.partitions += 1;
                match self.partition(topic, partition, &object, report)? {
                    Some(sums) => {
                        totals.segments += sums.segments;
                        totals.bytes = totals.bytes.saturating_add(sums.bytes);
                    }
                    None => whole = false,
                }
            }
            if self.cancel.is_cancelled() {
                return Ok(None);
            }
        }
        if whole {
            self.shards.insert(shard.digest.clone(), totals);
        }
        Ok(whole.then_some(totals))
    }

    fn partition(
        &mut self,
        topic: &TopicState,
        state: &PartitionState,
        object: &Key,
        report: &mut VerifyReport,
    ) -> Result<Option<Sums>, RepositoryError> {
        self.partitions.insert((topic.name.as_str(), topic.id, state.partition));
        let mut check = PartitionCheck::new(topic, state, object);
        check.bounds(report);
        let mut sums = Sums::default();
        for part in &state.segments.parts {
            let Some(inside) = self.seals_part(part, &mut check, report)? else { return Ok(None) };
            sums.segments += inside.segments;
            sums.bytes = sums.bytes.saturating_add(inside.bytes);
        }
        for seal in &state.segments.tail {
            self.seal(seal, &mut check, report)?;
            sums.segments += 1;
            sums.bytes = sums.bytes.saturating_add(seal.size);
        }
        check.end(report);
        Ok(Some(sums))
    }

    fn seals_part(
        &mut self,
        part: &SealsRef,
        check: &mut PartitionCheck<'_>,
        report: &mut VerifyReport,
    ) -> Result<Option<Sums>, RepositoryError> {
        let entered = (part.digest.clone(), check.edge().clone());
        if let Some((sums, left)) = self.parts.get(&entered) {
            check.skip_to(left.clone());
            return Ok(Some(*sums));
        }
        let Some(seals) = self.read(&part.digest, report, |repository| repository.seals_of(part))? else {
            return Ok(None);
        };
        let mut sums = Sums::default();
        for seal in &seals {
            self.seal(seal, check, report)?;
            sums.segments += 1;
            sums.bytes = sums.bytes.saturating_add(seal.size);
        }
        let ends = (seals.first().map(|seal| seal.base), seals.last().map(|seal| seal.next));
        if (sums.segments, sums.bytes) != (part.seals, part.size) || ends != (Some(part.base), Some(part.next)) {
            let detail = format!("it holds {} seals of {} bytes, not what its reference says", seals.len(), sums.bytes);
            let object = layout::part(&part.digest)?;
            report.find(Finding::new(FindingKind::Contradiction, object.as_str(), detail));
        }
        self.parts.insert(entered, (sums, check.edge().clone()));
        Ok(Some(sums))
    }

    fn seal(
        &mut self,
        seal: &Seal,
        check: &mut PartitionCheck<'_>,
        report: &mut VerifyReport,
    ) -> Result<(), RepositoryError> {
        check.seal(seal, report);
        if !self.referenced.insert(seal.object.as_str()) {
            return Ok(());
        }
        report.segments += 1;
        report.bytes = report.bytes.saturating_add(seal.size);
        if Key::new(seal.object.as_str()).is_err() {
            let detail = "a seal names it, and that is no name of an object";
            report.find(Finding::new(FindingKind::Contradiction, seal.object.as_str(), detail).in_segment(seal));
            return Ok(());
        }
        if let Err(error) = self.repository.place(seal) {
            report.find(Finding::of(error)?.in_segment(seal));
        }
        if self.options.part.is_none_or(|part| part.holds(&seal.object)) {
            self.planned_bytes = self.planned_bytes.saturating_add(seal.size);
        }
        Ok(())
    }
}

/// A part that may be encrypted.
enum Private<T> {
    Read(T),
    /// Its stored bytes are as they were written, and nobody has the key.
    Locked,
    Damaged,
}

fn add(totals: &mut Totals, more: &Totals) {
    totals.topics += more.topics;
    totals.partitions += more.partitions;
    totals.segments += more.segments;
    totals.bytes = totals.bytes.saturating_add(more.bytes);
}

/// A parent that is there must be the one that was meant.
fn check_parents(heads: &[Snapshot], report: &mut VerifyReport) {
    for snapshot in heads {
        let Some(parent) = &snapshot.head.parent else { continue };
        let there = heads.iter().find(|other| other.head.sequence == parent.sequence);
        if there.is_some_and(|there| there.id != parent.id) {
            let detail =
                format!("it continues snapshot {} with id {}, which has another id", parent.sequence, parent.id);
            if let Ok(key) = layout::snapshot(snapshot.head.sequence) {
                report.find(Finding::new(FindingKind::Contradiction, key.as_str(), detail));
            }
        }
    }
}
