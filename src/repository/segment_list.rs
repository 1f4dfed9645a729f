//! The segments of a partition: appending to the list, and going over it.

use super::Repository;
use super::error::RepositoryError;
use super::format::{Seal, SealsRef, SegmentList};
use super::layout;

/// The tail is moved into a part when its JSON is larger, in bytes: a snapshot that changes one topic writes the tails
/// of the whole shard.
const TAIL_BYTES_MAX: u64 = 16 << 10;
/// Parts are not merged into one whose JSON would be larger, in bytes.
const MERGED_BYTES_MAX: u64 = 4 << 20;

impl Repository {
    /// Adds seals at the end of a list. Full tails become parts, and parts of one level are merged into the next.
    pub fn append_seals(&self, mut list: SegmentList, seals: Vec<Seal>) -> Result<SegmentList, RepositoryError> {
        let mut bytes = list.tail.iter().map(json_size).sum::<Result<u64, _>>()?;
        for seal in seals {
            bytes += json_size(&seal)?;
            list.tail.push(seal);
            if list.tail.len() >= SegmentList::TAIL_MAX || bytes > TAIL_BYTES_MAX {
                let tail = std::mem::take(&mut list.tail);
                list.parts.push(self.put_seals(&tail, 0)?);
                bytes = 0;
                self.merge_parts(&mut list.parts)?;
            }
        }
        Ok(list)
    }

    /// Forgets segments wholly below the log start. Of a part whose offsets are half below it a new one is written
    /// without them; the newest segment stays.
    pub fn without_expired(&self, mut list: SegmentList, log_start: i64) -> Result<SegmentList, RepositoryError> {
        let (parts, youngest) = (std::mem::take(&mut list.parts), list.tail.pop());
        let newest = if youngest.is_none() { parts.len().saturating_sub(1) } else { usize::MAX };
        for (number, part) in parts.into_iter().enumerate() {
            let expired = log_start.saturating_sub(part.base);
            if part.next <= log_start && number != newest {
                continue;
            }
            let half = part.next.saturating_sub(part.base) / 2;
            if expired <= half {
                list.parts.push(part);
                continue;
            }
            let mut seals = self.seals_of(&part)?;
            let (before, kept) = (seals.len(), seals.pop());
            seals.retain(|seal| seal.next > log_start);
            seals.extend(kept);
            list.parts.push(if seals.len() == before { part } else { self.put_seals(&seals, part.level)? });
        }
        list.tail.retain(|seal| seal.next > log_start);
        list.tail.extend(youngest);
        Ok(list)
    }

    /// Goes over the seals of a list, oldest first, one part at a time.
    pub fn seals(&self, list: &SegmentList) -> impl Iterator<Item = Result<Seal, RepositoryError>> + use<> {
        let repository = self.clone();
        let parts = list.parts.clone().into_iter();
        let moved = parts.flat_map(move |part| match repository.seals_of(&part) {
            Ok(seals) => seals.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        });
        moved.chain(list.tail.clone().into_iter().map(Ok))
    }

    /// The seals of one part.
    pub fn seals_of(&self, part: &SealsRef) -> Result<Vec<Seal>, RepositoryError> {
        self.part(&part.digest)
    }

    /// The newest seal of a list.
    pub fn last_seal(&self, list: &SegmentList) -> Result<Option<Seal>, RepositoryError> {
        match (list.tail.last(), list.parts.last()) {
            (Some(seal), _) => Ok(Some(seal.clone())),
            (None, Some(part)) => Ok(self.seals_of(part)?.pop()),
            (None, None) => Ok(None),
        }
    }

    fn merge_parts(&self, parts: &mut Vec<SealsRef>) -> Result<(), RepositoryError> {
        loop {
            let Some(first) = parts.len().checked_sub(SegmentList::TAIL_MAX) else { return Ok(()) };
            let Some((level, group)) = parts.get(first..).and_then(|group| Some((group.first()?.level, group))) else {
                return Ok(());
            };
            let bytes: u64 = group.iter().map(|part| part.json_bytes).sum();
            if bytes > MERGED_BYTES_MAX || group.iter().any(|part| part.level != level) {
                return Ok(());
            }
            let mut seals = Vec::new();
            for part in group {
                seals.extend(self.seals_of(part)?);
            }
            parts.truncate(first);
            parts.push(self.put_seals(&seals, level + 1)?);
        }
    }

    /// Writes seals as one part of a list.
    pub fn put_seals(&self, seals: &[Seal], level: u32) -> Result<SealsRef, RepositoryError> {
        let json = serde_json::to_vec(seals).map_err(encode)?;
        Ok(SealsRef {
            digest: self.put_part_json(&json)?,
            level,
            seals: seals.len() as u64,
            base: seals.first().map_or(0, |seal| seal.base),
            next: seals.last().map_or(0, |seal| seal.next),
            size: seals.iter().map(|seal| seal.size).sum(),
            json_bytes: json.len() as u64,
        })
    }
}

fn json_size(seal: &Seal) -> Result<u64, RepositoryError> {
    serde_json::to_vec(seal).map(|json| json.len() as u64).map_err(encode)
}

fn encode(source: serde_json::Error) -> RepositoryError {
    RepositoryError::Encode { object: layout::INDEX.to_owned(), source }
}
