//! What keeping the offsets of a partition takes, from what its seals say: no data is read.

use crate::batch::FILLER_MAX;
use crate::model::OffsetRange;
use crate::repository::RepositoryError;
use crate::repository::format::Seal;

/// Bytes of a whole batch of filler, about.
const FILLER_BYTES: i64 = 5_100;
/// Bytes of a marker in the log.
const MARKER_BYTES: i64 = 78;
/// Filler offsets a broker takes in a second, about.
const FILLER_RATE: i64 = 2_000_000;
/// Markers a broker writes in a second, about, when many are asked for at a time.
const MARKER_RATE: i64 = 10_000;
/// Milliseconds that a hole takes by itself, about: batches wait for it.
const HOLE_MS: i64 = 4;

/// What one partition needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Need {
    /// Offsets below the log start.
    pub filler: i64,
    /// Offsets without a record from the log start to the end of what is restored.
    pub holes: i64,
    /// Whether `holes` is exact; else there are at most so many, but for markers of transactions that wrote nothing.
    pub exact: bool,
    /// How many holes there are at most.
    pub stretches: i64,
}

impl Need {
    /// Of the offsets `keep`, from all seals of the partition.
    pub fn of<E: From<RepositoryError>>(
        keep: OffsetRange,
        seals: impl IntoIterator<Item = Result<Seal, RepositoryError>>,
    ) -> Result<Self, E> {
        let (mut records, mut exact, mut transactions) = (0, true, 0);
        for seal in seals {
            let seal = seal?;
            if seal.next <= keep.base || seal.base >= keep.next {
                continue;
            }
            let (kept, certain) = kept(&seal, keep);
            records += kept;
            exact &= certain;
            transactions += seal.committed as i64 + seal.aborted.len() as i64;
        }
        let holes = (keep.next - keep.base - records).max(0);
        let compacted = (records + 1).min((holes - transactions).max(0));
        Ok(Self { filler: keep.base, holes, exact, stretches: (transactions + compacted).min(holes) })
    }

    /// Requests of filler.
    pub fn filler_requests(&self) -> i64 {
        (self.filler + i64::from(FILLER_MAX) - 1) / i64::from(FILLER_MAX)
    }

    /// Bytes of filler on the wire, about.
    pub fn filler_bytes(&self) -> i64 {
        self.filler_requests() * FILLER_BYTES
    }

    /// Bytes that markers take in the log.
    pub fn marker_bytes(&self) -> i64 {
        self.holes * MARKER_BYTES
    }

    /// Milliseconds of a broker's time, about.
    pub fn busy_ms(&self) -> i64 {
        self.filler * 1_000 / FILLER_RATE + self.holes * 1_000 / MARKER_RATE
    }

    /// Milliseconds it takes if nothing else is done, about.
    pub fn least_ms(&self) -> i64 {
        self.busy_ms() + self.stretches * HOLE_MS
    }
}

/// At least so many records of the segment are restored, and whether it is exactly so many.
fn kept(seal: &Seal, keep: OffsetRange) -> (i64, bool) {
    let (inside, all) = (seal.next.min(keep.next) - seal.base.max(keep.base), seal.next - seal.base);
    let outside = all - inside;
    let records = i64::try_from(seal.records).unwrap_or(i64::MAX).min(all);
    let markers = seal.committed as i64 + seal.aborted.len() as i64;
    let plain = markers == 0 && seal.open.is_empty() && seal.carried.is_empty();
    if outside > 0 && records == all && plain {
        return (inside, true);
    }
    // What lies between the first record of an aborted transaction and its marker may all be of it; and the one that is
    // open where the restored range ends reaches from its first record to there.
    let aborted = seal.aborted.iter().map(|one| one.marker - one.first.max(seal.base));
    let open = seal.open.iter().map(|one| seal.next - one.first.max(seal.base));
    let cut_open = if keep.next < seal.next && !plain { inside } else { 0 };
    let lost: i64 = aborted.chain(open).sum::<i64>() + cut_open;
    let certain = seal.aborted.is_empty() && seal.open.is_empty() && cut_open == 0 && outside == 0;
    ((records - markers - lost - outside).clamp(0, inside), certain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing::{self, batch, batch_with, marker, transactional};
    use crate::restore::RestoreError;
    use crate::store::MemoryStore;

    fn need(batches: &[Vec<u8>], base: i64, next: i64) -> Need {
        let repository = testing::repository(MemoryStore::new());
        let run = repository.begin_run(testing::CLUSTER).unwrap();
        let seal = testing::segment(&repository, &run, testing::start("orders", 0, &run, None), batches);
        Need::of::<RestoreError>(OffsetRange { base, next }, [Ok(seal)]).unwrap()
    }

    #[test]
    fn holes_are_what_has_no_record() {
        let dense = [batch(10, 10), batch(20, 5)];
        assert_eq!((need(&dense, 10, 25).holes, need(&dense, 10, 25).exact), (0, true));
        let within = need(&dense, 13, 22);
        assert_eq!((within.filler, within.holes, within.exact, within.stretches), (13, 0, true, 0));
        let between = need(&[batch(10, 10), batch(30, 5)], 10, 40);
        assert_eq!((between.holes, between.exact), (15, true), "10 between and 5 behind");
        let compacted = [batch_with(0, 3, |header| header.last_offset_delta = 9), batch(10, 2)];
        assert_eq!((need(&compacted, 0, 12).holes, need(&compacted, 0, 12).stretches), (7, 6));
        assert!(need(&compacted, 2, 12).holes >= 5);
        let empty = Need::of::<RestoreError>(OffsetRange { base: 7, next: 7 }, []).unwrap();
        assert_eq!((empty.filler, empty.holes, empty.exact), (7, 0, true));
    }

    #[test]
    fn markers_are_holes_and_aborted_data_is_at_most_all_before_its_marker() {
        let committed = [transactional(0, 5, 7), marker(5, 7, true), batch(6, 1)];
        let one = need(&committed, 0, 7);
        assert_eq!((one.holes, one.exact, one.stretches), (1, true, 1));
        let aborted = [transactional(0, 5, 7), batch(5, 1), marker(6, 7, false)];
        let one = need(&aborted, 0, 7);
        assert_eq!((one.holes, one.exact), (7, false));
        // The transaction is open where the range ends.
        assert_eq!((need(&committed, 0, 4).holes, need(&committed, 0, 4).exact), (4, false));
    }

    #[test]
    fn at_most_what_a_transaction_spans_has_no_record() {
        let aborted = [batch(100, 10), transactional(110, 5, 7), batch(115, 1), marker(116, 7, false)];
        assert_eq!(need(&aborted, 100, 117).holes, 7, "from its first record to its marker");
        let open = [batch(100, 10), transactional(110, 5, 7), batch(115, 5)];
        assert_eq!(need(&open, 100, 120).holes, 10, "from its first record to the end");
    }

    #[test]
    fn cost_grows_with_what_is_filled() {
        let need = Need { filler: 1_000_000, holes: 5, exact: true, stretches: 1 };
        assert_eq!((need.filler_requests(), need.filler_bytes(), need.marker_bytes()), (8, 40_800, 390));
        assert!((500..1_000).contains(&need.least_ms()));
    }
}
