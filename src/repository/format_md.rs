//! FORMAT.md is checked: its examples decode, hold every field that is written, and every field is explained.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::document;
use super::format::{
    ConfigsPart, EncryptedPart, Excluded, FORMAT_VERSION, GroupNames, GroupsPart, KeysDocument, MapSummary,
    OffsetsCommit, PiecesDocument, RepositoryDocument, RestoreDone, RestoreMarking, RestorePlanDocument,
    RestoreRecords, RestoreTopics, SavedGroups, Seal, SealBatch, SettingsPart, SnapshotHead, ToolDocument, TopicShard,
};
use super::segment::{Facts, Scan};
use crate::batch::walk;
use crate::model::Timestamp;

const TEXT: &str = include_str!("../../FORMAT.md");

/// What stands in the code block after `<!-- example: name -->`.
fn example(name: &str) -> &'static str {
    let (_, rest) = TEXT.split_once(&format!("<!-- example: {name} -->\n")).unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("```").unwrap().0
}

/// Decodes an example; nothing of it may be unknown, and nothing that would be written may lack.
fn decoded<T: Serialize + DeserializeOwned>(name: &str) -> T {
    let value: Value = serde_json::from_str(example(name)).unwrap();
    let document: T = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&document).unwrap(), value, "{name}");
    document
}

#[test]
fn the_repository_document_is_as_it_stands_there() {
    let bytes = example("repository").as_bytes();
    let (document, _): (RepositoryDocument, String) = document::decode_versioned("example", bytes).unwrap();
    assert_eq!(document.format, FORMAT_VERSION);
    assert_eq!(document::encode("example", &document).unwrap().0, bytes);
}

#[test]
fn every_other_document_decodes_and_is_whole() {
    assert_eq!(decoded::<SnapshotHead>("head").sequence, 42);
    assert_eq!(decoded::<TopicShard>("shard").topics.len(), 1);
    assert_eq!(decoded::<GroupsPart>("groups").groups[0].offsets[0].committed.offset, 3);
    assert_eq!(decoded::<SettingsPart>("settings").acls.len(), 1);
    assert_eq!(decoded::<Excluded>("excluded").topics.len(), 2);
    assert_eq!(decoded::<EncryptedPart>("encrypted-part").keys, 0);
    assert_eq!(decoded::<GroupNames>("group-names").groups.len(), 1);
    assert_eq!(decoded::<ConfigsPart>("configs").topics.len(), 1);
    assert_eq!(decoded::<KeysDocument>("keys").number, 1);
    assert_eq!(decoded::<SealBatch>("run").continues.len(), 1);
    assert_eq!(decoded::<PiecesDocument>("pieces").tiled(), Some(484));
    assert_eq!(decoded::<ToolDocument>("tool").files.len(), 1);
    assert_eq!(decoded::<RestorePlanDocument>("restore-plan").key.renames.len(), 1);
    assert_eq!(decoded::<RestoreTopics>("restore-topics").topics[0].partitions.len(), 1);
    assert_eq!(decoded::<RestoreMarking>("restore-marking").began, Timestamp(1_763_805_600_000));
    assert!(decoded::<RestoreRecords>("restore-records").notes.is_empty());
    assert_eq!(decoded::<MapSummary>("map-summary").log_end, 6);
    assert_eq!(decoded::<SavedGroups>("restore-groups").groups.len(), 1);
    assert_eq!(decoded::<OffsetsCommit>("offsets-commit").wanted.len(), 1);
    assert_eq!(decoded::<RestoreDone>("restore-done").held[0].configs.len(), 1);
}

#[test]
fn the_seal_describes_the_segment() {
    let seal: Seal = decoded("seal");
    let hex: String = example("segment").split_whitespace().collect();
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    assert_eq!(blake3::hash(&bytes).to_hex().as_str(), seal.digest);
    let mut scan = Scan::new(&seal.carried);
    for batch in walk(&bytes) {
        scan.add(&batch.unwrap(), Timestamp(-1)).unwrap();
    }
    assert_eq!(Facts::of(&seal).differences(&scan.finish()), [""; 0]);
}

#[test]
fn a_stored_seal_has_the_fields_that_stand_there() {
    let mut seal: Value = serde_json::from_str(example("seal")).unwrap();
    let stored: Value = serde_json::from_str(example("seal-stored")).unwrap();
    for (name, value) in stored.as_object().unwrap() {
        seal[name] = value.clone();
    }
    let decoded: Seal = serde_json::from_value(seal.clone()).unwrap();
    assert_eq!(serde_json::to_value(&decoded).unwrap(), seal);
    assert!(decoded.frames.len() == 1 && decoded.keys == Some(0));
}

#[test]
fn every_field_is_explained() {
    let mut fields = BTreeSet::new();
    let restores = [
        "restore-plan",
        "restore-topics",
        "restore-marking",
        "restore-records",
        "map-summary",
        "restore-groups",
        "offsets-commit",
        "restore-done",
    ];
    let private = ["encrypted-part", "group-names", "configs", "keys", "seal-stored"];
    let others = ["head", "shard", "seal", "groups", "settings", "excluded", "run", "pieces", "tool"];
    for name in others.into_iter().chain(private).chain(restores) {
        names(&serde_json::from_str(example(name)).unwrap(), &mut fields);
    }
    names(&serde_json::from_str(example("repository").lines().next().unwrap()).unwrap(), &mut fields);
    let prose: String = TEXT.split("```").step_by(2).collect();
    let unexplained: Vec<&String> = fields.iter().filter(|field| !prose.contains(&format!("`{field}`"))).collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}

fn names(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                into.insert(name.clone());
                names(value, into);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| names(value, into)),
        _ => {}
    }
}
