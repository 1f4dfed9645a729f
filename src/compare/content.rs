//! What differs between two records.

use serde::Serialize;

use crate::batch::Record;

/// What differs at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The snapshot has a record that the cluster has not.
    Missing,
    /// The cluster has a record that the snapshot has not.
    Extra,
    /// The key.
    Key,
    /// The value.
    Value,
    /// A header, or the number of headers.
    Header,
    /// The timestamp.
    Timestamp,
    /// The cluster serves something there that cannot be read.
    Unreadable,
}

/// The first thing that differs, with a sentence; `None` for equal records. Offsets are not looked at.
pub(super) fn difference(stored: &Record<'_>, found: &Record<'_>) -> Option<(What, String)> {
    if let Some(detail) = bytes("the key", stored.key, found.key) {
        return Some((What::Key, detail));
    }
    if let Some(detail) = bytes("the value", stored.value, found.value) {
        return Some((What::Value, detail));
    }
    if let Some(detail) = headers(stored, found) {
        return Some((What::Header, detail));
    }
    (stored.timestamp != found.timestamp)
        .then(|| (What::Timestamp, format!("the timestamp is {}, it should be {}", found.timestamp, stored.timestamp)))
}

fn headers(stored: &Record<'_>, found: &Record<'_>) -> Option<String> {
    for (at, ((key, value), (other_key, other_value))) in stored.headers.iter().zip(&found.headers).enumerate() {
        let number = at + 1;
        let key = bytes(&format!("the key of header {number}"), Some(key), Some(other_key));
        if let Some(detail) = key.or_else(|| bytes(&format!("the value of header {number}"), *value, *other_value)) {
            return Some(detail);
        }
    }
    let (should, is) = (stored.headers.len(), found.headers.len());
    (should != is).then(|| format!("it has {is} headers, it should have {should}"))
}

fn bytes(what: &str, stored: Option<&[u8]>, found: Option<&[u8]>) -> Option<String> {
    match (stored, found) {
        (None, None) => None,
        (Some(_), None) => Some(format!("{what} is null, it should not be")),
        (None, Some(is)) => Some(format!("{what} has {} bytes, it should be null", is.len())),
        (Some(should), Some(is)) if should == is => None,
        (Some(should), Some(is)) => {
            let same = should.iter().zip(is).take_while(|(one, other)| one == other).count();
            Some(format!(
                "{what} differs from byte {same} on; it has {} bytes, it should have {}",
                is.len(),
                should.len()
            ))
        }
    }
}
