//! Copies into repositories that store otherwise: other keys, other compression.

use std::sync::Arc;

use age::secrecy::ExposeSecret;

use super::tests::{Growing, assert_equal, assert_sound, copy_all, copy_with};
use super::{CopyError, CopyOptions};
use crate::model::Secret;
use crate::repository::format::{Compression, Seal};
use crate::repository::{Form, InitOptions, Repository, RepositoryError, Secrets};
use crate::store::{MemoryStore, Store};

fn identity() -> (String, Secrets) {
    let identity = age::x25519::Identity::generate();
    let text = Secret::new(format!("{}\n", identity.to_string().expose_secret()));
    (identity.to_public().to_string(), Secrets { identities: vec![text], passphrase: None })
}

fn options(zstd: bool, recipients: &[&str]) -> InitOptions {
    let compression = zstd.then_some(Compression::Zstd { level: 3 });
    let recipients = recipients.iter().map(|&text| text.to_owned()).collect();
    InitOptions { compression, recipients, ..InitOptions::default() }
}

fn empty(options: &InitOptions) -> (MemoryStore, Repository) {
    let store = MemoryStore::new();
    (store.clone(), Repository::init_in_with(Arc::new(store), options).unwrap())
}

fn opened(store: &MemoryStore, secrets: &Secrets) -> Repository {
    let repository = Repository::open_in(Arc::new(store.clone())).unwrap();
    repository.unlock(secrets).unwrap();
    repository
}

fn seals(repository: &Repository) -> Vec<Seal> {
    let head = repository.latest().unwrap().unwrap().head;
    let lists = repository.topics(&head).unwrap().flat_map(|topic| topic.unwrap().partitions);
    lists.flat_map(|partition| repository.seals(&partition.segments).map(Result::unwrap).collect::<Vec<_>>()).collect()
}

/// Grows, copies, grows, copies again; every snapshot must be equal whatever lies between.
fn there_and_equal(source: &mut Growing, secrets: &Secrets, target: &MemoryStore, theirs: &Secrets) {
    for snapshots in 1..=3 {
        source.grow();
        let from = opened(&source.store, secrets);
        let report = copy_all(&from, &Repository::open_in(Arc::new(target.clone())).unwrap());
        assert_eq!((report.snapshots.len(), report.segments), (1, 2), "{report:?}");
        let there = opened(target, theirs);
        let numbers: Vec<(u64, u64)> = (1..=snapshots).map(|number| (number, number)).collect();
        assert_equal(&from, &there, &numbers);
        assert_sound(&there);
        assert_sound(&Repository::open_in(Arc::new(target.clone())).unwrap());
    }
}

#[test]
fn every_form_into_every_form() {
    let ((ours, our_key), (theirs, their_key)) = (identity(), identity());
    let none = Secrets::default();
    let forms = [(false, false), (true, false), (false, true), (true, true)];
    for (from_zstd, from_age) in forms {
        for (to_zstd, to_age) in forms {
            let (from, to) =
                (if from_age { vec![&*ours] } else { vec![] }, if to_age { vec![&*theirs] } else { vec![] });
            let mut source = Growing::stored(&options(from_zstd, &from));
            let (store, _) = empty(&options(to_zstd, &to));
            let (our_key, their_key) =
                (if from_age { &our_key } else { &none }, if to_age { &their_key } else { &none });
            there_and_equal(&mut source, our_key, &store, their_key);
            let there = opened(&store, their_key);
            let form = Form { zstd: to_zstd, age: to_age };
            assert!(seals(&there).iter().all(|seal| Form::of(&seal.object) == form), "{from_zstd} {from_age} {form:?}");
        }
    }
}

#[test]
fn between_the_same_recipients_no_key_is_needed() {
    let ((one, key), (other, _)) = (identity(), identity());
    let mut source = Growing::stored(&options(true, &[&one, &other]));
    source.grow();
    source.grow();
    let (store, target) = empty(&options(true, &[&other, &one]));
    let keyless = Repository::open_in(Arc::new(source.store.clone())).unwrap();
    let report = copy_all(&keyless, &target);
    assert_eq!((report.snapshots.len(), report.segments), (2, 4));
    // Stored bytes are the same ones, under the same names.
    for seal in seals(&keyless) {
        let key = crate::store::Key::new(seal.object.as_str()).unwrap();
        assert_eq!(store.get(&key).unwrap(), source.store.get(&key).unwrap());
    }
    source.grow();
    assert_eq!(copy_all(&keyless, &target).segments, 2);
    assert_equal(&opened(&source.store, &key), &opened(&store, &key), &[(1, 1), (2, 2), (3, 3)]);
    assert_sound(&opened(&store, &key));
    assert_sound(&target);
}

#[test]
fn where_a_key_is_needed_the_error_says_so() {
    let ((ours, key), (theirs, _)) = (identity(), identity());
    let mut source = Growing::stored(&options(false, &[&ours]));
    source.grow();
    let keyless = Repository::open_in(Arc::new(source.store.clone())).unwrap();
    for target in [options(false, &[]), options(false, &[&theirs]), options(true, &[&ours])] {
        let (_, target) = empty(&target);
        let error = copy_with(&keyless, &target, &CopyOptions::default()).unwrap_err();
        assert!(matches!(&error, CopyError::Source { source: RepositoryError::NoKey { .. }, .. }), "{error:?}");
        assert!(target.snapshots().unwrap().is_empty());
        assert_eq!(copy_all(&opened(&source.store, &key), &target).snapshots.len(), 1);
    }
}

#[test]
fn new_recipients_on_either_side_are_told_apart() {
    let ((one, one_key), (two, two_key)) = (identity(), identity());
    let mut source = Growing::stored(&options(false, &[&one]));
    source.grow();
    let (store, target) = empty(&options(false, &[&one]));
    copy_all(&Repository::open_in(Arc::new(source.store.clone())).unwrap(), &target);
    // From here on the target is for others: what is there stays, what comes needs the key.
    target.change_recipients(vec![two.clone()]).unwrap();
    let target = Repository::open_in(Arc::new(store.clone())).unwrap();
    source.grow();
    let keyless = Repository::open_in(Arc::new(source.store.clone())).unwrap();
    copy_with(&keyless, &target, &CopyOptions::default()).unwrap_err();
    let report = copy_all(&opened(&source.store, &one_key), &target);
    assert_eq!((report.snapshots.len(), report.segments), (1, 2));
    let numbers: Vec<Option<u64>> = seals(&target).iter().map(|seal| seal.keys).collect();
    assert_eq!(numbers, [Some(0), Some(1), Some(0), Some(1)]);
    let both = Secrets { identities: [one_key.identities.clone(), two_key.identities].concat(), passphrase: None };
    assert_equal(&opened(&source.store, &one_key), &opened(&store, &both), &[(1, 1), (2, 2)]);
    assert_sound(&opened(&store, &both));
}
