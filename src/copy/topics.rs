//! The topics of one snapshot: lists of segments, part by part, and the segments they name.

use std::collections::HashMap;

use super::Context;
use super::forms::{Forms, Way};
use super::known::Known;
use super::pairs::Pairs;
use super::pool::{Answer, Pool, Ticket};
use super::segment::Fault;
use crate::repository::Journal;
use crate::repository::format::{PartRef, Seal, SealsRef, SegmentList, SnapshotHead, TopicShard, TopicShardRef};
use crate::repository::{AdoptError, RepositoryError};

/// Seals that are held while their segments are copied.
const HELD_MAX: usize = 4096;
/// Damaged objects of one snapshot that are named.
const NAMED_MAX: usize = 1000;

/// What was done for a snapshot.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) run: String,
    pub(super) segments: u64,
    pub(super) bytes: u64,
    pub(super) stored_bytes: u64,
    pub(super) taken_over: u64,
    /// What of the snapshot is damaged or missing.
    pub(super) damage: Vec<String>,
}

/// A list of seals whose segments are being copied: a part, or the tail.
struct Unit {
    /// Which partition's of the shard.
    slot: usize,
    /// Which part, and what it is in the source; `None` for the tail.
    part: Option<(usize, SealsRef)>,
    /// The source's seals, replaced by the target's.
    seals: Vec<Seal>,
    missing: usize,
    /// A seal is not what it was.
    changed: bool,
    /// A segment could not be copied.
    failed: bool,
}

/// Copies the topics of one snapshot.
pub(super) struct Topics<'a> {
    context: Context<'a>,
    pool: &'a Pool,
    forms: &'a Forms,
    journal: Journal,
    units: HashMap<u64, Unit>,
    begun: u64,
    held: usize,
    /// Lists of the shard under way, partition by partition.
    lists: Vec<SegmentList>,
    /// A list of the shard is not what it was.
    changed: bool,
    done: Done,
}

impl<'a> Topics<'a> {
    /// Nothing is copied yet.
    pub(super) fn new(context: Context<'a>, pool: &'a Pool, forms: &'a Forms, journal: Journal) -> Self {
        let done = Done { run: journal.run().to_owned(), ..Done::default() };
        let (units, lists) = (HashMap::new(), Vec::new());
        Self { context, pool, forms, journal, units, begun: 0, held: 0, lists, changed: false, done }
    }

    /// Copies what the head names, shard by shard. Where something is damaged it goes on with the rest, so that all of
    /// it is named and what is sound need not be copied again.
    pub(super) fn copy(&mut self, head: &SnapshotHead, pairs: &mut Pairs<'a>) -> Result<Vec<TopicShardRef>, Fault> {
        let mut shards = Vec::with_capacity(head.topics.len());
        for shard in &head.topics {
            let copied = match pairs.shard(shard) {
                Some(there) => Ok(Some(there)),
                None => self.shard(shard, pairs),
            };
            // Whatever stops it: what was copied is written down.
            let flushed = if copied.is_err() { self.journal.flush() } else { Ok(()) };
            shards.extend(copied?);
            flushed.map_err(Fault::Target)?;
        }
        self.journal.flush().map_err(Fault::Target)?;
        Ok(shards)
    }

    /// Copies a part as it is and gives the digest that names the copy; nothing where it is damaged.
    pub(super) fn part(&mut self, digest: &str) -> Result<Option<String>, Fault> {
        let Context { source, target, .. } = self.context;
        let Some(json) = self.sound(source.part_json(digest))? else { return Ok(None) };
        let copied = target.put_part_json(&json).map_err(Fault::Target)?;
        self.arrived(&copied)?;
        Ok(Some(copied))
    }

    /// Copies a part that may be encrypted; where it is damaged its name stays as it is.
    pub(super) fn private_part(&mut self, part: &mut PartRef) -> Result<(), Fault> {
        if let Some(copied) = self.private(part)? {
            *part = copied;
        }
        Ok(())
    }

