//! Merging: the stored bytes of neighbouring small segments of one partition are copied back to back into one object.
//!
//! Seals and snapshots are left as they are; a document beside the new object says what it is made of, and is written
//! when the object is there, read back and found right. The originals go later, with the sweep. A merged object may be
//! merged again, and one of which more than half is not named any more is written anew without that.

use std::collections::HashMap;

use super::groups::{Unit, group};
use super::references::References;
use super::report::PruneReport;
use super::survey::Head;
use crate::cancel::Cancel;
use crate::progress::Progress;
use crate::repository::format::{PartitionState, Piece, PiecesDocument, Seal, SegmentList, TopicShard, TopicState};
use crate::repository::{MergedObject, Place, Repository, RepositoryError, Seen, layout};
use crate::store::{Key, ObjectInfo};

/// One merging.
pub(super) struct Merge<'a> {
    pub(super) repository: &'a Repository,
    pub(super) references: &'a References,
    pub(super) below: u64,
    pub(super) dry_run: bool,
    pub(super) progress: &'a dyn Progress,
    pub(super) cancel: &'a Cancel,
    shards: Seen,
    parts: Seen,
    segments: Seen,
}

/// A segment that may be merged, and where its stored bytes are.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) object: String,
    pub(super) digest: String,
    pub(super) length: u64,
    pub(super) base: i64,
    pub(super) next: i64,
    pub(super) lineage: u32,
}

impl Source {
    fn of(seal: &Seal) -> Option<Self> {
        (seal.start == 0).then(|| Self {
            object: seal.object.clone(),
            digest: seal.stored_digest.as_ref().unwrap_or(&seal.digest).clone(),
            length: seal.length,
            base: seal.base,
            next: seal.next,
            lineage: seal.lineage,
        })
    }
}

impl<'a> Merge<'a> {
    pub(super) fn new(
        repository: &'a Repository,
        references: &'a References,
        below: u64,
        dry_run: bool,
        progress: &'a dyn Progress,
        cancel: &'a Cancel,
    ) -> Self {
        let [shards, parts, segments] = <[Seen; 3]>::default();
        Self { repository, references, below, dry_run, progress, cancel, shards, parts, segments }
    }

