//! Which segments of a partition the target has.

use std::collections::HashMap;

use super::segment::Fault;
use crate::repository::format::{Seal, SealsRef, SegmentList};
use crate::repository::{Repository, RepositoryError};

/// What tells a segment from every other, wherever it lies.
pub(super) type Identity = [u8; 32];

/// The identity of a segment: of what partition and lineage, which offsets, and the digest of the log.
pub(super) fn identity(seal: &Seal) -> Identity {
    let Seal { topic, topic_id, partition, lineage, base, next, size, digest, .. } = seal;
    let text = format!("{topic} {topic_id} {partition} {lineage} {base} {next} {size} {digest}");
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// Segments that copies which were cut off had written down.
pub(super) type Killed = HashMap<Identity, Seal>;

/// What the target has of one partition.
pub(super) struct Known<'a> {
    target: &'a Repository,
    killed: &'a Killed,
    /// The target's part for a part of the source, by the digest of that one.
    twins: HashMap<String, SealsRef>,
    lists: Vec<(SegmentList, Option<Read>)>,
}

/// The part of a list that was read last.
struct Read {
    digest: String,
    seals: Vec<Seal>,
}

impl<'a> Known<'a> {
    /// Nothing so far.
    pub(super) fn new(target: &'a Repository, killed: &'a Killed) -> Self {
        Self { target, killed, twins: HashMap::new(), lists: Vec::new() }
    }

    /// A list of the target that mirrors one of the source.
    pub(super) fn mirror(&mut self, original: &SegmentList, copy: SegmentList) {
        let same = |(one, other): (&SealsRef, &SealsRef)| {
            (one.level, one.seals, one.base, one.next, one.size)
                == (other.level, other.seals, other.base, other.next, other.size)
        };
        if original.parts.len() == copy.parts.len() && original.parts.iter().zip(&copy.parts).all(same) {
            let twins = original.parts.iter().zip(&copy.parts);
            self.twins.extend(twins.map(|(one, other)| (one.digest.clone(), other.clone())));
        }
        self.add(copy);
    }

    /// Another list of the target.
    pub(super) fn add(&mut self, list: SegmentList) {
        self.lists.push((list, None));
    }

    /// The target's part for a part of the source.
    pub(super) fn twin(&self, part: &SealsRef) -> Option<SealsRef> {
        self.twins.get(&part.digest).cloned()
    }

    /// The target's seal of the segment that a seal of the source is of, and whether a copy that was cut off left it.
    pub(super) fn find(&mut self, seal: &Seal) -> Result<Option<(Seal, bool)>, Fault> {
        let wanted = identity(seal);
        for (list, read) in &mut self.lists {
            let found = find_in(self.target, list, read, seal, &wanted);
            if let Some(found) = found.map_err(Fault::Target)? {
                return Ok(Some((found, false)));
            }
        }
        Ok(self.killed.get(&wanted).map(|found| (found.clone(), true)))
    }
}

fn find_in(
    target: &Repository,
    list: &SegmentList,
    read: &mut Option<Read>,
    seal: &Seal,
    wanted: &Identity,
) -> Result<Option<Seal>, RepositoryError> {
    let same = |other: &&Seal| other.base == seal.base && identity(other) == *wanted;
    if let Some(found) = list.tail.iter().find(same) {
        return Ok(Some(found.clone()));
    }
    let Some(part) = list.parts.iter().find(|part| part.base <= seal.base && seal.next <= part.next) else {
        return Ok(None);
    };
    if read.as_ref().is_none_or(|read| read.digest != part.digest) {
        let seals = match target.seals_of(part) {
            // What is damaged there is copied again.
            Err(error) if error.is_damage() => Vec::new(),
            seals => seals?,
        };
        *read = Some(Read { digest: part.digest.clone(), seals });
    }
    let seals = read.as_ref().map(|read| read.seals.as_slice()).unwrap_or_default();
    // Within a part they ascend.
    let at = seals.partition_point(|other| other.base < seal.base);
    Ok(seals.get(at).filter(same).cloned())
}
