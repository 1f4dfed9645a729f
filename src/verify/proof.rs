//! Proof that nothing was changed since: ids that a person has kept elsewhere, and signatures.

use super::VerifyOptions;
use super::report::{Finding, FindingKind, VerifyReport};
use crate::repository::{Repository, RepositoryError, Snapshot, layout};

/// Checks what was expected, and every signature that is there.
pub(super) fn check(
    repository: &Repository,
    options: &VerifyOptions,
    heads: &[Snapshot],
    report: &mut VerifyReport,
) -> Result<(), RepositoryError> {
    for id in &options.expect {
        expect(id, options, heads, report)?;
    }
    for snapshot in heads.iter().rev() {
        signature(repository, options, snapshot, report)?;
    }
    Ok(())
}

fn expect(
    id: &str,
    options: &VerifyOptions,
    heads: &[Snapshot],
    report: &mut VerifyReport,
) -> Result<(), RepositoryError> {
    if heads.iter().any(|snapshot| snapshot.id == *id) {
        return Ok(());
    }
    let finding = if let (Some(number), Some(there)) = (options.snapshot, heads.first()) {
        report.damaged_snapshots.push(number);
        let detail = format!("its id is {}, {id} was expected", there.id);
        Finding::new(FindingKind::Unexpected, layout::snapshot(number)?.as_str(), detail)
    } else {
        let detail = format!("no snapshot has the id {id}: it was changed or removed");
        Finding::new(FindingKind::Unexpected, layout::SNAPSHOTS, detail)
    };
    report.find(finding);
    Ok(())
}

