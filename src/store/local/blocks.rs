//! Aligned memory for what is written past the page cache, and whether doing so is worth while: what all files of one
//! store share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes that are written at a time: enough for a disk, and few enough to stay in the processor's cache.
pub(super) const BLOCK: usize = 512 << 10;
/// Fewer wait for more.
pub(super) const WORTH_WRITING: usize = 128 << 10;
/// What positions, sizes and addresses must be multiples of: that much is enough for every disk in use.
pub(super) const ALIGNMENT: usize = 4096;
/// Files that are written so at a time; further ones go through the cache. Bounds the memory for what waits.
pub(super) const FILES: usize = 64;
/// A disk that takes fewer bytes a second is far away or has much to do. Each of our writes waits for it; the cache keeps
/// many on their way.
const SLOW: u64 = 64 << 20;
/// What is written before it is judged.
const SAMPLE: u64 = 8 << 20;

/// Memory to gather in, which is used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocks(Arc<Mutex<Pool>>);

#[derive(Debug, Default)]
pub(super) struct Pool {
    /// The one that was used last comes first.
    pub(super) spare: Vec<Block>,
    /// Files that are written past the cache.
    pub(super) files: usize,
    written: u64,
    took: Duration,
    is_slow: bool,
}

impl Blocks {
    pub(super) fn pool(&self) -> MutexGuard<'_, Pool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another file may be written so; then [`Self::leave`] follows.
    pub(super) fn enter(&self) -> bool {
        let mut pool = self.pool();
        let room = pool.files < FILES && !pool.is_slow;
        pool.files += usize::from(room);
        room
    }

    /// A file is not written so any more.
    pub(super) fn leave(&self) {
        self.pool().files -= 1;
    }

    /// Memory of which nothing is filled.
    pub(super) fn lend(&self) -> Block {
        let spare = self.pool().spare.pop();
        spare.unwrap_or_else(Block::new)
    }

    /// Takes it back.
    pub(super) fn give_back(&self, block: Block) {
        self.pool().spare.push(Block { filled: 0, ..block });
    }

    /// So many bytes were written in one go. `false` where the cache does better, now and for good.
    pub(super) fn wrote(&self, bytes: usize, took: Duration) -> bool {
        let mut pool = self.pool();
        pool.written += bytes as u64;
        pool.took += took;
        if pool.written >= SAMPLE {
            pool.is_slow |= (pool.written as f64) < SLOW as f64 * pool.took.as_secs_f64();
            (pool.written, pool.took) = (0, Duration::ZERO);
        }
        !pool.is_slow
    }
}

/// Aligned memory of [`BLOCK`] bytes.
#[derive(Debug)]
pub(super) struct Block {
    memory: Vec<u8>,
    /// Where the aligned part begins.
    pub(super) start: usize,
    filled: usize,
}

impl Block {
    fn new() -> Self {
        let memory = vec![0; BLOCK + ALIGNMENT];
        // Where it cannot be told the kernel refuses the block, and the file goes through the cache.
        let start = memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Self { memory, start, filled: 0 }
    }

    /// Bytes in it.
    pub(super) fn len(&self) -> usize {
        self.filled
    }

    /// Takes as many bytes as fit; gives the rest.
    pub(super) fn take<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let at = self.start + self.filled;
        let (taken, rest) = bytes.split_at(bytes.len().min(BLOCK - self.filled));
        if let Some(room) = self.memory.get_mut(at..at + taken.len()) {
            room.copy_from_slice(taken);
        }
        self.filled += taken.len();
        rest
    }

    /// What it holds: whole pages, and the bytes behind them.
    pub(super) fn bytes(&self) -> (&[u8], &[u8]) {
        let held = self.memory.get(self.start..self.start + self.filled).unwrap_or_default();
        held.split_at(held.len() - held.len() % ALIGNMENT)
    }

    /// Forgets the whole pages.
    pub(super) fn keep_tail(&mut self) {
        let tail = self.filled % ALIGNMENT;
        let from = self.start + self.filled - tail;
        self.memory.copy_within(from..from + tail, self.start);
        self.filled = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_slow_disk_gets_goes_through_the_cache_from_then_on() {
        let (slow, fast) = (Duration::from_millis(20), Duration::from_micros(100));
        let blocks = Blocks::default();
        for _ in 0..100 {
            assert!(blocks.wrote(BLOCK, fast));
        }
        let waited = (0..100).take_while(|_| blocks.wrote(BLOCK, slow)).count();
        assert!(waited as u64 <= 2 * SAMPLE / BLOCK as u64, "{waited}");
        assert!(!blocks.wrote(BLOCK, fast) && !blocks.enter());
    }

    #[test]
    fn one_slow_write_is_none() {
        let blocks = Blocks::default();
        assert!(blocks.wrote(BLOCK, Duration::from_secs(1)));
        let mut rest = (0..SAMPLE / BLOCK as u64).map(|_| blocks.wrote(BLOCK, Duration::ZERO));
        assert!(!rest.all(|fast| fast), "a second for 8 MiB is slow");
        let blocks = Blocks::default();
        assert!(blocks.wrote(BLOCK, Duration::from_millis(100)));
        let mut rest = (0..SAMPLE / BLOCK as u64).map(|_| blocks.wrote(BLOCK, Duration::ZERO));
        assert!(rest.all(|fast| fast));
    }

    #[test]
    fn a_block_keeps_what_is_no_whole_page() {
        let mut block = Block::new();
        let bytes: Vec<u8> = (0..2 * BLOCK).map(|at| (at % 251) as u8).collect();
        let (first, rest) = bytes.split_at(ALIGNMENT + 5);
        assert!(block.take(first).is_empty());
        assert_eq!(block.bytes(), first.split_at(ALIGNMENT));
        block.keep_tail();
        assert_eq!((block.bytes(), block.len()), ((&[][..], &first[ALIGNMENT..]), 5));
        assert_eq!(block.take(rest), &rest[BLOCK - 5..]);
        assert_eq!(block.bytes().0.len(), BLOCK);
    }
}
