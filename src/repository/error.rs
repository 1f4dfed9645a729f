//! What can go wrong with a repository.

use super::content::ContentDigest;
use super::format::FormatVersion;
use super::locks::LockOwner;
use crate::batch::BatchError;
use crate::model::{Classify, ErrorClass, TopicPartition};
use crate::store::{InvalidKey, LocationError, StoreError};

/// An operation on a repository that failed.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The disk or the service said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no `repository.json`.
    #[error("{location} is not a ktape repository")]
    NotARepository {
        /// As the user gave it.
        location: String,
    },
    /// `init` of what is one already.
    #[error("{location} is already a ktape repository")]
    AlreadyARepository {
        /// As the user gave it.
        location: String,
    },
    /// `init` of a folder that holds something else.
    #[error("{location} is not empty: it holds {found}")]
    NotEmpty {
        /// As the user gave it.
        location: String,
        /// One of the names in it.
        found: String,
    },
    /// A location that no store of this build serves.
    #[error("{location:?} is no place for a repository: {source}")]
    UnsupportedLocation {
        /// As the user gave it, without options.
        location: String,
        /// Why.
        source: LocationError,
    },
    /// An object store that overwrites what it was asked to leave.
    #[error("{location} overwrites objects although it was told not to: it ignores `If-None-Match: *`")]
    Unconditional {
        /// Where.
        location: String,
    },
    /// Written by a ktape whose format this one would misread.
    #[error("{object} has format {found}, this ktape knows {known}")]
    NewerFormat {
        /// Which object says so.
        object: String,
        /// Its format.
        found: FormatVersion,
        /// Ours.
        known: FormatVersion,
    },
    /// An object's bytes are not what was written.
    #[error("{object} is damaged: {damage}")]
    Damaged {
        /// Which.
        object: String,
        /// How it shows.
        damage: Damage,
    },
    /// Something that a snapshot or a seal names is not there.
    #[error("{object} is missing")]
    Missing {
        /// Which.
        object: String,
    },
    /// A snapshot number that does not exist.
    #[error("there is no snapshot {sequence} in {location}")]
    NoSuchSnapshot {
        /// The number.
        sequence: u64,
        /// The repository.
        location: String,
    },
    /// The same work is under way elsewhere.
    #[error("the repository is locked for this {purpose} by {owner}")]
    Locked {
        /// What for: `backup`, `restore`.
        purpose: String,
        /// Who.
        owner: LockOwner,
    },
    /// A name that cannot be an object's.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
    /// A batch that is not fit to be stored.
    #[error("{partition}: not storing what the broker served")]
    RefusedBatch {
        /// Whose.
        partition: TopicPartition,
        /// Why.
        source: BatchError,
    },
    /// A batch that does not follow the one before.
    #[error("{partition}: a batch at offset {found} follows one that ends at {expected}")]
    OutOfOrder {
        /// Whose.
        partition: TopicPartition,
        /// Smallest base offset that could follow.
        expected: i64,
        /// Base offset found.
        found: i64,
    },
    /// A segment cannot be sealed: it is empty, or a write to it failed.
    #[error("{partition}: the segment cannot be sealed: {reason}")]
    NotSealable {
        /// Whose.
        partition: TopicPartition,
        /// Why.
        reason: &'static str,
    },
    /// Something is encrypted, and nobody handed over a key.
    #[error("{location} is encrypted to {recipients}, and no key was given")]
    NoKey {
        /// The repository.
        location: String,
        /// Public keys, one of whose private halves is needed.
        recipients: String,
    },
    /// The keys that were handed over are none of the repository's.
    #[error("{location} is encrypted to {recipients}; the key that was given belongs to {given}")]
    WrongKey {
        /// The repository.
        location: String,
        /// Public keys, one of whose private halves is needed.
        recipients: String,
        /// Public keys of those that were given.
        given: String,
    },
    /// An object was encrypted to others, before or after.
    #[error("{object} is not encrypted to {given}: it needs the key that was in force when it was written")]
    KeyDoesNotFit {
        /// Which.
        object: String,
        /// Public keys of those that were given.
        given: String,
    },
    /// The passphrase opens none of the keys in the repository.
    #[error("the passphrase does not open {object}: {reason}")]
    WrongPassphrase {
        /// The key.
        object: String,
        /// What age says.
        reason: String,
    },
    /// There is no key for a passphrase to open.
    #[error("{location} has no passphrase: it is encrypted to public keys only")]
    NoPassphrase {
        /// The repository.
        location: String,
    },
    /// Recipients of a repository that is not encrypted.
    #[error("{location} is not encrypted, and cannot be from now on")]
    NotEncrypted {
        /// The repository.
        location: String,
    },
    /// A public key that is none.
    #[error("{text:?} cannot be a public key of this repository: {reason}")]
    InvalidRecipient {
        /// As it was given.
        text: String,
        /// Why.
        reason: String,
    },
    /// A signature must stand for the content.
    #[error("snapshots of {location} cannot be signed: whoever changes its segments can match their XXH3-128 digests")]
    NotSignable {
        /// The repository.
        location: String,
    },
    /// Digests of plain content lie beside the encrypted one.
    #[error("XXH3-128 is not for an encrypted repository: from such digests one may learn what was encrypted")]
    TellingDigest,
    /// Nobody could read what is written.
    #[error("an encrypted repository needs at least one public key")]
    NoRecipient,
    /// An identity file that holds no private key.
    #[error("{}", invalid_identity(*.line))]
    InvalidIdentity {
        /// Its line, from 1; 0 where there is none at all.
        line: usize,
    },
    /// A snapshot was committed, and has no signature.
    #[error("snapshot {sequence} was committed and is not signed: {reason}")]
    NotSigned {
        /// Its number.
        sequence: u64,
        /// Why.
        reason: String,
    },
    /// A document does not serialise.
    #[error("cannot write {object}")]
    Encode {
        /// Which kind.
        object: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl RepositoryError {
    /// Whether the repository itself is not what it should be: exit code 4.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Missing { .. })
    }

    /// Puts damage to an object's name.
    pub fn damaged(object: impl Into<String>, damage: Damage) -> Self {
        Self::Damaged { object: object.into(), damage }
    }

    /// For reads of what something else names: that it is not there is damage.
    pub(super) fn of_named(error: StoreError) -> Self {
        if error.is_not_found() { Self::Missing { object: error.key } } else { Self::Store(error) }
    }
}

