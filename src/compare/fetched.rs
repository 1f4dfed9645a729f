//! What the cluster shows of a partition.

use std::collections::HashSet;

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;

use super::side::{Batches, Halt};
use crate::batch::{Batch, BatchError, BatchHeader, Marker, marker, size_of_first, upgrade};
use crate::cancel::Cancel;
use crate::model::describe;
use crate::reader::{Found, ReadError};
use crate::repository::{AbortedIndex, Uncommitted};

/// What a reader of the cluster delivers.
pub(super) type Delivery = Result<Found, ReadError>;

/// Fetched batches of one partition with data that a consumer sees.
#[derive(Debug)]
pub(super) struct Fetched {
    deliveries: Receiver<Delivery>,
    /// What is left of the last delivery.
    rest: Bytes,
    transactions: Transactions,
    /// The source's transactions as the snapshot knows them, where the cluster is the source.
    known: Option<AbortedIndex>,
    cancel: Cancel,
    log_start: i64,
    ended: bool,
    /// Base offset of the batch given out last.
    last: i64,
    /// Records whose transactions had no outcome in the snapshot, and have one now.
    pub(super) decided: u64,
}

impl Fetched {
    /// `known` are the source's transactions, where the cluster is the source.
    pub(super) fn new(
        deliveries: Receiver<Delivery>,
        log_start: i64,
        known: Option<AbortedIndex>,
        cancel: &Cancel,
    ) -> Self {
        Self {
            deliveries,
            rest: Bytes::new(),
            transactions: Transactions::default(),
            known,
            cancel: cancel.clone(),
            log_start,
            ended: false,
            last: -1,
            decided: 0,
        }
    }

    /// Waits for the next delivery with batches; false at the end.
    fn receive(&mut self) -> Result<bool, Halt> {
        while !self.ended {
            match self.deliveries.blocking_recv() {
                Some(Ok(Found::Batches(batches))) => {
                    self.transactions = Transactions::new(batches.aborted);
                    self.rest = batches.bytes;
                    return Ok(true);
                }
                Some(Ok(Found::LogStart(offset))) => self.log_start = offset,
                Some(Ok(Found::End(_))) => self.ended = true,
                Some(Err(ReadError::Batch { offset, source, .. })) => {
                    return Err(Halt::Unreadable { offset, detail: source.to_string() });
                }
                Some(Err(error)) => return Err(Halt::NotCompared(describe(&error))),
                None if self.cancel.is_cancelled() => return Err(Halt::Cancelled),
                None => return Err(Halt::NotCompared("it was not read to its end".to_owned())),
            }
        }
        Ok(false)
    }

    /// Whether a consumer sees the batch's records.
    fn shows(&mut self, batch: &Batch<'_>, header: &BatchHeader) -> Result<bool, BatchError> {
        self.transactions.pass(header);
        if header.attributes.control() {
            if marker(batch)? == Some(Marker::Abort) {
                self.transactions.end(header.producer_id);
            }
            return Ok(false);
        }
        if self.transactions.are_aborted(header) {
            return Ok(false);
        }
        let without_outcome = |one| matches!(one, Uncommitted::Open | Uncommitted::OpenAtCut | Uncommitted::Lost);
        if self.known.as_ref().and_then(|known| known.uncommitted(header)).is_some_and(without_outcome) {
            self.decided += u64::from(header.record_count.unsigned_abs());
            return Ok(false);
        }
        Ok(true)
    }
}

impl Batches for Fetched {
    fn next(&mut self) -> Result<Option<Bytes>, Halt> {
        loop {
            if self.cancel.is_cancelled() {
                return Err(Halt::Cancelled);
            }
            if self.rest.is_empty() && !self.receive()? {
                return Ok(None);
            }
            let size = size_of_first(&self.rest).map_err(|fault| self.broken(&fault))?;
            let bytes = self.rest.split_to(size.unwrap_or(self.rest.len()).min(self.rest.len()));
            let batch = Batch::parse(&bytes).map_err(|fault| self.broken(&fault))?;
            self.last = batch.base_offset();
            let Some(header) = batch.header() else {
                return Ok(Some(upgrade(&[batch]).map_err(|fault| self.broken(&fault))?.into()));
            };
            batch.check_crc().map_err(|fault| self.broken(&fault))?;
            if self.shows(&batch, header).map_err(|fault| self.broken(&fault))? {
                return Ok(Some(bytes));
            }
        }
    }

    fn broken(&self, fault: &BatchError) -> Halt {
        Halt::Unreadable { offset: self.last, detail: fault.to_string() }
    }

    fn log_start(&self) -> i64 {
        self.log_start
    }
}

/// Which data of one answer was aborted, by what the broker said with it (Kafka class `CompletedFetch`).
#[derive(Debug, Default)]
struct Transactions {
    /// Producer id and first offset, descending by offset: not begun yet.
    ahead: Vec<(i64, i64)>,
    /// Producers whose aborted transaction is under way.
    aborted: HashSet<i64>,
}

impl Transactions {
    fn new(mut ahead: Vec<(i64, i64)>) -> Self {
        ahead.sort_unstable_by_key(|(_, first)| std::cmp::Reverse(*first));
        Self { ahead, aborted: HashSet::new() }
    }

    /// The next batch, markers too: data of the transaction it ends may lie before this answer.
    fn pass(&mut self, header: &BatchHeader) {
        while let Some((producer, _)) = self.ahead.pop_if(|(_, first)| *first <= header.last_offset()) {
            self.aborted.insert(producer);
        }
    }

    fn are_aborted(&self, header: &BatchHeader) -> bool {
        header.attributes.transactional() && self.aborted.contains(&header.producer_id)
    }

    /// An ABORT marker.
    fn end(&mut self, producer: i64) {
        self.aborted.remove(&producer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing::{marker, transactional};

    /// Base offsets of the batches that are shown of one answer.
    fn shown(aborted: &[(i64, i64)], batches: &[Vec<u8>]) -> Vec<i64> {
        let mut transactions = Transactions::new(aborted.to_vec());
        let mut shown = Vec::new();
        for bytes in batches {
            let batch = Batch::parse(bytes).unwrap();
            let header = batch.header().unwrap();
            transactions.pass(header);
            if super::marker(&batch).unwrap() == Some(Marker::Abort) {
                transactions.end(header.producer_id);
            } else if !header.attributes.control() && !transactions.are_aborted(header) {
                shown.push(header.base_offset);
            }
        }
        shown
    }

    #[test]
    fn aborted_data_ends_at_its_marker() {
        let (a, b) = (transactional(0, 2, 7), transactional(2, 1, 8));
        let (end, again) = (marker(3, 7, false), transactional(4, 1, 7));
        let all = [a, b, end.clone(), again.clone()];
        assert_eq!(shown(&[(7, 0)], &all), [2, 4]);
        assert_eq!(shown(&[(7, 0)], &all[1..]), [2, 4], "the answer begins behind the data");
        assert_eq!(shown(&[(7, 0), (7, 4)], &all), [2]);
        assert_eq!(shown(&[(7, 0)], &[end, again]), [4]);
        assert_eq!(shown(&[], &all), [0, 2, 4]);
    }
}