fn signature(
    repository: &Repository,
    options: &VerifyOptions,
    snapshot: &Snapshot,
    report: &mut VerifyReport,
) -> Result<(), RepositoryError> {
    let sequence = snapshot.head.sequence;
    let finding = match repository.check_signature(snapshot, &options.signed_by) {
        Ok(true) => {
            if !options.signed_by.is_empty() {
                report.signed.push(sequence);
            }
            return Ok(());
        }
        Ok(false) if options.signed_by.is_empty() => return Ok(()),
        Ok(false) => {
            let object = layout::signature(sequence)?;
            let detail = format!("it is missing: snapshot {sequence} is not signed");
            Finding::new(FindingKind::Missing, object.as_str(), detail)
        }
        Err(error) => Finding::of(error)?,
    };
    report.damaged_snapshots.push(sequence);
    report.find(finding);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cancel::Cancel;
    use crate::progress::Silent;
    use crate::repository::testing::{self, CLUSTER};
    use crate::repository::{KeyFault, PublicKey, SigningKey};
    use crate::store::{MemoryStore, Store};

    fn key() -> SigningKey {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        SigningKey::parse(&pair.sk.to_box(None).unwrap().into_string(), None).unwrap()
    }

    struct Fixture {
        store: MemoryStore,
        repository: Repository,
        snapshots: Vec<Snapshot>,
    }

    fn fixture() -> Fixture {
        let store = MemoryStore::new();
        let repository = testing::repository(store.clone());
        let run = repository.begin_run(CLUSTER).unwrap();
        let one = testing::commit(&repository, &run, None, vec![testing::topic("orders", Vec::new())]);
        let two = testing::commit(&repository, &run, Some(&one), Vec::new());
        Fixture { store, repository, snapshots: vec![one, two] }
    }

    impl Fixture {
        fn verify(&self, change: impl FnOnce(&mut VerifyOptions)) -> VerifyReport {
            let repository = Repository::open_in(Arc::new(self.store.clone())).unwrap();
            let mut options = VerifyOptions { fast: true, ..VerifyOptions::default() };
            change(&mut options);
            super::super::verify(&repository, &options, &Silent, &Cancel::new()).unwrap()
        }
    }

    fn signed_by(keys: &[&SigningKey]) -> impl FnOnce(&mut VerifyOptions) {
        let keys: Vec<PublicKey> = keys.iter().map(|key| key.public().clone()).collect();
        |options| options.signed_by = keys
    }

    #[test]
    fn an_expected_id_must_be_there() {
        let fixture = fixture();
        let id = fixture.snapshots[1].id.clone();
        assert!(fixture.verify(|options| options.expect = vec![id.clone()]).is_sound());
        let other = "0".repeat(64);
        let report = fixture.verify(|options| options.expect = vec![id.clone(), other.clone()]);
        assert_eq!((report.damage.len(), report.damage[0].kind), (1, FindingKind::Unexpected));
        assert!(report.damage[0].detail.contains(&other), "{report:?}");
        let report = fixture.verify(|options| (options.snapshot, options.expect) = (Some(1), vec![id.clone()]));
        assert_eq!(
            (report.damage[0].object.as_str(), report.damaged_snapshots),
            ("snapshots/0000000001.json", vec![1])
        );
        // Somebody removed the newest: nothing else in the repository would show it.
        fixture.store.delete(&layout::snapshot(2).unwrap()).unwrap();
        assert!(!fixture.verify(|options| options.expect = vec![id]).is_sound());
    }

    #[test]
    fn every_snapshot_must_be_signed_by_one_of_the_keys() {
        let fixture = fixture();
        let (mine, other) = (key(), key());
        fixture.repository.sign(&fixture.snapshots[0], &mine).unwrap();
        let report = fixture.verify(signed_by(&[&mine]));
        assert_eq!((report.damage.len(), report.damage[0].kind, report.signed), (1, FindingKind::Missing, vec![1]));
        assert_eq!(
            (report.damaged_snapshots, report.damage[0].object.as_str()),
            (vec![2], "snapshots/0000000002.json.minisig")
        );
        fixture.repository.sign(&fixture.snapshots[1], &other).unwrap();
        let report = fixture.verify(signed_by(&[&mine]));
        assert_eq!((report.damage.len(), report.damage[0].kind), (1, FindingKind::Signature));
        let report = fixture.verify(signed_by(&[&mine, &other]));
        assert!(report.is_sound() && report.signed == [1, 2], "{report:?}");
        assert!(fixture.verify(|_| {}).signed.is_empty());
        assert_eq!(
            fixture.verify(|_| {}).left_overs_total,
            fixture.verify(signed_by(&[&mine, &other])).left_overs_total
        );
    }

    #[test]
    fn a_changed_head_with_a_digest_that_fits_is_found() {
        let fixture = fixture();
        let mine = key();
        fixture.repository.sign(&fixture.snapshots[1], &mine).unwrap();
        let object = layout::snapshot(2).unwrap();
        let text = String::from_utf8(fixture.store.get(&object).unwrap()).unwrap();
        let line = text.lines().next().unwrap().replace(CLUSTER, "cluster-b");
        let digest = blake3::hash(line.as_bytes()).to_hex();
        fixture.store.put(&object, format!("{line}\n{{\"digest\":\"{digest}\"}}\n").as_bytes()).unwrap();
        for keys in [&[&mine][..], &[]] {
            let report = fixture.verify(|options| {
                (options.snapshot, options.signed_by) =
                    (Some(2), keys.iter().map(|key| key.public().clone()).collect());
            });
            assert_eq!((report.damage.len(), report.damage[0].kind), (1, FindingKind::Signature), "{report:?}");
        }
    }

    #[test]
    fn every_changed_byte_of_a_signature_is_found() {
        let fixture = fixture();
        let mine = key();
        fixture.snapshots.iter().for_each(|snapshot| fixture.repository.sign(snapshot, &mine).unwrap());
        let object = layout::signature(2).unwrap();
        let whole = fixture.store.get(&object).unwrap();
        let keys = [mine.public().clone()];
        let broken = |bytes: &[u8]| {
            fixture.store.put(&object, bytes).unwrap();
            fixture.repository.check_signature(&fixture.snapshots[1], &keys).unwrap_err().is_damage()
        };
        for position in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[position] ^= 4;
            assert!(broken(&flipped), "byte {position}");
            assert!(broken(&whole[..position]), "cut to {position}");
        }
        assert!(broken(&[&whole[..], b"\n"].concat()) && broken(&vec![b'a'; 9 << 10]));
        // That of another snapshot shows without any key.
        let first = fixture.store.get(&layout::signature(1).unwrap()).unwrap();
        fixture.store.put(&object, &first).unwrap();
        let report = fixture.verify(|_| {});
        assert!(report.damage[0].detail.contains("it is a signature of snapshot 1"), "{report:?}");
        // One whose snapshot is gone is only left over.
        fixture.store.put(&object, &whole).unwrap();
        fixture.store.delete(&layout::snapshot(2).unwrap()).unwrap();
        let report = fixture.verify(|_| {});
        assert!(report.is_sound() && report.left_overs.iter().any(|one| one.object == object.as_str()), "{report:?}");
    }

    #[test]
    fn keys_are_read_as_minisign_writes_them() {
        let public = "untrusted comment: minisign public key 7EC5E0F4CC8B0D4C\nRWQcXepadiBQyMJLd3c7eC59cpIsngc+EUAPojN61DJCP0qEQE8hzQ4X\n";
        let key = PublicKey::parse(public).unwrap();
        assert_eq!(PublicKey::parse(&key.to_string()).unwrap(), key);
        assert_eq!(PublicKey::parse("hunter2").unwrap_err(), KeyFault::NoPublicKey);
        // As minisign 0.11 writes one without a password: its checksum is zeros.
        let bare = "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAHF3qWnYgUMjuDbml5CJJCAyyOkJ1hnjFjlofE7uBUj+/NbCqUbeWUcJLd3c7eC59cpIsngc+EUAPojN61DJCP0qEQE8hzQ4XAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let text = format!("untrusted comment: minisign encrypted secret key\n{bare}\n");
        assert_eq!(*SigningKey::parse(&text, None).unwrap().public(), key);
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let text = pair.sk.to_box(None).unwrap().into_string();
        let shown = format!("{:?}", SigningKey::parse(&text, None).unwrap());
        assert!(shown.contains(&pair.pk.to_base64()) && !text.contains(&shown), "{shown}");
        for bad in ["", "one line", "untrusted comment: x\nnot base64", "untrusted comment: x\nAAAA"] {
            assert_eq!(SigningKey::parse(bad, None).unwrap_err(), KeyFault::NoSecretKey, "{bad}");
        }
        // The same bytes, but said to be encrypted.
        let mut bytes = pair.sk.to_bytes();
        bytes[2..4].copy_from_slice(b"Sc");
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
        let sealed = format!("untrusted comment: x\n{encoded}\n");
        assert_eq!(SigningKey::parse(&sealed, None).unwrap_err(), KeyFault::PasswordNeeded);
    }
}
