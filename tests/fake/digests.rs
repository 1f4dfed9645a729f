//! Repositories whose segments have the cheaper digest.

use std::fs;

use super::restored::{empty, orders, records};
use super::{Repository, says};
use crate::reader::files;

fn cheaper() -> Repository {
    Repository::init_with(&["--digest", "xxh3-128"])
}

#[test]
fn a_backup_with_the_cheaper_digest_is_continued_verified_copied_and_restored() {
    let source = empty();
    source.create_topic("orders", 1, &[]);
    let (repository, copy, target) = (cheaper(), cheaper(), empty());
    for _ in 0..2 {
        source.produce("orders", 0, records(50));
        repository.report(0, "backup", &source, &[]);
    }
    let place = copy.0.path().join("repository").display().to_string();
    let copied = repository.run("copy", None, &["--to", &place]);
    assert_eq!(copied.status.code(), Some(0), "{copied:?}");
    assert_eq!(copy.run("verify", None, &[]).status.code(), Some(0));
    copy.report(0, "restore", &target, &[]);
    assert_eq!(target.committed_records("orders", 0).len(), 100);
}

#[test]
fn damage_is_found_by_the_cheaper_digest() {
    let source = orders(50);
    let repository = cheaper();
    repository.report(0, "backup", &source, &[]);
    let segment = files(&repository.0.path().join("repository/topics")).pop().unwrap();
    let whole = fs::read(&segment).unwrap();
    // Checksums of batches cover neither the offset at 0 nor the leader's epoch at 12.
    for position in [0, 12, 40, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[position] ^= 1;
        fs::write(&segment, damaged).unwrap();
        assert_eq!(repository.run("verify", None, &[]).status.code(), Some(4), "{position}");
    }
    fs::write(&segment, whole).unwrap();
    assert_eq!(repository.run("verify", None, &[]).status.code(), Some(0));
}

#[test]
fn what_the_cheaper_digest_cannot_stand_for_is_refused() {
    let source = orders(5);
    let repository = cheaper();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("minisign.key");
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    fs::write(&key, pair.sk.to_box(None).unwrap().into_string()).unwrap();
    let signed = repository.run("backup", Some(&source), &["--sign-key", &key.display().to_string()]);
    says(&signed, 5, &["cannot be signed", "XXH3-128", "--digest blake3"]);
    assert!(!repository.0.path().join("repository/topics").exists(), "it was refused before anything was fetched");

    repository.report(0, "backup", &source, &[]);
    let other = Repository::init();
    let place = other.0.path().join("repository").display().to_string();
    says(&repository.run("copy", None, &["--to", &place]), 5, &["XXH3-128", "BLAKE3", "--digest xxh3-128"]);

    let recipient = "age1wyg03cxwfqun6qq5axh8wlkv49v3hlln4ug9f50a0t5z5mp943zst4zrvt";
    let new = Repository(tempfile::TempDir::with_prefix("ktape-fake-").unwrap());
    let encrypted = new.run("init", None, &["--digest", "xxh3-128", "--recipient", recipient]);
    says(&encrypted, 2, &["encrypted", "BLAKE3"]);
    says(&new.run("init", None, &["--digest", "md5"]), 2, &["xxh3-128"]);
}