    /// Merges what the snapshots name, the newest first: what older ones name besides is merged among itself.
    pub(super) fn run(&mut self, heads: &[Head], report: &mut PruneReport) -> Result<(), RepositoryError> {
        for head in heads.iter().rev() {
            let snapshot = match self.repository.head(head.sequence()) {
                Err(RepositoryError::NoSuchSnapshot { .. }) => continue,
                snapshot => snapshot?,
            };
            for shard in &snapshot.head.topics {
                if !self.shards.insert(&shard.digest) {
                    continue;
                }
                for topic in self.repository.part::<TopicShard>(&shard.digest)?.topics {
                    for partition in &topic.partitions {
                        if self.cancel.is_cancelled() {
                            return Ok(());
                        }
                        self.partition(&topic, partition, report)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn partition(
        &mut self,
        topic: &TopicState,
        partition: &PartitionState,
        report: &mut PruneReport,
    ) -> Result<(), RepositoryError> {
        let runs = self.runs(&partition.segments)?;
        if runs.is_empty() {
            return Ok(());
        }
        let folder = layout::partition(&topic.name, topic.id, partition.partition)?;
        let listing = self.repository.store().list(Some(&folder))?;
        let (merged, _) = self.repository.merged_objects(&listing)?;
        for run in runs {
            let units = self.units(&run, &listing, &merged);
            for units in group(units, self.below) {
                self.merge(&folder, &units, report)?;
            }
        }
        Ok(())
    }

    /// Neighbouring segments that were not looked at before. A part of a list that was is not read again: newer
    /// snapshots name most of what older ones do.
    fn runs(&mut self, list: &SegmentList) -> Result<Vec<Vec<Source>>, RepositoryError> {
        let mut runs: Vec<Vec<Source>> = vec![Vec::new()];
        for part in &list.parts {
            if self.parts.insert(&part.digest) {
                self.add(&self.repository.seals_of(part)?, &mut runs);
            } else {
                runs.push(Vec::new());
            }
        }
        self.add(&list.tail, &mut runs);
        runs.retain(|run| !run.is_empty());
        Ok(runs)
    }

    fn add(&mut self, seals: &[Seal], runs: &mut Vec<Vec<Source>>) {
        for seal in seals {
            let new = self.segments.insert(seal.object.as_str());
            match (Source::of(seal).filter(|_| new), runs.last_mut()) {
                (Some(source), Some(run)) => run.push(source),
                _ => runs.push(Vec::new()),
            }
        }
    }

    /// The objects that hold a run of segments, in order.
    fn units(&self, run: &[Source], listing: &[ObjectInfo], merged: &[MergedObject]) -> Vec<Unit> {
        let sizes: HashMap<&str, u64> = listing.iter().map(|info| (info.key.as_str(), info.size)).collect();
        // The newest counts.
        let whole = merged.iter().filter(|object| object.is_whole());
        let pieces = whole.flat_map(|object| object.document.pieces.iter().map(move |piece| (piece, object)));
        let holders: HashMap<&str, (&Piece, &MergedObject)> =
            pieces.map(|(piece, object)| (piece.object.as_str(), (piece, object))).collect();
        let holder_of = |source: &Source| {
            let (piece, holder) = holders.get(source.object.as_str())?;
            let place = Place { key: holder.key.clone(), start: piece.start, length: piece.length };
            (piece.length == source.length).then_some((*holder, place))
        };
        let mut units: Vec<Unit> = Vec::new();
        let mut rest = run;
        while let Some(first) = rest.first() {
            let Some((holder, _)) = holder_of(first) else {
                let there = sizes.get(first.object.as_str()).is_some_and(|size| *size == first.length);
                let key = Key::new(first.object.as_str()).ok().filter(|_| there);
                let place = key.map(|key| Place { key, start: 0, length: first.length });
                units.push(Unit::of(first.clone(), place));
                rest = rest.get(1..).unwrap_or_default();
                continue;
            };
            let inside: Vec<(Source, Place)> = rest
                .iter()
                .map_while(|source| {
                    let (found, place) = holder_of(source)?;
                    (found.key == holder.key).then(|| (source.clone(), place))
                })
                .collect();
            rest = rest.get(inside.len().max(1)..).unwrap_or_default();
            let named = holder.document.pieces.iter().filter(|piece| self.references.contains(&piece.object));
            let named: u64 = named.map(|piece| piece.length).sum();
            if named < holder.document.length.div_ceil(2) {
                units.extend(inside.into_iter().map(Unit::out_of));
            } else {
                units.push(Unit::whole(inside, holder));
            }
        }
        units
    }

    fn merge(&self, folder: &Key, units: &[Unit], report: &mut PruneReport) -> Result<(), RepositoryError> {
        let pieces: Vec<&(Source, Place)> = units.iter().flat_map(|unit| &unit.pieces).collect();
        let (Some((first, _)), Some((last, _))) = (pieces.first(), pieces.last()) else { return Ok(()) };
        let bytes: u64 = pieces.iter().map(|(source, _)| source.length).sum();
        let Some((_, form)) = first.object.rsplit('/').next().and_then(layout::segment_stem) else { return Ok(()) };
        if !self.dry_run {
            let key = layout::segment(folder, first.base, last.next, &self.repository.random_name()?, form)?;
            tracing::debug!(phase = "merge", object = %key, pieces = pieces.len(), "merging");
            match self.write(&key, &pieces) {
                Ok(()) => {}
                Err(error) if error.is_damage() => {
                    report.remark(format!("{error}: not merged; `ktape verify` shows all that is damaged"));
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        report.merged.pieces += pieces.len() as u64;
        report.merged.from += units.len() as u64;
        report.merged.into += 1;
        report.merged.bytes = report.merged.bytes.saturating_add(bytes);
        self.progress.advance(bytes);
        Ok(())
    }

    fn write(&self, key: &Key, pieces: &[&(Source, Place)]) -> Result<(), RepositoryError> {
        let store = self.repository.store();
        let mut object = store.create(key)?;
        let mut stream = self.repository.stored_stream();
        for (source, place) in pieces {
            stream.copy(place, &source.object, &source.digest, &mut |bytes| Ok(object.write(bytes)?))?;
        }
        let key = object.publish(key)?;
        let mut back = self.repository.stored_stream();
        let (mut at, mut listed) = (0, Vec::with_capacity(pieces.len()));
        for (source, _) in pieces {
            let place = Place { key: key.clone(), start: at, length: source.length };
            back.copy(&place, key.as_str(), &source.digest, &mut |_| Ok(()))?;
            listed.push(Piece { object: source.object.clone(), start: at, length: source.length });
            at = at.saturating_add(source.length);
        }
        self.repository.put_pieces(&PiecesDocument { object: key.to_string(), length: at, pieces: listed })
    }
}
