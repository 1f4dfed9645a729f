//! Which data of a partition a reader of committed records must not see. Shared by every verb that reads data back.

use std::collections::{HashMap, HashSet};

use super::{Scan, ScanFault};
use crate::batch::{BatchError, BatchHeader};
use crate::repository::format::{Seal, SegmentList};
use crate::repository::{Damage, Repository, RepositoryError};

/// Why data of a transaction does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Uncommitted {
    /// Its ABORT marker is there.
    Aborted,
    /// The segments end before its marker.
    Open,
    /// Its marker lies behind the end that was asked for, or is not there at all.
    OpenAtCut,
    /// Its marker lies in offsets that were never read: nobody can tell any more.
    Lost,
}

/// The transactions of one partition that were aborted, or have no outcome in its segments. 24 bytes for each of them,
/// none for committed ones.
#[derive(Debug, Clone, Default)]
pub struct AbortedIndex {
    /// Per producer, ascending; a producer has one transaction at a time, so they do not overlap.
    spans: HashMap<i64, Vec<Span>>,
    open: usize,
    lost: usize,
}

/// A transaction's data: from the first batch to the marker.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: i64,
    end: i64,
    outcome: Uncommitted,
}

/// Producer id and base offset of the first data batch.
type Transaction = (i64, i64);

impl AbortedIndex {
    /// Gathers them from the seals of a partition, in order, from the first one whose data is read to the last one of
    /// the snapshot: a marker may lie in a later segment than the data.
    pub fn from_seals<E: From<RepositoryError>>(
        seals: impl IntoIterator<Item = Result<Seal, RepositoryError>>,
    ) -> Result<Self, E> {
        let mut gathering = Gathering::default();
        for seal in seals {
            gathering.add(&seal?);
        }
        Ok(gathering.finish(Uncommitted::Open))
    }

    /// The state at an offset: what ends behind it is open there. Where segments go on behind it, the one that holds it
    /// is read up to it, if any transaction touches that segment.
    pub fn up_to(repository: &Repository, segments: &SegmentList, end: i64) -> Result<Self, RepositoryError> {
        let mut gathering = Gathering::default();
        for seal in repository.seals(segments) {
            let mut seal = seal?;
            if seal.next <= end {
                gathering.add(&seal);
                continue;
            }
            if seal.base < end {
                cut(repository, &mut seal, end)?;
                gathering.add(&seal);
            }
            return Ok(gathering.finish(Uncommitted::OpenAtCut));
        }
        Ok(gathering.finish(Uncommitted::Open))
    }

    fn add(&mut self, (producer_id, first): Transaction, end: i64, outcome: Uncommitted) {
        self.open += usize::from(matches!(outcome, Uncommitted::Open | Uncommitted::OpenAtCut));
        self.lost += usize::from(outcome == Uncommitted::Lost);
        self.spans.entry(producer_id).or_default().push(Span { first, end, outcome });
    }

    fn close(&mut self) {
        for spans in self.spans.values_mut() {
            spans.sort_unstable_by_key(|span| span.first);
        }
    }

    /// Why a batch does not count; `None` for committed data, data outside of transactions, and markers.
    pub fn uncommitted(&self, header: &BatchHeader) -> Option<Uncommitted> {
        let data = header.attributes.transactional() && !header.attributes.control();
        if data { self.find(header.producer_id, header.base_offset) } else { None }
    }

    fn find(&self, producer_id: i64, base_offset: i64) -> Option<Uncommitted> {
        let spans = self.spans.get(&producer_id)?;
        let after = spans.partition_point(|span| span.first <= base_offset);
        let span = spans.get(after.checked_sub(1)?)?;
        (base_offset < span.end).then_some(span.outcome)
    }

    /// Transactions whose marker is not there yet.
    pub fn open(&self) -> usize {
        self.open
    }

    /// Transactions whose marker was lost with the offsets it lay in.
    pub fn lost(&self) -> usize {
        self.lost
    }
}

/// Seals going by.
#[derive(Default)]
struct Gathering {
    index: AbortedIndex,
    open: HashSet<Transaction>,
}

impl Gathering {
    fn add(&mut self, seal: &Seal) {
        let carried: HashSet<Transaction> = seal.carried.iter().map(|one| (one.producer_id, one.first)).collect();
        for transaction in self.open.difference(&carried) {
            // What the producer wrote from here on is another transaction.
            self.index.add(*transaction, seal.base, Uncommitted::Lost);
        }
        for one in &seal.aborted {
            self.index.add((one.producer_id, one.first), one.marker, Uncommitted::Aborted);
        }
        self.open = seal.open.iter().map(|one| (one.producer_id, one.first)).collect();
    }