impl Classify for RepositoryError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Store(error) => error.class(),
            Self::RefusedBatch { .. } | Self::OutOfOrder { .. } | Self::Damaged { .. } | Self::Missing { .. } => {
                ErrorClass::Corrupt
            }
            Self::NotSealable { .. } | Self::NotSigned { .. } | Self::Encode { .. } => ErrorClass::Fatal,
            _ => ErrorClass::Reject,
        }
    }
}

fn invalid_identity(line: usize) -> String {
    match line {
        0 => "the identity file holds no private key of age".to_owned(),
        line => format!("line {line} of the identity file is no private key of age (AGE-SECRET-KEY-1...)"),
    }
}

/// How damage to an object shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The bytes do not have the digest they should have.
    #[error("its {} digest is {found}, it should be {expected}", ContentDigest::of(.expected))]
    Digest {
        /// As recorded.
        expected: String,
        /// As computed.
        found: String,
    },
    /// The compressed bytes do not have the digest that stands behind them.
    #[error("the BLAKE3 digest of its zstd frame is {found}, behind it stands {expected}")]
    StoredDigest {
        /// As stored.
        expected: String,
        /// As computed.
        found: String,
    },
    /// A document ends before its second line, which holds the digest of the first.
    #[error("its second line, the digest of the first, is cut off or unreadable")]
    NoDigest,
    /// Longer or shorter than recorded.
    #[error("it has {found} bytes, it should have {expected}")]
    Size {
        /// As recorded.
        expected: u64,
        /// As found.
        found: u64,
    },
    /// Larger than anything that is read into memory.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// Most bytes read.
        limit: u64,
    },
    /// Not what its kind of document must look like.
    #[error("it cannot be read: {0}")]
    Json(String),
    /// The compressed bytes do not decompress.
    #[error("it does not decompress: {0}")]
    Zstd(String),
    /// The encrypted bytes do not decrypt.
    #[error("it does not decrypt: {0}")]
    Decrypt(String),
    /// A record batch in it is not whole and sound.
    #[error("at byte {position}: {fault}")]
    Batch {
        /// Where the batch begins in the segment.
        position: u64,
        /// What is wrong with it.
        fault: BatchError,
    },
    /// A batch's offsets do not follow those before it.
    #[error("at byte {position}: a batch at offset {found} follows one that ends at {expected}")]
    OutOfOrder {
        /// Where the batch begins in the segment.
        position: u64,
        /// Smallest base offset that could follow.
        expected: i64,
        /// Base offset found.
        found: i64,
    },
    /// A signature that does not fit what it should sign.
    #[error("it does not prove the snapshot: {0}")]
    Signature(String),
    /// Two things that must agree do not.
    #[error("{0}")]
    Contradiction(String),
}

