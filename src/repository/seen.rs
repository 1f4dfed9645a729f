//! What was looked at already. Only a hash of each name is kept: eight bytes for an object of up to a gigabyte.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A set of names. Two names may count as one: whoever asks must be safe with a name that seems to be there.
#[derive(Debug, Default)]
pub struct Seen(HashSet<u64>);

impl Seen {
    /// Adds one; true if it is new.
    pub fn insert(&mut self, name: impl Hash) -> bool {
        self.0.insert(hash(name))
    }

    /// Whether it was added.
    pub fn contains(&self, name: impl Hash) -> bool {
        self.0.contains(&hash(name))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

fn hash(name: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_once() {
        let mut seen = Seen::default();
        assert_eq!(["a", "b", "a", "c"].map(|name| seen.insert(name)), [true, true, false, true]);
        assert_eq!(seen.count(), 3);
        assert!(seen.contains("b") && !seen.contains("d"));
    }
}