    fn finish(mut self, open: Uncommitted) -> AbortedIndex {
        for transaction in self.open {
            self.index.add(transaction, i64::MAX, open);
        }
        self.index.close();
        self.index
    }
}

/// Makes the seal one of a segment that ends at `end`, as far as transactions are concerned.
fn cut(repository: &Repository, seal: &mut Seal, end: i64) -> Result<(), RepositoryError> {
    if !seal.has_transactions() {
        return Ok(());
    }
    let mut scan = Scan::new(&seal.carried);
    let mut segment = repository.read_segment(seal)?;
    loop {
        let position = segment.position();
        let Some(owned) = segment.next()? else { break };
        let damaged = |fault| RepositoryError::damaged(seal.object.as_str(), Damage::Batch { position, fault });
        let batch = owned.batch().map_err(damaged)?;
        if batch.base_offset() >= end {
            break;
        }
        match scan.add_checked(&batch, seal.observed) {
            Ok(()) => {}
            Err(ScanFault::Batch(fault)) => return Err(damaged(fault)),
            Err(ScanFault::OutOfOrder { found, .. }) => {
                let fault = BatchError::Field { base_offset: found, field: "base offset", value: found };
                return Err(damaged(fault));
            }
        }
    }
    let facts = scan.finish();
    (seal.aborted, seal.open, seal.next) = (facts.aborted, facts.open, end);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::batch::Batch;
    use crate::repository::testing::{batch, batch_with, marker, segment, start, transactional};
    use crate::repository::{Repository, Run};
    use crate::store::MemoryStore;

    fn sealed(segments: &[&[Vec<u8>]]) -> Vec<Seal> {
        sealed_in(&Repository::init_in(Arc::new(MemoryStore::new())).unwrap(), segments)
    }

    fn sealed_in(repository: &Repository, segments: &[&[Vec<u8>]]) -> Vec<Seal> {
        let run: Run = repository.begin_run("cluster-a").unwrap();
        let mut seals: Vec<Seal> = Vec::new();
        for batches in segments {
            let start = start("t", 0, &run, seals.last());
            seals.push(segment(repository, &run, start, batches));
        }
        seals
    }

    fn index(seals: &[Seal]) -> AbortedIndex {
        AbortedIndex::from_seals::<RepositoryError>(seals.iter().cloned().map(Ok)).unwrap()
    }

    fn outcome(index: &AbortedIndex, bytes: &[u8]) -> Option<Uncommitted> {
        index.uncommitted(Batch::parse(bytes).unwrap().header().unwrap())
    }

    #[test]
    fn an_outcome_may_lie_segments_behind_its_data() {
        let (a, b, c) = (transactional(0, 2, 1), transactional(2, 1, 2), transactional(3, 1, 3));
        let seals = sealed(&[
            &[a.clone(), b.clone(), c.clone()],
            &[marker(4, 1, true), batch(5, 1)],
            &[marker(6, 2, false), transactional(7, 1, 2)],
        ]);
        let all = index(&seals);
        assert_eq!(outcome(&all, &a), None);
        assert_eq!(outcome(&all, &b), Some(Uncommitted::Aborted));
        assert_eq!(outcome(&all, &c), Some(Uncommitted::Open));
        assert_eq!((all.open(), all.lost()), (2, 0));
        // A snapshot that ends earlier knows less, and reading that begins later knows enough.
        assert_eq!(outcome(&index(&seals[..2]), &b), Some(Uncommitted::Open));
        assert_eq!(outcome(&index(&seals[2..]), &transactional(7, 1, 2)), Some(Uncommitted::Open));
    }

    #[test]
    fn what_ends_behind_a_cut_is_open_at_it() {
        let repository = Repository::init_in(Arc::new(MemoryStore::new())).unwrap();
        let (a, b, c) = (transactional(0, 2, 1), transactional(2, 1, 2), transactional(4, 1, 3));
        let first = [a.clone(), b.clone(), marker(3, 2, false), c.clone()];
        let second = [batch(5, 1), marker(6, 1, true), batch(7, 1), marker(8, 3, false)];
        let tail = sealed_in(&repository, &[&first, &second]);
        let list = SegmentList { parts: Vec::new(), tail };
        let at = |end| {
            let index = AbortedIndex::up_to(&repository, &list, end).unwrap();
            [&a, &b, &c].map(|data| outcome(&index, data))
        };
        let (aborted, open) = (Some(Uncommitted::Aborted), Some(Uncommitted::OpenAtCut));
        assert_eq!(at(9), [None, aborted, aborted], "all of it");
        assert_eq!(at(8), [None, aborted, open], "before the last marker");
        assert_eq!(at(7), [None, aborted, open], "just behind the marker of the first");
        assert_eq!(at(6), [open, aborted, open], "at that marker");
        assert_eq!(at(5), [open, aborted, open], "between the segments");
        assert_eq!(at(3), [open, open, None], "within the first segment");
    }

    #[test]
    fn one_producer_aborts_and_commits_in_turn() {
        let data: Vec<Vec<u8>> = [0, 2, 4].map(|base| transactional(base, 1, 7)).into();
        let ends = [marker(1, 7, false), marker(3, 7, true), marker(5, 7, false)];
        let all: Vec<Vec<u8>> = data.iter().zip(&ends).flat_map(|(data, end)| [data.clone(), end.clone()]).collect();
        let index = index(&sealed(&[&all, &[batch(6, 1)]]));
        let outcomes: Vec<_> = data.iter().map(|data| outcome(&index, data)).collect();
        assert_eq!(outcomes, [Some(Uncommitted::Aborted), None, Some(Uncommitted::Aborted)]);
        assert!(ends.iter().chain([&batch(6, 1)]).all(|other| outcome(&index, other).is_none()));
    }

    #[test]
    fn a_marker_that_was_never_read_leaves_the_outcome_unknown() {
        let (before, after) = (transactional(0, 1, 7), transactional(90, 1, 7));
        let mut seals = sealed(&[std::slice::from_ref(&before), &[after.clone(), marker(91, 7, true)]]);
        seals[1].carried.clear();
        let index = index(&seals);
        assert_eq!(outcome(&index, &before), Some(Uncommitted::Lost));
        assert_eq!(outcome(&index, &after), None);
        assert_eq!((index.open(), index.lost()), (0, 1));
    }

    #[test]
    fn a_batch_is_judged_by_the_transaction_it_lies_in() {
        let mut index = AbortedIndex::default();
        index.add((7, 30), i64::MAX, Uncommitted::Open);
        index.add((7, 10), 20, Uncommitted::Aborted);
        index.close();
        for (producer, base, expected) in
            [(7, 9, false), (7, 10, true), (7, 19, true), (7, 21, false), (7, 30, true), (7, 99, true), (8, 15, false)]
        {
            assert_eq!(index.find(producer, base).is_some(), expected, "{producer} {base}");
            assert_eq!(outcome(&index, &transactional(base, 1, producer)).is_some(), expected, "{producer} {base}");
            let outside = batch_with(base, 1, |header| header.producer_id = producer);
            assert_eq!(outcome(&index, &outside), None, "it belongs to no transaction");
            assert_eq!(outcome(&index, &marker(base, producer, false)), None, "a marker is no data");
        }
    }

    #[test]
    fn a_cut_within_segments_that_only_abort_is_seen() {
        let repository = Repository::init_in(Arc::new(MemoryStore::new())).unwrap();
        let (inside, carried) = (transactional(0, 2, 1), transactional(3, 1, 2));
        let first = [inside.clone(), marker(2, 1, false), carried.clone()];
        let alone = [transactional(6, 1, 3), marker(7, 3, false)];
        let tail = sealed_in(&repository, &[&first, &[batch(4, 1), marker(5, 2, false)], &alone]);
        let list = SegmentList { parts: Vec::new(), tail };
        let at = |end, data: &[u8]| outcome(&AbortedIndex::up_to(&repository, &list, end).unwrap(), data);
        let (aborted, open) = (Some(Uncommitted::Aborted), Some(Uncommitted::OpenAtCut));
        assert_eq!([at(2, &inside), at(3, &inside)], [open, aborted]);
        assert_eq!([at(5, &carried), at(6, &carried)], [open, aborted], "its data lies in the segment before");
        assert_eq!([at(7, &alone[0]), at(8, &alone[0])], [open, aborted], "all of it is in one segment");
    }

    #[test]
    fn at_the_end_of_a_segment_nothing_of_the_next_counts() {
        let repository = Repository::init_in(Arc::new(MemoryStore::new())).unwrap();
        let data = transactional(0, 1, 7);
        let mut tail = sealed_in(&repository, &[std::slice::from_ref(&data), &[batch(90, 1)]]);
        tail[1].carried.clear();
        tail[1].open.clear();
        let (end, list) = (tail[1].base, SegmentList { parts: Vec::new(), tail });
        let at = |end| outcome(&AbortedIndex::up_to(&repository, &list, end).unwrap(), &data);
        assert_eq!(
            [at(1), at(end), at(end + 1)],
            [Uncommitted::OpenAtCut, Uncommitted::OpenAtCut, Uncommitted::Lost].map(Some)
        );
    }
}
