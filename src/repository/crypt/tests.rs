//! Every form, read from every place, with the right key, the wrong one and none.

use std::io::Read;
use std::sync::Arc;

use age::secrecy::ExposeSecret;

use super::{Form, InitOptions, Secrets};
use crate::model::Secret;
use crate::repository::format::{Compression, ConfigEntry, GroupsPart, PartRef, PassphraseKey, Seal, SegmentList};
use crate::repository::testing::{self, CLUSTER};
use crate::repository::{Repository, RepositoryError, layout};
use crate::store::{Key, MemoryStore, Store};

fn identity() -> (String, Secrets) {
    let identity = age::x25519::Identity::generate();
    let text = Secret::new(format!("# a key\n{}\n", identity.to_string().expose_secret()));
    (identity.to_public().to_string(), Secrets { identities: vec![text], passphrase: None })
}

fn options(zstd: bool, recipients: &[String]) -> InitOptions {
    let compression = zstd.then_some(Compression::Zstd { level: 3 });
    InitOptions { compression, recipients: recipients.to_vec(), ..InitOptions::default() }
}

fn batches(count: i64) -> Vec<Vec<u8>> {
    (0..count).map(|number| testing::batch(number * 400, 400)).collect()
}

fn seal(repository: &Repository, batches: &[Vec<u8>]) -> Seal {
    let run = repository.begin_run(CLUSTER).unwrap();
    testing::segment(repository, &run, testing::start("orders", 0, &run, None), batches)
}

fn opened(store: &MemoryStore, secrets: &Secrets) -> Repository {
    let repository = Repository::open_in(Arc::new(store.clone())).unwrap();
    repository.unlock(secrets).unwrap();
    repository
}

#[test]
fn every_form_gives_the_log_back_from_any_batch() {
    let (recipient, secrets) = identity();
    let batches = batches(420);
    let plain = batches.concat();
    assert!(plain.len() > 3 << 20, "{}: several frames", plain.len());
    for (zstd, age) in [(false, false), (true, false), (false, true), (true, true)] {
        let store = MemoryStore::new();
        let recipients = if age { vec![recipient.clone()] } else { Vec::new() };
        let made = Repository::init_in_with(Arc::new(store.clone()), &options(zstd, &recipients)).unwrap();
        let seal = seal(&made, &batches);
        let form = Form { zstd, age };
        assert!(
            seal.object.ends_with(form.suffix()) && layout::is_segment_name(seal.object.rsplit('/').next().unwrap())
        );
        let stored = store.get(&Key::new(seal.object.as_str()).unwrap()).unwrap();
        assert_eq!(stored.len() as u64, seal.length);
        assert_eq!(seal.stored_digest, (!form.is_plain()).then(|| blake3::hash(&stored).to_hex().to_string()));
        assert_eq!((seal.frames.len() > 3, seal.keys), (zstd, age.then_some(0)));
        assert_eq!(zstd && !age, stored.len() < plain.len() / 3 && !age);
        let repository = opened(&store, &secrets);
        let mut whole = repository.read_whole(&seal).unwrap();
        let mut read = Vec::new();
        whole.read_to_end(&mut read).unwrap();
        assert!(read == plain);
        assert_eq!(whole.stored_digest().unwrap(), blake3::hash(&stored).to_hex().as_str());
        let mut position = 0;
        for (number, batch) in batches.iter().enumerate() {
            if number % 139 == 1 {
                let mut read = Vec::new();
                repository.read_plain(&seal, position).unwrap().read_to_end(&mut read).unwrap();
                assert!(read == plain[position as usize..], "{form:?} from {position}");
                let mut reader = repository.read_segment_from(&seal, number as i64 * 400 + 1).unwrap();
                assert_eq!(reader.next().unwrap().unwrap().bytes, batch);
            }
            position += batch.len() as u64;
        }
    }
}

#[test]
fn what_producers_compressed_is_not_compressed_again() {
    let store = MemoryStore::new();
    let repository = Repository::init_in_with(Arc::new(store), &options(true, &[])).unwrap();
    let gzip = testing::batch_with(0, 3, |header| header.attributes = crate::batch::Attributes(1));
    let seal = seal(&repository, &[gzip]);
    assert!(Form::of(&seal.object).is_plain() && seal.frames.is_empty() && seal.stored_digest.is_none());
}

