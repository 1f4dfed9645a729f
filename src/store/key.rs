//! Names of objects.

use std::fmt;

/// A relative object name, `/` between its parts. No part is empty, `.` or `..`, none is longer than 255 bytes or holds
/// a control character or a backslash: whatever a key says, it cannot leave the repository's folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// A name that could not be a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid object name")]
pub struct InvalidKey(pub String);

/// Longest key in bytes.
const KEY_BYTES_MAX: usize = 1024;
/// Longest part of a key in bytes: what file systems allow.
const PART_BYTES_MAX: usize = 255;

impl Key {
    /// Checks a name.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidKey> {
        let name = name.into();
        if name.len() <= KEY_BYTES_MAX && name.split('/').all(is_legal_part) {
            Ok(Self(name))
        } else {
            Err(InvalidKey(name))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// This key as a folder with one more part under it.
    pub fn join(&self, part: &str) -> Result<Self, InvalidKey> {
        Self::new(format!("{}/{part}", self.0))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_legal_part(part: &str) -> bool {
    !part.is_empty()
        && part != "."
        && part != ".."
        && part.len() <= PART_BYTES_MAX
        && !part.chars().any(|letter| letter.is_control() || letter == '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_leave_the_folder_are_refused() {
        for bad in ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a\\b", "a\0b", "a\nb"] {
            assert!(Key::new(bad).is_err(), "{bad:?}");
        }
        assert!(Key::new("x".repeat(256)).is_err());
        assert!(Key::new("x/".repeat(600) + "x").is_err());
    }

    #[test]
    fn names_with_dots_inside_are_fine() {
        let key = Key::new("topics/a..b/.c/0.log").unwrap();
        assert_eq!(key.name(), "0.log");
        assert_eq!(key.join("d").unwrap().as_str(), "topics/a..b/.c/0.log/d");
        assert!(key.join("..").is_err());
    }
}
