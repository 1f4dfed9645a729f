//! Every kind of object of a repository, damaged in every way: flipped, cut, missing, swapped with another of its kind,
//! added. Verify names each, or [`harmless`] says why it is no damage.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::matrix_fixture::{Fixture, MERGED, fixture};
use super::*;
use crate::model::Secret;
use crate::progress::Silent;
use crate::repository::format::{Compression, PiecesDocument};
use crate::repository::{ContentDigest, InitOptions};
use crate::store::{Key, MemoryStore, Store};

/// A way to spoil an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// One bit, at the beginning, in the middle, at the end.
    Flip,
    /// Shorter by one byte, by half, empty.
    Cut,
    /// Bytes behind its end.
    Longer,
    /// Not there.
    Missing,
    /// The bytes of another of its kind, and that one's are its.
    Swapped,
    /// Once more, under a name of its kind that nothing names.
    Added,
}

const WAYS: [Way; 6] = [Way::Flip, Way::Cut, Way::Longer, Way::Missing, Way::Swapped, Way::Added];

/// What kind of object a name is of: one line of the matrix.
pub(super) fn kind(name: &str) -> &'static str {
    let parts: Vec<&str> = name.split('/').collect();
    match (parts.first().copied().unwrap_or_default(), parts.last().copied().unwrap_or_default()) {
        ("repository.json", _) => "repository",
        ("snapshots", last) if last.ends_with(".minisig") => "signature",
        ("snapshots", _) => "head",
        ("index", last) if last.contains(".age") => "encrypted part",
        ("index", _) => "part",
        ("topics", last) if last.ends_with(".pieces.json") => "pieces",
        ("topics", last) if last.contains(MERGED) => "merged segments",
        ("topics", last) if last.contains(".age") => "encrypted segment",
        ("topics", last) if last.contains(".zst") => "compressed segment",
        ("topics", _) => "segment",
        ("runs", _) => "run",
        ("restores", _) if parts.contains(&"maps") => "map",
        ("restores", "plan.json") => "restore plan",
        ("restores", _) => "restore document",
        ("locks", _) => "lock",
        ("keys", last) if last.starts_with("passphrase-") => "passphrase key",
        ("keys", _) => "keys",
        ("tool", "tool.json") => "tool document",
        ("tool", _) => "tool file",
        _ => "unknown",
    }
}

/// Why verify may pass over it.
fn harmless(kind: &str, way: Way) -> Option<&'static str> {
    match (kind, way) {
        ("lock", _) => Some("what a lock says means nothing once nobody holds it"),
        ("run", Way::Missing) => Some("its segments are left over, or in a snapshot: what is lacking is fetched again"),
        ("restore document" | "map", Way::Missing) => Some("the restore is unfinished, and the same command goes on"),
        ("restore document" | "map", Way::Swapped) => {
            Some("a document of another restore that is whole: no backup reads it")
        }
        ("map", Way::Longer) => Some("nothing is read behind the last line"),
        ("map", Way::Flip) => Some("the last line is for the record; the lines before are covered by its digest"),
        ("restore document" | "restore plan" | "map" | "run", Way::Added) => Some("it says the same once more"),
        ("tool document", Way::Missing) => Some("all files of the program are then named, as unfinished"),
        ("head", Way::Missing) => Some("pruning removes heads; --expect finds the one that should be there"),
        _ => None,
    }
}

struct Matrix {
    fixture: Fixture,
    objects: Vec<Key>,
    /// By kind and way: how many were tried.
    tried: BTreeMap<(String, String), usize>,
    wrong: Vec<String>,
}

#[test]
fn every_object_damaged_in_every_way_is_named() {
    damage_everything(&InitOptions::default(), 14);
}

#[test]
fn every_compressed_object_damaged_in_every_way_is_named() {
    let compression = Some(Compression::Zstd { level: 1 });
    damage_everything(&InitOptions { compression, ..InitOptions::default() }, 14);
}

