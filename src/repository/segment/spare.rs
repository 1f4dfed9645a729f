//! Buffers that were given out and come back: their pages are there already, and nobody has to clear them again.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Buffers that are kept.
const KEPT: usize = 4;
/// A larger one is not: a single large batch made it.
const LARGEST: usize = 4 << 20;

/// Buffers that nobody uses just now.
#[derive(Debug, Clone, Default)]
pub(super) struct Spare(Arc<Mutex<Vec<Vec<u8>>>>);

impl Spare {
    /// One of them with whatever it holds, or an empty one.
    pub(super) fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Gives a buffer out; it comes back when nobody holds a part of it any more.
    pub(super) fn lend(&self, buffer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { buffer, home: self.clone() })
    }
}

struct Lent {
    buffer: Vec<u8>,
    home: Spare,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut kept = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT && self.buffer.len() <= LARGEST {
            kept.push(std::mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_its_last_part_is_dropped() {
        let spare = Spare::default();
        let lent = spare.lend(vec![7; 10]);
        let part = lent.slice(2..4);
        drop(lent);
        assert_eq!((&part[..], spare.take()), (&[7, 7][..], Vec::new()));
        drop(part);
        assert_eq!(spare.take(), vec![7; 10]);
        spare.lend(vec![0; LARGEST + 1]);
        assert!(spare.take().is_empty(), "one large batch is no reason to keep so much");
    }
}
