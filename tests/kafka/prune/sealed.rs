//! Merging needs no key: what is compressed and encrypted is merged as it is stored, and reads as before.

use std::collections::BTreeSet;
use std::fs;

use age::secrecy::ExposeSecret;
use protocol_tests::desk::Desk;
use tempfile::TempDir;

use super::super::{Repository, target};
use super::told::{prune, reported, segments, snapshots, tell_with};

const TOPICS: [&str; 2] = ["sealed-none", "sealed-lz4"];

#[test]
fn what_is_encrypted_is_merged_without_a_key() {
    let cluster = target();
    let desk = Desk::open(&cluster.tools()).unwrap();
    let folder = TempDir::with_prefix("ktape-test-").unwrap();
    let (identity, file) = (age::x25519::Identity::generate(), folder.path().join("key.txt"));
    fs::write(&file, identity.to_string().expose_secret()).unwrap();
    let key = ["--identity-file", file.to_str().unwrap()];
    let repository = Repository { folder, elsewhere: None };
    let done = repository.run("init", &["--compression", "zstd", "--recipient", &identity.to_public().to_string()]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let back_up = || {
        for codec in ["none", "lz4"] {
            desk.step(&format!("bulk:sealed-{codec}:3:90:500:{codec}")).unwrap();
        }
        repository.back_up(cluster, &["--topics", "sealed-*", "--exclude-groups", "*"])
    };
    for _ in 0..8 {
        back_up();
    }
    let told = [7, 8].map(|number| tell_with(&repository, number, &TOPICS, &key));
    let before = segments(&repository);
    for _ in 0..3 {
        prune(&repository, &["--keep-last", "2", "--grace", "0s"]);
    }
    assert_eq!(snapshots(&repository), BTreeSet::from([7, 8]));
    let after = segments(&repository);
    assert!(after.len() * 2 < before.len(), "{after:?}");
    for suffix in [".log.age", ".log.zst.age"] {
        assert!(after.keys().any(|name| name.contains(suffix) && !before.contains_key(name)), "{suffix}: {after:?}");
    }
    let copy = Repository::init();
    reported(&repository, "copy", &[&["--to", &copy.place()], &key[..]].concat());
    for flags in [&[][..], &key] {
        let checked = reported(&repository, "verify", flags);
        assert_eq!((&checked["damage_total"], &checked["left_overs_total"]), (&0.into(), &0.into()), "{checked:#}");
    }
    for (number, told) in [7, 8].iter().zip(&told) {
        assert!(tell_with(&repository, *number, &TOPICS, &key) == *told, "snapshot {number} gives something else");
        assert!(tell_with(&copy, *number, &TOPICS, &[]).exports == told.exports, "the copy gives something else");
    }
    let next = back_up();
    assert_eq!((next["parent"].as_u64(), next["totals"]["new_segments"].as_u64()), (Some(8), Some(6)), "{next:#}");
}