#[test]
fn every_object_of_a_repository_with_the_cheaper_digest_damaged_in_every_way_is_named() {
    damage_everything(&InitOptions { digest: ContentDigest::Xxh3, ..InitOptions::default() }, 13);
}

/// Without any private key.
#[test]
fn every_encrypted_object_damaged_in_every_way_is_named() {
    let recipients = vec![age::x25519::Identity::generate().to_public().to_string()];
    let passphrase = Some(Secret::new("correct horse"));
    let compression = Some(Compression::Zstd { level: 1 });
    damage_everything(&InitOptions { compression, recipients, passphrase, ..InitOptions::default() }, 17);
}

fn damage_everything(options: &InitOptions, kinds_expected: usize) {
    let fixture = fixture(options);
    let objects = fixture.store.list(None).unwrap().into_iter().map(|object| object.key).collect();
    let mut matrix = Matrix { fixture, objects, tried: BTreeMap::new(), wrong: Vec::new() };
    let sound = matrix.names(&matrix.fixture.store).unwrap_or_default();
    assert!(sound.is_empty(), "sound, and yet: {sound:?}");
    for object in some(matrix.objects.clone()) {
        for way in WAYS {
            matrix.spoil(&object, way);
        }
    }
    assert!(matrix.wrong.is_empty(), "{} of them:\n{}", matrix.wrong.len(), matrix.wrong.join("\n"));
    let kinds: std::collections::BTreeSet<&str> = matrix.tried.keys().map(|(kind, _)| kind.as_str()).collect();
    assert!(kinds.len() >= kinds_expected && !kinds.contains("unknown"), "{kinds:?}");
}

impl Matrix {
    fn spoil(&mut self, object: &Key, way: Way) {
        let kind = kind(object.as_str());
        for (store, changed) in self.spoiled(object, way) {
            *self.tried.entry((kind.to_owned(), format!("{way:?}"))).or_default() += 1;
            let found = self.names(&store);
            let there = |names: &Vec<String>| match (kind, way) {
                // What only a damaged part names cannot be looked at.
                ("part" | "encrypted part", Way::Swapped) => changed.iter().any(|one| names.contains(one)),
                _ => changed.iter().all(|one| names.contains(one)),
            };
            let named = found.as_ref().is_none_or(there);
            let excused = harmless(kind, way).is_some();
            if !named && !excused {
                self.wrong.push(format!("{kind}, {way:?}: {changed:?} is not named, but {found:?}"));
            }
        }
    }

    /// What verify names. `None` where the repository cannot even be opened, and the error names the object.
    fn names(&self, store: &MemoryStore) -> Option<Vec<String>> {
        let repository = match Repository::open_in(Arc::new(store.clone())) {
            Ok(repository) => repository,
            Err(RepositoryError::NotARepository { .. }) => return None,
            Err(error) => {
                let text = error.to_string();
                assert!(text.starts_with("repository.json") || text.starts_with("keys/"), "{error}");
                return None;
            }
        };
        let signed = repository.document().digest.is_blake3();
        let options = VerifyOptions {
            signed_by: signed.then(|| self.fixture.key.public().clone()).into_iter().collect(),
            threads: 1,
            ..VerifyOptions::default()
        };
        let report = verify(&repository, &options, &Silent, &Cancel::new()).unwrap();
        let merged = |detail: &str| Some(detail.split_once("; it was merged into ")?.1.split_once(' ')?.0.to_owned());
        let damage = report.damage.into_iter().flat_map(|one| [merged(&one.detail), Some(one.object)]).flatten();
        Some(damage.chain(report.left_overs.into_iter().map(|one| one.object)).collect())
    }

