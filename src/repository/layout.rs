//! Where everything lies. Every object name in a repository is made here, and nowhere else.

use super::crypt::Form;
use super::format::PartRef;
use crate::model::{TopicId, TopicName};
use crate::store::{InvalidKey, Key};

/// The repository's own document.
pub const REPOSITORY: &str = "repository.json";
/// Folder of segments.
pub const TOPICS: &str = "topics";
/// Folder of runs.
pub const RUNS: &str = "runs";
/// Folder of parts.
pub const INDEX: &str = "index";
/// Folder of snapshot heads.
pub const SNAPSHOTS: &str = "snapshots";
/// Folder of restores.
pub const RESTORES: &str = "restores";
/// Folder of keys.
pub const KEYS: &str = "keys";
/// Folder of locks.
pub const LOCKS: &str = "locks";
/// How the names of documents end that say what a merged object is made of.
const PIECES: &str = ".pieces.json";
/// Folder of files that have no name yet.
pub const TEMPORARY: &str = "tmp";

/// Folder of programs.
pub const TOOL: &str = "tool";
/// What a folder of a program holds, in that folder.
pub const TOOL_DOCUMENT: &str = "tool.json";
/// Plan of a restore, in its folder.
pub const RESTORE_PLAN: &str = "plan.json";
/// What stands for the key of a restore where offsets were committed without one.
pub const OFFSETS: &str = "offsets";
/// What the name of a signature ends with, after the name of what it signs: what `minisign -V` looks for.
const SIGNATURE: &str = ".minisig";

/// The repository's own document.
pub fn repository() -> Result<Key, InvalidKey> {
    Key::new(REPOSITORY)
}

/// Folder of a partition's segments.
pub fn partition(topic: &TopicName, id: TopicId, partition: i32) -> Result<Key, InvalidKey> {
    Key::new(format!("{TOPICS}/{topic}/{}/{partition}", generation(id)))
}

/// Name of a generation: its topic id, `none` where brokers have no ids.
pub fn generation(id: TopicId) -> String {
    if id == TopicId::ZERO { "none".to_owned() } else { id.to_string() }
}

/// A segment: `DumpLogSegments` takes the base offset from the name's first 20 digits. `random` keeps the names of two
/// writers of the same offsets apart.
pub fn segment(folder: &Key, base: i64, next: i64, random: &str, form: Form) -> Result<Key, InvalidKey> {
    folder.join(&format!("{base:020}.{next:020}-{random}{}", form.suffix()))
}

/// The same where it must be named before its end is known.
pub fn early_segment(folder: &Key, base: i64, random: &str, form: Form) -> Result<Key, InvalidKey> {
    folder.join(&format!("{base:020}.{random}{}", form.suffix()))
}

/// Whether a name is one that [`segment`] or [`early_segment`] makes.
pub fn is_segment_name(name: &str) -> bool {
    segment_stem(name).is_some()
}

/// A segment's name without what says how it is stored, and that.
pub fn segment_stem(name: &str) -> Option<(&str, Form)> {
    let digits = |text: &str| text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    let hexadecimal = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (stem, form) = Form::split(name)?;
    let (base, rest) = stem.split_once('.')?;
    let legal = match rest.split_once('-') {
        Some((next, random)) => digits(base) && digits(next) && hexadecimal(random),
        None => digits(base) && hexadecimal(rest),
    };
    legal.then_some((stem, form))
}

/// The document that says what a merged object is made of; it lies beside it.
pub fn pieces_of(object: &Key) -> Option<Result<Key, InvalidKey>> {
    let (folder, name) = object.as_str().rsplit_once('/')?;
    let (stem, _) = segment_stem(name)?;
    Some(Key::new(format!("{folder}/{stem}{PIECES}")))
}

/// Whether a name is one that [`pieces_of`] makes.
pub fn is_pieces_name(name: &str) -> bool {
    name.strip_suffix(PIECES).is_some_and(|stem| is_segment_name(&format!("{stem}.log")))
}

/// A part, by the BLAKE3 of its plain JSON.
pub fn part(digest: &str) -> Result<Key, InvalidKey> {
    Key::new(format!("{INDEX}/{digest}.json.zst"))
}

/// A part that may be encrypted: then by the BLAKE3 of its stored bytes.
pub fn part_of(part: &PartRef) -> Result<Key, InvalidKey> {
    match part {
        PartRef::Plain(digest) => self::part(digest),
        PartRef::Encrypted(encrypted) => Key::new(format!("{INDEX}/{}.json.zst.age", encrypted.stored)),
    }
}

/// To whom is encrypted from then on, counted from 1.
pub fn keys(number: u64) -> Result<Key, InvalidKey> {
    Key::new(format!("{KEYS}/{number:06}.json"))
}

/// The number in such a name.
pub fn keys_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".json")?;
    // Only the one spelling that `keys` makes.
    digits.parse().ok().filter(|number| format!("{number:06}") == digits && *number > 0)
}

/// A private key, encrypted with a passphrase.
pub fn passphrase_key(random: &str) -> Result<Key, InvalidKey> {
    Key::new(format!("{KEYS}/passphrase-{random}.age"))
}

/// Whether a name in the folder of parts is a part's.
pub fn is_part_name(name: &str) -> bool {
    name.split_once('.').is_some_and(|(digest, rest)| {
        let hexadecimal = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        hexadecimal && matches!(rest, "json.zst" | "json.zst.age")
    })
}

/// A snapshot's head.
pub fn snapshot(sequence: u64) -> Result<Key, InvalidKey> {
    Key::new(format!("{SNAPSHOTS}/{sequence:010}.json"))
}

/// The signature of a snapshot's head.
pub fn signature(sequence: u64) -> Result<Key, InvalidKey> {
    Key::new(format!("{SNAPSHOTS}/{sequence:010}.json{SIGNATURE}"))
}