    /// Copies the groups, and their names where they are encrypted.
    pub(super) fn groups(&mut self, head: &mut SnapshotHead) -> Result<(), Fault> {
        let Context { source, target, .. } = self.context;
        if self.forms.keys(keys_of(&head.groups)) != Way::Anew {
            if let Some(digest) = &mut head.group_names
                && let Some(copied) = self.part(digest)?
            {
                *digest = copied;
            }
            return self.private_part(&mut head.groups);
        }
        if let Some(groups) = self.sound(source.groups(head))? {
            target.put_groups(head, &groups).map_err(Fault::Target)?;
            target.check_part(&head.groups).map_err(Fault::Target)?;
        }
        Ok(())
    }

    /// What was done.
    pub(super) fn finish(self) -> Done {
        self.done
    }

    fn shard(&mut self, shard: &TopicShardRef, pairs: &mut Pairs<'a>) -> Result<Option<TopicShardRef>, Fault> {
        let before = self.done.damage.len();
        let Some(mut content) = self.sound(self.context.source.part::<TopicShard>(&shard.digest))? else {
            return Ok(None);
        };
        (self.lists, self.changed) = (Vec::new(), false);
        self.configs(shard, &mut content)?;
        for topic in &content.topics {
            for partition in &topic.partitions {
                let mut known = pairs.partition(topic, partition.partition)?;
                self.partition(&partition.segments, &mut known)?;
                self.context.progress.partition_done();
            }
        }
        while self.held > 0 {
            self.take(self.pool.wait()?)?;
        }
        if self.done.damage.len() > before {
            return Ok(None);
        }
        if !self.changed {
            let digest = self.part(&shard.digest)?;
            return Ok(digest.map(|digest| TopicShardRef { digest, ..shard.clone() }));
        }
        let partitions = content.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        for (partition, list) in partitions.zip(std::mem::take(&mut self.lists)) {
            partition.segments = list;
        }
        let digest = self.context.target.put_shard(content).map_err(Fault::Target)?;
        self.arrived(&digest)?;
        Ok(Some(TopicShardRef { digest, ..shard.clone() }))
    }

    /// The configs of the shard's topics: apart and encrypted, or in it.
    fn configs(&mut self, shard: &TopicShardRef, content: &mut TopicShard) -> Result<(), Fault> {
        let Context { source, target, .. } = self.context;
        if let Some(configs) = content.configs.clone()
            && self.forms.keys(keys_of(&configs)) != Way::Anew
        {
            content.configs = self.private(&configs)?;
            self.changed |= content.configs.as_ref() != Some(&configs);
            return Ok(());
        }
        if content.configs.is_some() {
            source.require_key().map_err(Fault::Source)?;
            let Some(topics) = self.sound(source.topic_shard(shard))? else { return Ok(()) };
            *content = TopicShard { topics, configs: None };
            self.changed = true;
        }
        self.changed |= target.in_force().is_some();
        Ok(())
    }

    fn private(&mut self, part: &PartRef) -> Result<Option<PartRef>, Fault> {
        let Context { source, target, .. } = self.context;
        if let (PartRef::Encrypted(encrypted), Way::AsItIs(Some(keys))) = (part, self.forms.keys(keys_of(part))) {
            return match target.adopt_private_part(source, encrypted, keys) {
                Ok(copied) => Ok(Some(copied)),
                Err(AdoptError::Source(error)) => self.sound(Err(error)),
                Err(AdoptError::Target(error)) => Err(Fault::Target(error)),
            };
        }
        let Some(json) = self.sound(source.private_json(part))? else { return Ok(None) };
        let copied = target.put_private_json(&json).map_err(Fault::Target)?;
        target.check_part(&copied).map_err(Fault::Target)?;
        Ok(Some(copied))
    }

    fn partition(&mut self, list: &SegmentList, known: &mut Known<'_>) -> Result<(), Fault> {
        let slot = self.lists.len();
        self.lists.push(SegmentList { parts: list.parts.clone(), tail: Vec::new() });
        for (number, part) in list.parts.iter().enumerate() {
            if let Some(twin) = known.twin(part) {
                self.set_part(slot, number, part, twin);
                continue;
            }
            let Some(seals) = self.sound(self.context.source.seals_of(part))? else { continue };
            self.begin(slot, Some((number, part.clone())), seals, known)?;
        }
        self.begin(slot, None, list.tail.clone(), known)
    }