#[test]
fn without_the_key_the_error_says_which_one() {
    let (recipient, secrets) = identity();
    let (other, wrong) = identity();
    let store = MemoryStore::new();
    let made =
        Repository::init_in_with(Arc::new(store.clone()), &options(true, std::slice::from_ref(&recipient))).unwrap();
    let seal = seal(&made, &batches(2));
    let Err(error) = made.read_plain(&seal, 0) else { panic!("it was read") };
    assert!(matches!(error, RepositoryError::NoKey { .. }) && error.to_string().contains(&recipient), "{error}");
    assert!(made.require_key().is_err());
    let repository = Repository::open_in(Arc::new(store.clone())).unwrap();
    repository.unlock(&Secrets::default()).unwrap();
    assert!(!repository.is_readable(), "whoever has no key may look at what needs none");
    let error = repository.unlock(&wrong).unwrap_err().to_string();
    assert!(error.contains(&recipient) && error.contains(&other), "{error}");
    assert!(!repository.is_readable());
    repository.unlock(&secrets).unwrap();
    assert!(repository.is_readable() && repository.read_plain(&seal, 0).is_ok());
    for bad in ["", "# only a comment", "AGE-SECRET-KEY-1XYZ", "age1xyz"] {
        let secrets = Secrets { identities: vec![Secret::new(bad)], passphrase: None };
        let error = made.unlock(&secrets).unwrap_err();
        assert!(matches!(error, RepositoryError::InvalidIdentity { .. }), "{bad}: {error}");
    }
    let bad = Repository::init_in_with(Arc::new(MemoryStore::new()), &options(false, &["age1x".to_owned()]));
    assert!(matches!(bad, Err(RepositoryError::InvalidRecipient { .. })));
}

