//! What lies ahead, without copying anything: which segments neither the target nor an earlier snapshot of the plan has.

use std::collections::HashSet;

use super::known::{Known, identity};
use super::pairs::Pairs;
use super::segment::Fault;
use super::select::Selected;
use super::{Context, CopyError, CopyPlan, PlannedSnapshot};
use crate::repository::format::{Seal, SegmentList, SnapshotHead};
use crate::repository::{RepositoryError, Snapshot};

/// Looks at every list that is not shared. What is damaged is passed over: the copy names it.
pub(super) fn plan(context: Context<'_>, selected: &Selected) -> Result<CopyPlan, CopyError> {
    let mut planner = Planner {
        context,
        selected,
        seen: HashSet::new(),
        plan: CopyPlan {
            from: context.source.location().to_owned(),
            to: context.target.location().to_owned(),
            snapshots: Vec::new(),
            already_there: selected.already_there,
            segments: 0,
            bytes: 0,
            stored_bytes: 0,
            partitions: 0,
            free_bytes: context.target.free_space(),
        },
    };
    for sequence in &selected.to_copy {
        if context.cancel.is_cancelled() {
            break;
        }
        let snapshot = match context.source.head(*sequence) {
            Err(error) if error.is_damage() || matches!(error, RepositoryError::NoSuchSnapshot { .. }) => continue,
            snapshot => snapshot.map_err(|error| CopyError::source(context.source, error))?,
        };
        planner.snapshot(&snapshot).map_err(|fault| CopyError::of(context, fault))?;
    }
    Ok(planner.plan)
}

struct Planner<'a> {
    context: Context<'a>,
    selected: &'a Selected,
    /// Parts and segments that were looked at, by digest or identity.
    seen: HashSet<[u8; 32]>,
    plan: CopyPlan,
}

impl<'a> Planner<'a> {
    fn snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Fault> {
        let head = &snapshot.head;
        let Selected { copies, newest, killed, .. } = self.selected;
        let mut pairs = Pairs::find(self.context, copies, *newest, head, killed)?;
        let (sequence, fences_taken) = (head.sequence, head.fences_taken);
        self.plan.snapshots.push(PlannedSnapshot { sequence, fences_taken, segments: 0, bytes: 0 });
        self.shards(head, &mut pairs)
    }

    fn shards(&mut self, head: &SnapshotHead, pairs: &mut Pairs<'a>) -> Result<(), Fault> {
        for shard in &head.topics {
            if pairs.shard(shard).is_some() || !self.is_new(&shard.digest) {
                continue;
            }
            let topics = match self.context.source.topic_shard(shard) {
                Err(error) if error.is_damage() => continue,
                topics => topics.map_err(Fault::Source)?,
            };
            for topic in &topics {
                for partition in &topic.partitions {
                    let mut known = pairs.partition(topic, partition.partition)?;
                    self.partition(&partition.segments, &mut known)?;
                }
            }
        }
        Ok(())
    }

    fn partition(&mut self, list: &SegmentList, known: &mut Known<'_>) -> Result<(), Fault> {
        self.plan.partitions += 1;
        for part in &list.parts {
            if known.twin(part).is_some() || !self.is_new(&part.digest) {
                continue;
            }
            match self.context.source.seals_of(part) {
                Err(error) if error.is_damage() => {}
                seals => self.seals(&seals.map_err(Fault::Source)?, known)?,
            }
        }
        self.seals(&list.tail, known)
    }

    fn seals(&mut self, seals: &[Seal], known: &mut Known<'_>) -> Result<(), Fault> {
        for seal in seals {
            if self.seen.insert(identity(seal)) && known.find(seal)?.is_none() {
                self.plan.segments += 1;
                self.plan.bytes = self.plan.bytes.saturating_add(seal.size);
                self.plan.stored_bytes = self.plan.stored_bytes.saturating_add(seal.length);
                if let Some(snapshot) = self.plan.snapshots.last_mut() {
                    snapshot.segments += 1;
                    snapshot.bytes = snapshot.bytes.saturating_add(seal.size);
                }
            }
        }
        Ok(())
    }

    fn is_new(&mut self, digest: &str) -> bool {
        self.seen.insert(*blake3::hash(digest.as_bytes()).as_bytes())
    }
}