/// The number of the snapshot in the name of a signature.
pub fn signature_number(name: &str) -> Option<u64> {
    snapshot_number(name.strip_suffix(SIGNATURE)?)
}

/// The number in the name of a snapshot's head.
pub fn snapshot_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".json")?;
    // Only the one spelling that `snapshot` makes: else two names would mean one number.
    digits.parse().ok().filter(|number| format!("{number:010}") == digits && *number > 0)
}

/// Folder of a run's batches of seals.
pub fn run(run: &str) -> Result<Key, InvalidKey> {
    Key::new(format!("{RUNS}/{run}"))
}

/// One batch of seals, counted from 1.
pub fn seal_batch(run: &str, number: u64) -> Result<Key, InvalidKey> {
    Key::new(format!("{RUNS}/{run}/{number:06}.json"))
}

/// Folder of one restore; `key` tells what is restored to where.
pub fn restore(key: &str, id: &str) -> Result<Key, InvalidKey> {
    Key::new(format!("{RESTORES}/{key}/{id}"))
}

/// A lock for one purpose and one selection.
pub fn lock(purpose: &str, selection_digest: &str) -> Result<Key, InvalidKey> {
    let short = selection_digest.get(..16).unwrap_or(selection_digest);
    Key::new(format!("{LOCKS}/{purpose}-{short}.lock"))
}

/// What is written to learn the store's time.
pub fn clock() -> Result<Key, InvalidKey> {
    Key::new(format!("{LOCKS}/clock"))
}

/// A folder at the root.
pub fn folder(name: &str) -> Result<Key, InvalidKey> {
    Key::new(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_lies_where_format_md_says() {
        let topic = TopicName::new("orders").unwrap();
        let id = TopicId(1_u128.to_be_bytes());
        let key = segment(&partition(&topic, id, 3).unwrap(), 5554, 9001, "1a2b3c4d", Form::default()).unwrap();
        let expected = "topics/orders/AAAAAAAAAAAAAAAAAAAAAQ/3/00000000000000005554.00000000000000009001-1a2b3c4d.log";
        assert_eq!(key.as_str(), expected);
        assert!(is_segment_name(key.name()) && !is_segment_name("00000000000000005554.log"));
        let pieces = pieces_of(&key).unwrap().unwrap();
        assert_eq!(pieces.name(), "00000000000000005554.00000000000000009001-1a2b3c4d.pieces.json");
        assert!(is_pieces_name(pieces.name()) && !is_pieces_name(key.name()) && !is_pieces_name("notes.pieces.json"));
        let early = early_segment(&partition(&topic, id, 3).unwrap(), 5554, "1a2b3c4d", Form::default()).unwrap();
        assert!(is_segment_name(early.name()) && early.as_str().ends_with("/00000000000000005554.1a2b3c4d.log"));
        assert!(partition(&topic, TopicId::ZERO, 0).unwrap().as_str().ends_with("orders/none/0"));
    }

    #[test]
    fn names_that_only_look_like_ours_are_not() {
        let (base, next) = ("00000000000000005554", "00000000000000009001");
        let good = [format!("{base}.{next}-1a2b3c4d.log"), format!("{base}.1a2b3c4d.log")];
        assert!(good.iter().all(|name| is_segment_name(name)));
        let bad = [
            format!("0{base}.{next}-1a2b3c4d.log"),
            format!("x{}.{next}-1a2b3c4d.log", &base[1..]),
            format!("{base}.0{next}-1a2b3c4d.log"),
            format!("{base}.x{}-1a2b3c4d.log", &next[1..]),
            format!("{base}.{next}-1a2b3c4d5.log"),
            format!("{base}.{next}-1a2b3c4x.log"),
            format!("0{base}.1a2b3c4d.log"),
            format!("{base}.1a2b3c4d5.log"),
            format!("{base}.1a2b3c4x.log"),
        ];
        for name in bad {
            assert!(!is_segment_name(&name), "{name}");
        }
        let digest = "0123456789abcdef".repeat(4);
        for end in ["json.zst", "json.zst.age"] {
            assert!(is_part_name(&format!("{digest}.{end}")));
        }
        let bad = [
            format!("{digest}0.json.zst"),
            format!("x{}.json.zst", &digest[1..]),
            format!("{digest}.json"),
            format!("{}.json", &digest[1..]),
        ];
        for name in bad {
            assert!(!is_part_name(&name), "{name}");
        }
    }

    #[test]
    fn key_names_are_read_in_one_spelling_only() {
        assert_eq!(keys(42).unwrap().as_str(), "keys/000042.json");
        assert_eq!((keys_number("000042.json"), keys_number("1234567.json")), (Some(42), Some(1_234_567)));
        for other in ["42.json", "0000042.json", "000042", "+00042.json", "000000.json", "x.json"] {
            assert_eq!(keys_number(other), None, "{other}");
        }
        assert_eq!(signature(42).unwrap().as_str(), "snapshots/0000000042.json.minisig");
        assert_eq!(signature_number("0000000042.json.minisig"), Some(42));
        assert_eq!(signature_number("0000000042.json"), None);
    }

    #[test]
    fn snapshot_names_are_read_in_one_spelling_only() {
        assert_eq!(snapshot(42).unwrap().as_str(), "snapshots/0000000042.json");
        assert_eq!(snapshot_number("0000000042.json"), Some(42));
        assert_eq!(snapshot_number("12345678901.json"), Some(12_345_678_901));
        for other in ["42.json", "00000000042.json", "0000000042", "+000000042.json", "0000000000.json", "x.json"] {
            assert_eq!(snapshot_number(other), None, "{other}");
        }
    }
}
