//! What to verify.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::repository::PublicKey;

/// What to verify, and how thoroughly.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// One snapshot; `None` for all there are.
    pub snapshot: Option<u64>,
    /// Heads, parts, and the existence and sizes of segments only.
    pub fast: bool,
    /// Read only this part of the segments; everything else is checked all the same.
    pub part: Option<Part>,
    /// Ids of snapshots that must be there, in full.
    pub expect: Vec<String>,
    /// Every snapshot must be signed by one of these keys; empty: signatures need not be there.
    pub signed_by: Vec<PublicKey>,
    /// Segments read at the same time; 0 means as many as there are processors, at most four.
    pub threads: usize,
}

/// One of `of` parts that the segments fall into by the hash of their names: the same part every time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Which, from 1.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}

/// Text that is not a part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a part: something like 1/7 is expected")]
pub struct InvalidPart(pub String);

impl Part {
    /// Whether the segment of that name is in it: the first eight hexadecimal digits of the BLAKE3 of the object's name,
    /// modulo the number of parts.
    pub fn holds(self, object: &str) -> bool {
        let [a, b, c, d, ..] = *blake3::hash(object.as_bytes()).as_bytes();
        u32::from_be_bytes([a, b, c, d]) % self.of.max(1) == self.number.saturating_sub(1)
    }
}

impl FromStr for Part {
    type Err = InvalidPart;

    fn from_str(text: &str) -> Result<Self, InvalidPart> {
        let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if number >= 1 && number <= of => Ok(Self { number, of }),
            _ => Err(InvalidPart(text.to_owned())),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_they_print() {
        assert_eq!("3/7".parse::<Part>().unwrap().to_string(), "3/7");
        for bad in ["", "1", "0/7", "8/7", "1/0", "-1/7", "1/7/9", "a/b"] {
            assert!(bad.parse::<Part>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_segment_is_in_exactly_one_part() {
        for number in 0..100 {
            let object = format!("topics/a/{number}.log");
            let holding = (1..=7).filter(|part| Part { number: *part, of: 7 }.holds(&object)).count();
            assert_eq!(holding, 1);
        }
    }
}