    /// Has every segment copied that the target lacks.
    fn begin(
        &mut self,
        slot: usize,
        part: Option<(usize, SealsRef)>,
        seals: Vec<Seal>,
        known: &mut Known<'_>,
    ) -> Result<(), Fault> {
        let number = self.begun;
        self.begun += 1;
        let mut unit = Unit { slot, part, seals, missing: 0, changed: false, failed: false };
        let mut wanted = Vec::new();
        for (index, seal) in unit.seals.iter_mut().enumerate() {
            match known.find(seal)? {
                None => wanted.push((Ticket { unit: number, index }, seal.clone())),
                Some((there, left_over)) => {
                    self.done.taken_over += u64::from(left_over);
                    unit.changed |= *seal != there;
                    *seal = there;
                }
            }
        }
        if wanted.is_empty() {
            return self.end(unit);
        }
        unit.missing = wanted.len();
        self.held += unit.missing;
        self.units.insert(number, unit);
        for (ticket, seal) in wanted {
            self.pool.begin(ticket, seal)?;
            while let Some(answer) = self.pool.ready() {
                self.take(answer)?;
            }
        }
        while self.held > HELD_MAX {
            self.take(self.pool.wait()?)?;
        }
        Ok(())
    }

    fn take(&mut self, answer: Answer) -> Result<(), Fault> {
        let Answer { ticket: Ticket { unit: number, index }, outcome } = answer;
        self.held = self.held.saturating_sub(1);
        let Some(unit) = self.units.get_mut(&number) else { return Ok(()) };
        unit.missing = unit.missing.saturating_sub(1);
        match outcome {
            Ok(copied) => {
                self.done.segments += 1;
                self.done.bytes += copied.size;
                self.done.stored_bytes += copied.length;
                self.journal.add(copied.clone()).map_err(Fault::Target)?;
                if let Some(seal) = unit.seals.get_mut(index) {
                    unit.changed |= *seal != copied;
                    *seal = copied;
                }
            }
            Err(Fault::Source(error)) if error.is_damage() => {
                unit.failed = true;
                note(&mut self.done.damage, &error);
            }
            Err(fault) => return Err(fault),
        }
        if unit.missing > 0 {
            return Ok(());
        }
        match self.units.remove(&number) {
            Some(unit) => self.end(unit),
            None => Ok(()),
        }
    }

    /// All segments of a list are there: the list follows.
    fn end(&mut self, unit: Unit) -> Result<(), Fault> {
        let Unit { slot, part, seals, changed, failed, .. } = unit;
        if failed {
            return Ok(());
        }
        let Some((number, part)) = part else {
            self.changed |= changed;
            if let Some(list) = self.lists.get_mut(slot) {
                list.tail = seals;
            }
            return Ok(());
        };
        let copied = if changed {
            let copied = self.context.target.put_seals(&seals, part.level).map_err(Fault::Target)?;
            self.arrived(&copied.digest)?;
            copied
        } else {
            let Some(digest) = self.part(&part.digest)? else { return Ok(()) };
            SealsRef { digest, ..part.clone() }
        };
        self.set_part(slot, number, &part, copied);
        Ok(())
    }

    fn set_part(&mut self, slot: usize, number: usize, original: &SealsRef, copied: SealsRef) {
        self.changed |= *original != copied;
        if let Some(part) = self.lists.get_mut(slot).and_then(|list| list.parts.get_mut(number)) {
            *part = copied;
        }
    }

    /// Reads a part of the target back.
    fn arrived(&self, digest: &str) -> Result<(), Fault> {
        self.context.target.part_json(digest).map(|_| ()).map_err(Fault::Target)
    }

    /// What the source gives, or nothing where that is damaged, which is noted.
    fn sound<T>(&mut self, read: Result<T, RepositoryError>) -> Result<Option<T>, Fault> {
        match read {
            Err(error) if error.is_damage() => {
                note(&mut self.done.damage, &error);
                Ok(None)
            }
            read => read.map(Some).map_err(Fault::Source),
        }
    }
}

fn keys_of(part: &PartRef) -> Option<u64> {
    match part {
        PartRef::Plain(_) => None,
        PartRef::Encrypted(encrypted) => Some(encrypted.keys),
    }
}

fn note(damage: &mut Vec<String>, error: &RepositoryError) {
    if damage.len() < NAMED_MAX {
        damage.push(error.to_string());
    }
}
