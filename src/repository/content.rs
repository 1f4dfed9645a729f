//! Digests of what segments hold. Everything else in a repository is named by BLAKE3.

use std::fmt;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

/// How segments are digested: `init` says it once for all of a repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentDigest {
    /// Nobody can make other bytes with the same digest.
    #[default]
    Blake3,
    /// Cheaper. It finds what a disk or a network did, not what somebody did on purpose.
    #[serde(rename = "xxh3-128")]
    Xxh3,
}

impl ContentDigest {
    /// What a digest was made with: one of BLAKE3 has 64 digits, one of XXH3 has 32.
    pub fn of(digest: &str) -> Self {
        if digest.len() == 32 { Self::Xxh3 } else { Self::Blake3 }
    }

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blake3 => "blake3",
            Self::Xxh3 => "xxh3-128",
        }
    }

    /// By its name on the command line.
    pub fn named(name: &str) -> Result<Self, String> {
        let found = [Self::Blake3, Self::Xxh3].into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| "there are blake3 and xxh3-128".to_owned())
    }

    /// Whether it is the usual one.
    pub fn is_blake3(&self) -> bool {
        *self == Self::Blake3
    }

    /// Nothing digested so far.
    pub fn hasher(self) -> ContentHasher {
        match self {
            Self::Blake3 => ContentHasher::Blake3(Box::default()),
            Self::Xxh3 => ContentHasher::Xxh3(Box::default()),
        }
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blake3 => "BLAKE3",
            Self::Xxh3 => "XXH3-128",
        })
    }
}

/// Digests the content of one segment, piece by piece.
#[derive(Clone)]
pub enum ContentHasher {
    /// See [`ContentDigest::Blake3`].
    Blake3(Box<blake3::Hasher>),
    /// See [`ContentDigest::Xxh3`].
    Xxh3(Box<XxHash3_128>),
}

impl ContentHasher {
    /// One that can find whether bytes have a digest that is known.
    pub fn like(digest: &str) -> Self {
        ContentDigest::of(digest).hasher()
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Blake3(hasher) => drop(hasher.update(bytes)),
            Self::Xxh3(hasher) => hasher.write(bytes),
        }
    }

    /// The digest of all of them, in lowercase hexadecimal digits, that of XXH3 as `xxhsum -H2` prints it.
    pub fn finish(&self) -> String {
        match self {
            Self::Blake3(hasher) => hasher.finalize().to_hex().to_string(),
            Self::Xxh3(hasher) => format!("{:032x}", hasher.finish_128()),
        }
    }
}

impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContentHasher").field(&ContentDigest::of(&self.finish())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(kind: ContentDigest, pieces: &[&[u8]]) -> String {
        let mut hasher = kind.hasher();
        for piece in pieces {
            hasher.update(piece);
        }
        hasher.finish()
    }

    /// Those of no bytes, as the reference programs print them.
    #[test]
    fn digests_are_those_of_the_reference_programs() {
        let blake3 = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(digest(ContentDigest::Blake3, &[]), blake3);
        assert_eq!(digest(ContentDigest::Xxh3, &[]), "99aa06d3014798d86001c324468d497f");
    }

    #[test]
    fn pieces_make_the_digest_of_the_whole_and_its_length_tells_its_kind() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
        for kind in [ContentDigest::Blake3, ContentDigest::Xxh3] {
            let whole = digest(kind, &[&bytes]);
            let (head, tail) = bytes.split_at(33_333);
            assert_eq!(digest(kind, &[head, tail]), whole);
            assert_ne!(digest(kind, &[tail, head]), whole);
            assert_eq!(ContentDigest::of(&whole), kind);
            let mut like = ContentHasher::like(&whole);
            like.update(&bytes);
            assert_eq!(like.finish(), whole);
            assert_eq!(format!("{like:?}"), format!("ContentHasher({kind:?})"));
        }
    }
}
