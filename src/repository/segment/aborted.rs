//! Which data batches of a partition belong to transactions that were not committed.

use std::collections::HashMap;

use crate::repository::RepositoryError;
use crate::repository::format::Seal;

/// The transactions of one partition that were aborted, or that are still open at the end of its segments.
/// Small: an entry for each of them, none for committed ones.
#[derive(Debug, Clone, Default)]
pub struct AbortedIndex {
    /// First data offset and marker of each, ascending, by producer id. An open one has no marker: `i64::MAX`.
    transactions: HashMap<i64, Vec<(i64, i64)>>,
    open: usize,
}

impl AbortedIndex {
    /// Gathers them from all seals of a partition, in order: a marker may lie in a later segment than the data.
    pub fn from_seals<E: From<RepositoryError>>(
        seals: impl IntoIterator<Item = Result<Seal, RepositoryError>>,
    ) -> Result<Self, E> {
        let mut index = Self::default();
        let mut open = Vec::new();
        for seal in seals {
            let seal = seal?;
            for one in seal.aborted {
                index.transactions.entry(one.producer_id).or_default().push((one.first, one.marker));
            }
            open = seal.open;
        }
        index.open = open.len();
        for one in open {
            index.transactions.entry(one.producer_id).or_default().push((one.first, i64::MAX));
        }
        for ranges in index.transactions.values_mut() {
            ranges.sort_unstable();
        }
        Ok(index)
    }

    /// Whether a transactional data batch with this base offset was aborted, or has no outcome.
    pub fn covers(&self, producer_id: i64, base_offset: i64) -> bool {
        let Some(ranges) = self.transactions.get(&producer_id) else { return false };
        let after = ranges.partition_point(|(first, _)| *first <= base_offset);
        // A producer has one transaction at a time, so only the last one that began before can hold the batch.
        after.checked_sub(1).and_then(|last| ranges.get(last)).is_some_and(|(_, marker)| base_offset < *marker)
    }

    /// Transactions without an outcome.
    pub fn open(&self) -> usize {
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_judged_by_the_transaction_it_lies_in() {
        let index = AbortedIndex { transactions: HashMap::from([(7, vec![(10, 20), (30, i64::MAX)])]), open: 1 };
        for (producer, base, expected) in
            [(7, 9, false), (7, 10, true), (7, 19, true), (7, 21, false), (7, 30, true), (7, 99, true), (8, 15, false)]
        {
            assert_eq!(index.covers(producer, base), expected, "{producer} {base}");
        }
    }
}
