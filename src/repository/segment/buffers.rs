//! Memory that segments are read into: buffers are given out and come back, so that their pages are there already and
//! nobody has to clear them again, and those of large batches may have to wait for room.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::memory::{self, Memory, Room};

/// Bytes of all buffers that are kept, for all readers together.
const KEPT: usize = 16 << 20;

/// Buffers that nobody uses just now. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(in crate::repository) struct Buffers {
    spare: Arc<Mutex<Spare>>,
    large: Option<Memory>,
}

#[derive(Debug, Default)]
struct Spare {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl Buffers {
    /// Of which those of large batches take at most so many bytes together, or are one.
    pub(in crate::repository) fn bounded(large: Memory) -> Self {
        Self { large: Some(large), ..Self::default() }
    }

    /// The smallest of at least so many bytes, with whatever it holds, or a new one.
    pub(super) fn take(&self, bytes: usize) -> Vec<u8> {
        if bytes == 0 {
            return Vec::new();
        }
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = spare.buffers.iter().enumerate().filter(|(_, buffer)| buffer.len() >= bytes);
        let Some((at, _)) = fitting.min_by_key(|(_, buffer)| buffer.len()) else {
            drop(spare);
            return vec![0; bytes];
        };
        let buffer = spare.buffers.swap_remove(at);
        spare.bytes -= buffer.len();
        buffer
    }

    /// Keeps one for whoever comes next, if there are not enough.
    pub(super) fn give_back(&self, buffer: Vec<u8>) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if !buffer.is_empty() && spare.bytes + buffer.len() <= KEPT {
            spare.bytes += buffer.len();
            spare.buffers.push(buffer);
        }
    }

    /// Waits for room for a large batch, where it has to.
    pub(super) fn room(&self, bytes: usize) -> Option<Room> {
        self.large.as_ref().and_then(|large| memory::wait(large.room(bytes)))
    }

    /// Gives a buffer out; it comes back, and its room is free, when nobody holds a part of it any more.
    pub(super) fn lend(&self, buffer: Vec<u8>, room: Option<Room>) -> Bytes {
        Bytes::from_owner(Lent { buffer, home: self.clone(), _room: room })
    }
}

struct Lent {
    buffer: Vec<u8>,
    home: Buffers,
    _room: Option<Room>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.give_back(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_its_last_part_is_dropped() {
        let buffers = Buffers::default();
        let lent = buffers.lend(vec![7; 10], None);
        let part = lent.slice(2..4);
        drop(lent);
        assert_eq!((&part[..], buffers.take(9)), (&[7, 7][..], vec![0; 9]));
        drop(part);
        assert_eq!(buffers.take(9), vec![7; 10]);
    }

    #[test]
    fn the_smallest_that_is_large_enough_is_taken_and_not_all_are_kept() {
        let buffers = Buffers::default();
        for size in [30, 10, 20, KEPT] {
            buffers.give_back(vec![7; size]);
        }
        assert!(buffers.take(0).is_empty());
        assert_eq!([11, 11, 11].map(|bytes| buffers.take(bytes).len()), [20, 30, 11]);
        buffers.give_back(vec![7; KEPT - 10]);
        buffers.give_back(vec![7; 1]);
        assert_eq!([1, 1, 1].map(|bytes| buffers.take(bytes).len()), [10, KEPT - 10, 1]);
    }
}