impl Damage {
    /// Position in the object's bytes, where it is known.
    pub fn position(&self) -> Option<u64> {
        match self {
            Self::Batch { position, .. } | Self::OutOfOrder { position, .. } => Some(*position),
            _ => None,
        }
    }

    /// Offset in the partition, where it is known.
    pub fn offset(&self) -> Option<i64> {
        match self {
            Self::Batch { fault, .. } => base_offset(fault),
            Self::OutOfOrder { found, .. } => Some(*found),
            _ => None,
        }
    }
}

/// The base offset that a faulty batch gives itself.
fn base_offset(fault: &BatchError) -> Option<i64> {
    match fault {
        BatchError::Trailing { base_offset, .. }
        | BatchError::Length { base_offset, .. }
        | BatchError::Magic { base_offset, .. }
        | BatchError::Field { base_offset, .. }
        | BatchError::Checksum { base_offset, .. }
        | BatchError::Legacy { base_offset, .. }
        | BatchError::Wrapper { base_offset, .. }
        | BatchError::Codec { base_offset, .. }
        | BatchError::Decompress { base_offset, .. }
        | BatchError::TooLarge { base_offset, .. }
        | BatchError::Record { base_offset, .. } => Some(*base_offset),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_of_the_class_that_decides_what_is_done() {
        let lost = || StoreError::new("read", None, "s3://bucket", std::io::ErrorKind::TimedOut.into());
        let of_store = lost().class();
        assert_eq!(RepositoryError::Store(lost()).class(), of_store);
        assert_ne!(of_store, ErrorClass::Reject);
        let missing = RepositoryError::Missing { object: "part".to_owned() };
        assert_eq!(missing.class(), ErrorClass::Corrupt);
        assert_eq!(RepositoryError::damaged("part", Damage::NoDigest).class(), ErrorClass::Corrupt);
        let unsigned = RepositoryError::NotSigned { sequence: 1, reason: String::new() };
        assert_eq!(unsigned.class(), ErrorClass::Fatal);
        assert_eq!(
            RepositoryError::NoSuchSnapshot { sequence: 1, location: String::new() }.class(),
            ErrorClass::Reject
        );
    }

    #[test]
    fn damage_names_the_offset_that_the_batch_gives_itself() {
        let of = |fault| Damage::Batch { position: 7, fault };
        let checksum = BatchError::Checksum { base_offset: 42, stored: 1, computed: 2 };
        assert_eq!((of(checksum.clone()).offset(), of(checksum).position()), (Some(42), Some(7)));
        assert_eq!(of(BatchError::Magic { base_offset: 0, magic: 9 }).offset(), Some(0));
        assert_eq!(of(BatchError::Cut { needed: 61, found: 5 }).offset(), None);
        assert_eq!(Damage::OutOfOrder { position: 7, found: 43, expected: 44 }.offset(), Some(43));
        assert_eq!(Damage::NoDigest.offset(), None);
    }
}