#[test]
fn a_passphrase_opens_what_it_made() {
    let store = MemoryStore::new();
    let init = InitOptions { passphrase: Some(Secret::new("correct horse")), ..InitOptions::default() };
    let made = Repository::init_in_with(Arc::new(store.clone()), &init).unwrap();
    let seal = seal(&made, &batches(2));
    let secrets = |text: &str| Secrets { identities: Vec::new(), passphrase: Some(Secret::new(text)) };
    let error = made.unlock(&secrets("incorrect horse")).unwrap_err();
    assert!(matches!(error, RepositoryError::WrongPassphrase { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("incorrect horse"));
    assert!(opened(&store, &secrets("correct horse")).read_segment(&seal).unwrap().next().unwrap().is_some());
}

#[test]
fn new_keys_are_for_new_objects() {
    let ((old, old_secrets), (new, new_secrets)) = (identity(), identity());
    let store = MemoryStore::new();
    let made = Repository::init_in_with(Arc::new(store.clone()), &options(false, &[old])).unwrap();
    let before = seal(&made, &batches(1));
    let groups = made.put_private_part(&GroupsPart::default()).unwrap();
    assert_eq!(made.put_private_part(&GroupsPart::default()).unwrap(), groups, "shared");
    assert_eq!(made.change_recipients(vec![new.clone()]).unwrap().number, 1);
    let again = Repository::open_in(Arc::new(store.clone())).unwrap();
    again.note_part(&groups);
    let after = seal(&again, &batches(1));
    assert_eq!((before.keys, after.keys), (Some(0), Some(1)));
    assert_ne!(again.put_private_part(&GroupsPart::default()).unwrap(), groups, "others must read it now");
    let readable = |secrets: &Secrets, seal: &Seal| match opened(&store, secrets).read_plain(seal, 0) {
        Ok(_) => true,
        Err(RepositoryError::KeyDoesNotFit { .. }) => false,
        Err(error) => panic!("{error}"),
    };
    assert_eq!((readable(&old_secrets, &before), readable(&old_secrets, &after)), (true, false));
    assert_eq!((readable(&new_secrets, &before), readable(&new_secrets, &after)), (false, true));
    assert_eq!(again.recipients_at(1).unwrap().recipients, [new]);
    again.commit(testing::head("r")).unwrap();
    assert_eq!(again.head(1).unwrap().head.keys, 1, "the head says whose keys it needs");
    let plain = testing::repository(MemoryStore::new());
    assert!(matches!(plain.change_recipients(Vec::new()), Err(RepositoryError::NotEncrypted { .. })));
}

#[test]
fn any_changed_byte_of_an_encrypted_segment_is_damage() {
    let (recipient, secrets) = identity();
    let store = MemoryStore::new();
    let made = Repository::init_in_with(Arc::new(store.clone()), &options(true, &[recipient])).unwrap();
    let seal = seal(&made, &batches(1));
    let key = Key::new(seal.object.as_str()).unwrap();
    let stored = store.get(&key).unwrap();
    let repository = opened(&store, &secrets);
    let read = || -> Result<(), RepositoryError> {
        let mut reader = repository.read_segment(&seal)?;
        while reader.next()?.is_some() {}
        Ok(())
    };
    read().unwrap();
    for position in (0..stored.len()).step_by(7) {
        let mut damaged = stored.clone();
        damaged[position] ^= 0x10;
        store.put(&key, &damaged).unwrap();
        let error = read().unwrap_err();
        // A stanza that no longer fits any key cannot be told from one for somebody else.
        let damage = error.is_damage() || matches!(error, RepositoryError::KeyDoesNotFit { .. });
        assert!(damage && error.to_string().contains(&seal.object), "byte {position}: {error}");
    }
}

#[test]
fn a_snapshot_without_a_key_shows_names_and_hides_configs() {
    let (recipient, secrets) = identity();
    let store = MemoryStore::new();
    let made = Repository::init_in_with(Arc::new(store.clone()), &options(false, &[recipient])).unwrap();
    let run = made.begin_run(CLUSTER).unwrap();
    let seal = testing::segment(&made, &run, testing::start("orders", 0, &run, None), &batches(1));
    let list = made.append_seals(SegmentList::default(), vec![seal.clone()]).unwrap();
    let mut topic = testing::topic("orders", vec![testing::partition(0, &[seal], list)]);
    topic.configs = vec![ConfigEntry { name: "retention.ms".to_owned(), value: Some("77".to_owned()) }];
    let snapshot = testing::commit(&made, &run, None, vec![topic.clone()]);
    assert!(matches!(snapshot.head.groups, PartRef::Encrypted(_)));
    let locked = Repository::open_in(Arc::new(store.clone())).unwrap();
    assert_eq!(locked.group_names(&snapshot.head).unwrap().groups[0].id.to_string(), "billing");
    assert!(matches!(locked.groups(&snapshot.head), Err(RepositoryError::NoKey { .. })));
    assert!(locked.topics(&snapshot.head).unwrap().next().unwrap().unwrap().configs.is_empty());
    locked.check_complete(&snapshot.head, |_, _| true).unwrap();
    let configs = locked.shard_configs(&snapshot.head.topics[0]).unwrap().unwrap();
    assert_eq!(locked.configs_part(&snapshot.head.topics[0]).unwrap().unwrap(), configs);
    let (key, whole) = (layout::part_of(&configs).unwrap(), store.get(&layout::part_of(&configs).unwrap()).unwrap());
    store.delete(&key).unwrap();
    for repository in [&locked, &opened(&store, &secrets)] {
        let error = repository.check_complete(&snapshot.head, |_, _| true).unwrap_err();
        assert!(matches!(&error, RepositoryError::Missing { object } if object == key.as_str()), "{error}");
    }
    store.put(&key, &whole).unwrap();
    let unlocked = opened(&store, &secrets);
    assert_eq!(unlocked.groups(&snapshot.head).unwrap().groups.len(), 1);
    assert_eq!(unlocked.topics(&snapshot.head).unwrap().next().unwrap().unwrap(), topic);
    let objects = store.list(None).unwrap();
    for object in objects {
        let bytes = store.get(&object.key).unwrap();
        assert!(!bytes.windows(12).any(|window| window == b"retention.ms"), "{}", object.key);
    }
}

#[test]
fn a_header_without_an_end_is_damage_and_not_read_to_its_end() {
    let (recipient, secrets) = identity();
    let store = MemoryStore::new();
    let made = Repository::init_in_with(Arc::new(store.clone()), &options(false, &[recipient])).unwrap();
    let mut seal = seal(&made, &batches(1));
    let mut endless = b"age-encryption.org/v1\n".to_vec();
    while endless.len() < 64 << 10 {
        endless.extend_from_slice(b"-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAAAA\n");
    }
    store.put(&Key::new(seal.object.as_str()).unwrap(), &endless).unwrap();
    seal.length = endless.len() as u64;
    let Err(error) = opened(&store, &secrets).read_plain(&seal, 0) else { panic!("it was read") };
    assert!(error.is_damage() && error.to_string().contains("does not end"), "{error}");
}

#[test]
fn a_repository_of_format_1_goes_on_as_it_is() {
    let store = MemoryStore::new();
    let document = serde_json::json!({
        "format": {"major": 1, "minor": 1}, "repository_id": "0".repeat(32), "created": 1, "ktape_version": "0.1.0"
    });
    let line = document.to_string();
    let bytes = format!("{line}\n{{\"digest\":\"{}\"}}\n", blake3::hash(line.as_bytes()).to_hex());
    store.put(&layout::repository().unwrap(), bytes.as_bytes()).unwrap();
    let repository = Repository::open_in(Arc::new(store.clone())).unwrap();
    let run = repository.begin_run(CLUSTER).unwrap();
    let seal = testing::segment(&repository, &run, testing::start("orders", 0, &run, None), &batches(1));
    assert!(Form::of(&seal.object).is_plain() && repository.is_readable());
    let list = repository.append_seals(SegmentList::default(), vec![seal.clone()]).unwrap();
    let topic = testing::topic("orders", vec![testing::partition(0, &[seal], list)]);
    assert!(!repository.may_merge(), "its readers would not find what was merged");
    let snapshot = testing::commit(&repository, &run, None, vec![topic]);
    assert_eq!((snapshot.head.format.major, snapshot.head.format.minor), (1, 1));
    for object in store.list(None).unwrap().iter().filter(|object| object.key.as_str().starts_with("snapshots")) {
        let text = String::from_utf8(store.get(&object.key).unwrap()).unwrap();
        assert!(!text.contains("group_names") && !text.contains("keys"), "an older ktape knows nothing new: {text}");
    }
}

#[test]
fn a_part_is_adopted_with_the_number_of_the_keys_here_and_mended() {
    let (recipient, secrets) = identity();
    let (from, to) = (MemoryStore::new(), MemoryStore::new());
    let made = |store: &MemoryStore| {
        Repository::init_in_with(Arc::new(store.clone()), &options(false, std::slice::from_ref(&recipient))).unwrap()
    };
    let (source, target) = (made(&from), made(&to));
    let PartRef::Encrypted(part) = source.put_private_part(&GroupsPart::default()).unwrap() else { panic!() };
    let adopted = target.adopt_private_part(&source, &part, 3).unwrap();
    let PartRef::Encrypted(there) = &adopted else { panic!("{adopted:?}") };
    assert_eq!((there.keys, &there.stored, &there.plain), (3, &part.stored, &part.plain));
    assert_eq!(opened(&to, &secrets).private_part::<GroupsPart>(&adopted).unwrap(), GroupsPart::default());
    let key = layout::part_of(&adopted).unwrap();
    to.put(&key, b"damaged").unwrap();
    assert_eq!(target.adopt_private_part(&source, &part, 3).unwrap(), adopted);
    assert_eq!(to.get(&key).unwrap(), from.get(&key).unwrap());
}

#[test]
fn a_repository_has_no_more_recipients_than_a_header_has_room_for() {
    let recipients: Vec<String> = (0..65).map(|_| identity().0).collect();
    let init =
        |count: usize| Repository::init_in_with(Arc::new(MemoryStore::new()), &options(false, &recipients[..count]));
    assert!(matches!(init(65), Err(RepositoryError::InvalidRecipient { .. })));
    let made = init(64).unwrap();
    assert!(matches!(made.change_recipients(recipients.clone()), Err(RepositoryError::InvalidRecipient { .. })));
    made.change_recipients(recipients[..64].to_vec()).unwrap();
}

#[test]
fn an_identity_file_is_read_up_to_its_bound_and_by_its_digest() {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    let read = |size: usize, digest_of: &[u8]| {
        let object = layout::passphrase_key("0123abcd").unwrap();
        store.put(&object, &vec![7; size]).unwrap();
        let digest = blake3::hash(digest_of).to_hex().to_string();
        repository.passphrase_key(&PassphraseKey { object: object.to_string(), digest })
    };
    for size in [1000, 64 << 10] {
        assert_eq!(read(size, &vec![7; size]).unwrap(), vec![7; size]);
    }
    let large = (64 << 10) + 1;
    for (size, digest_of) in [(large, vec![7; large]), (1000, vec![8; 1000])] {
        assert!(read(size, &digest_of).unwrap_err().is_damage(), "{size}");
    }
}
