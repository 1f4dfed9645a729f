//! Plain documents: one line of JSON, and a second line that holds the BLAKE3 of the first.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{Damage, RepositoryError};
use super::format::{FORMAT_VERSION, FormatVersion};
use crate::store::{Key, Store};

/// Largest document that is read, in bytes.
const DOCUMENT_BYTES_MAX: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
struct DigestLine {
    digest: String,
}

#[derive(Deserialize)]
struct Versioned {
    format: FormatVersion,
}

/// The bytes of a document and the digest of its first line.
pub(super) fn encode<T: Serialize>(object: &str, document: &T) -> Result<(Vec<u8>, String), RepositoryError> {
    let failed = |source| RepositoryError::Encode { object: object.to_owned(), source };
    let mut bytes = serde_json::to_vec(document).map_err(failed)?;
    let digest = blake3::hash(&bytes).to_hex().to_string();
    bytes.push(b'\n');
    serde_json::to_writer(&mut bytes, &DigestLine { digest: digest.clone() }).map_err(failed)?;
    bytes.push(b'\n');
    Ok((bytes, digest))
}

/// The document, and the digest of its first line.
pub(super) fn decode<T: DeserializeOwned>(object: &str, bytes: &[u8]) -> Result<(T, String), RepositoryError> {
    let (line, digest) = checked_line(bytes).map_err(|damage| RepositoryError::damaged(object, damage))?;
    let document = serde_json::from_slice(line)
        .map_err(|error| RepositoryError::damaged(object, Damage::Json(error.to_string())))?;
    Ok((document, digest))
}

/// The same of a document that names its format: a newer one is refused before anything else of it is believed.
pub(super) fn decode_versioned<T: DeserializeOwned>(
    object: &str,
    bytes: &[u8],
) -> Result<(T, String), RepositoryError> {
    let (Versioned { format }, _) = decode(object, bytes)?;
    if format.major > FORMAT_VERSION.major {
        return Err(RepositoryError::NewerFormat { object: object.to_owned(), found: format, known: FORMAT_VERSION });
    }
    decode(object, bytes)
}

/// Reads an object that is not larger than any document is.
pub(super) fn read(store: &dyn Store, key: &Key) -> Result<Vec<u8>, RepositoryError> {
    let info = store.info(key)?.ok_or_else(|| RepositoryError::Missing { object: key.to_string() })?;
    if info.size > DOCUMENT_BYTES_MAX {
        return Err(RepositoryError::damaged(key.as_str(), Damage::TooLarge { limit: DOCUMENT_BYTES_MAX }));
    }
    store.get(key).map_err(RepositoryError::of_named)
}

fn checked_line(bytes: &[u8]) -> Result<(&[u8], String), Damage> {
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Damage::NoDigest)?;
    let (line, rest) = bytes.split_at(end);
    let rest = rest.strip_prefix(b"\n").and_then(|rest| rest.strip_suffix(b"\n")).ok_or(Damage::NoDigest)?;
    let DigestLine { digest: expected } = serde_json::from_slice(rest).map_err(|_| Damage::NoDigest)?;
    let found = blake3::hash(line).to_hex().to_string();
    if found == expected { Ok((line, found)) } else { Err(Damage::Digest { expected, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::repository::ContentDigest;
    use crate::repository::format::RepositoryDocument;

    fn document() -> RepositoryDocument {
        RepositoryDocument {
            format: FORMAT_VERSION,
            repository_id: "0".repeat(32),
            created: Timestamp(0),
            ktape_version: "0.1.0".to_owned(),
            compression: None,
            encryption: None,
            digest: ContentDigest::default(),
        }
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let (bytes, digest) = encode("x", &document()).unwrap();
        assert_eq!(decode_versioned::<RepositoryDocument>("x", &bytes).unwrap(), (document(), digest));
        for position in 0..bytes.len() {
            for flip in [1_u8, 0x80] {
                let mut damaged = bytes.clone();
                damaged[position] ^= flip;
                let error = decode_versioned::<RepositoryDocument>("x", &damaged).unwrap_err();
                assert!(error.is_damage(), "byte {position}: {error}");
            }
        }
        for length in 0..bytes.len() {
            assert!(decode::<RepositoryDocument>("x", &bytes[..length]).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn a_newer_format_is_refused_by_name_even_if_it_looks_different() {
        let newer = serde_json::json!({"format": {"major": 3, "minor": 1}, "other": []});
        let (bytes, _) = encode("x", &newer).unwrap();
        let error = decode_versioned::<RepositoryDocument>("repository.json", &bytes).unwrap_err();
        assert_eq!(error.to_string(), "repository.json has format 3.1, this ktape knows 2.0");
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let mut newer = serde_json::to_value(document()).unwrap();
        newer["later"] = serde_json::json!({"x": 1});
        let (bytes, _) = encode("x", &newer).unwrap();
        assert_eq!(decode_versioned::<RepositoryDocument>("x", &bytes).unwrap().0, document());
    }
}