    /// The store after each variant of that damage, and the names that were changed.
    fn spoiled(&self, object: &Key, way: Way) -> Vec<(MemoryStore, Vec<String>)> {
        let whole = self.fixture.store.get(object).unwrap();
        let name = vec![object.to_string()];
        let with = |bytes: &[u8]| {
            let store = copy(&self.fixture.store);
            store.put(object, bytes).unwrap();
            (store, name.clone())
        };
        let flip = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            with(&bytes)
        };
        match way {
            Way::Flip if whole.is_empty() => Vec::new(),
            Way::Flip => [0, whole.len() / 3, whole.len() / 2, whole.len() - 1].map(flip).into(),
            Way::Cut => [0, whole.len() / 2, whole.len().saturating_sub(1)].map(|at| with(&whole[..at])).into(),
            Way::Longer => vec![with(&[&whole[..], b"x"].concat())],
            Way::Missing => {
                let store = copy(&self.fixture.store);
                store.delete(object).unwrap();
                let names = if kind(object.as_str()) == "pieces" { pieces(&whole) } else { name };
                vec![(store, names)]
            }
            Way::Swapped => self.swapped(object, &whole).into_iter().collect(),
            Way::Added => self.added(object, &whole).into_iter().collect(),
        }
    }

    fn swapped(&self, object: &Key, whole: &[u8]) -> Option<(MemoryStore, Vec<String>)> {
        let other = self.objects.iter().filter(|other| {
            let same = kind(other.as_str()) == kind(object.as_str()) && ending(other) == ending(object);
            same && self.fixture.store.get(other).unwrap() != whole
        });
        // In one run the order of batches says nothing: rather one of another folder.
        let other = other.max_by_key(|other| folder(other) != folder(object))?;
        let bytes = self.fixture.store.get(other).unwrap();
        let store = copy(&self.fixture.store);
        store.put(other, whole).unwrap();
        store.put(object, &bytes).unwrap();
        Some((store, vec![object.to_string(), other.to_string()]))
    }

    fn added(&self, object: &Key, whole: &[u8]) -> Option<(MemoryStore, Vec<String>)> {
        let name = object.as_str();
        let added = match kind(name) {
            "repository" => return None,
            "head" => "snapshots/0000000099.json".to_owned(),
            "signature" => "snapshots/0000000099.json.minisig".to_owned(),
            // Another first digit of a digest, another random part, another number.
            "part" | "encrypted part" => name.replacen("index/", "index/0123456789abcdef", 1),
            "segment" | "compressed segment" | "encrypted segment" | "merged segments" => name.replace(".log", "0.log"),
            _ => {
                let (folder, last) = name.rsplit_once('/').unwrap();
                format!("{folder}/9{last}")
            }
        };
        let store = copy(&self.fixture.store);
        store.put(&Key::new(added.as_str()).unwrap(), whole).unwrap();
        Some((store, vec![added]))
    }
}

/// Nothing names a document of pieces: without it the segments that it holds are missing.
fn pieces(document: &[u8]) -> Vec<String> {
    let line = document.split(|byte| *byte == b'\n').next().unwrap();
    let document: PiecesDocument = serde_json::from_slice(line).unwrap();
    document.pieces.into_iter().map(|piece| piece.object).collect()
}

fn folder(key: &Key) -> &str {
    key.as_str().rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// At most so many objects of each kind: the ends of the list.
fn some(objects: Vec<Key>) -> Vec<Key> {
    let mut by_kind: BTreeMap<&'static str, Vec<Key>> = BTreeMap::new();
    for key in objects {
        by_kind.entry(kind(key.as_str())).or_default().push(key);
    }
    let ends = |of_kind: Vec<Key>| {
        let last = of_kind.len().saturating_sub(2);
        of_kind.into_iter().enumerate().filter(move |(at, _)| *at < 2 || *at >= last).map(|(_, key)| key)
    };
    let part = by_kind.remove("part").unwrap_or_default();
    by_kind.into_values().flat_map(ends).chain(part).collect()
}

/// What tells variants of a kind apart: a program is not swapped with a text.
fn ending(key: &Key) -> &str {
    key.name()
        .split_once('.')
        .map_or("", |(_, ending)| ending.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '-'))
}

fn copy(store: &MemoryStore) -> MemoryStore {
    let copy = MemoryStore::new();
    for object in store.list(None).unwrap() {
        copy.put(&object.key, &store.get(&object.key).unwrap()).unwrap();
    }
    copy
}
