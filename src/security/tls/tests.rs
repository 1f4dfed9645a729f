//! Stores as OpenSSL and Java write them (`fixtures/make.sh`).

use std::path::{Path, PathBuf};

use rustls::sign::CertifiedKey;

use super::facts::Facts;
use super::identity::identity;
use super::trust::trusted;
use super::{IdentityStore, Material, StoreFault, TlsError, TlsSettings, TrustStore};
use crate::model::{Secret, describe};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/security/tls/fixtures").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(fixture(name)).unwrap()
}

fn trust(material: Material, password: Option<&str>) -> Result<Vec<String>, TlsError> {
    let store = TrustStore { material, password: password.map(Secret::new), kind: None };
    let trusted = trusted(Some(&store))?;
    assert_eq!(trusted.roots.len(), trusted.certificates.len());
    Ok(trusted.certificates.iter().map(Facts::subject_of).collect())
}

fn trust_file(name: &str, password: Option<&str>) -> Result<Vec<String>, TlsError> {
    trust(Material::File(fixture(name)), password)
}

fn pem(material: Material, key: Option<Material>, key_password: Option<&str>) -> Result<CertifiedKey, TlsError> {
    let store =
        IdentityStore { material, key, store_password: None, key_password: key_password.map(Secret::new), kind: None };
    identity(&store, &rustls::crypto::ring::default_provider())
}

fn store(name: &str, password: Option<&str>) -> Result<CertifiedKey, TlsError> {
    let store = IdentityStore {
        material: Material::File(fixture(name)),
        key: None,
        store_password: password.map(Secret::new),
        key_password: None,
        kind: None,
    };
    identity(&store, &rustls::crypto::ring::default_provider())
}

fn subjects(identity: &CertifiedKey) -> Vec<String> {
    identity.cert.iter().map(Facts::subject_of).collect()
}

fn fault<T>(result: Result<T, TlsError>) -> StoreFault {
    match result {
        Err(TlsError::Store { fault, .. }) => fault,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("nothing is wrong"),
    }
}

#[test]
fn trust_stores_are_read_in_every_format() {
    let stores = [
        ("ca.pem", None),
        ("trust.p12", Some("changeit")),
        ("trust-legacy.p12", Some("changeit")),
        ("trust-openssl.p12", Some("changeit")),
        ("trust.jks", Some("changeit")),
        // Java opens JKS without a password too, unchecked.
        ("trust.jks", None),
    ];
    for (name, password) in stores {
        assert_eq!(trust_file(name, password).unwrap(), ["CN=fixture-ca"], "{name}");
    }
    // What has a key beside it is this store's own; its authority is not trusted for that.
    assert_eq!(trust_file("ec-openssl.p12", Some("changeit")).unwrap(), ["CN=fixture-ec"]);
    assert_eq!(trust_file("own.jks", Some("changeit")).unwrap(), ["CN=fixture-jks"]);
}

#[test]
fn pem_may_stand_on_one_line_and_among_other_text() {
    let one_line = text("ca.pem").replace('\n', " ");
    assert_eq!(trust(Material::Inline(Secret::new(one_line)), None).unwrap(), ["CN=fixture-ca"]);
    let among = format!("Bag Attributes\n    friendlyName: ca\n{}trailing\n{}", text("ca.pem"), text("ec-cert.pem"));
    assert_eq!(trust(Material::Inline(Secret::new(among)), None).unwrap().len(), 2);
}

#[test]
fn private_keys_are_read_in_every_format() {
    let keys = ["ec-sec1.pem", "ec-pkcs8.pem", "ec-aes.pem", "ec-des3.pem", "ec-pkcs12-3des.pem"];
    for name in keys {
        let key = Material::File(fixture(name));
        let identity = pem(Material::File(fixture("ec-cert.pem")), Some(key), Some("key-secret"));
        assert_eq!(subjects(&identity.unwrap_or_else(|error| panic!("{name}: {error:?}"))), ["CN=fixture-ec"]);
        // In one text, the chain in any order.
        let all = Material::Inline(Secret::new(text(name) + &text("chain-reversed.pem")));
        let identity = pem(all, None, Some("key-secret")).unwrap();
        assert_eq!(subjects(&identity), ["CN=fixture-ec", "CN=fixture-ca"], "{name}");
    }
    let key = Some(Material::File(fixture("ec-scrypt.pem")));
    let identity = pem(Material::File(fixture("ec-cert.pem")), key, Some("key-secret")).unwrap();
    assert_eq!(subjects(&identity), ["CN=fixture-ec"]);
    let key = Material::Inline(Secret::new(text("rsa-pkcs1.pem").replace('\n', " ")));
    let identity = pem(Material::File(fixture("rsa-cert.pem")), Some(key), None).unwrap();
    assert_eq!(subjects(&identity), ["CN=fixture-rsa"]);
}

#[test]
fn identities_are_read_from_pkcs12() {
    let stores: [(&str, &[&str]); 3] = [
        ("ec-openssl.p12", &["CN=fixture-ec", "CN=fixture-ca"]),
        ("ec-java.p12", &["CN=fixture-java"]),
        ("rsa-legacy.p12", &["CN=fixture-legacy"]),
    ];
    for (name, expected) in stores {
        assert_eq!(subjects(&store(name, Some("changeit")).unwrap()), expected, "{name}");
    }
}

#[test]
fn passwords_that_do_not_fit_name_their_property() {
    for name in ["trust.p12", "trust-legacy.p12", "trust-openssl.p12", "trust.jks"] {
        let wrong = fault(trust_file(name, Some("another")));
        assert!(matches!(wrong, StoreFault::WrongPassword("ssl.truststore.password")), "{name}: {wrong:?}");
    }
    assert!(matches!(fault(trust_file("trust.p12", None)), StoreFault::NeedsPassword("ssl.truststore.password")));
    assert!(matches!(fault(store("ec-java.p12", Some("x"))), StoreFault::WrongPassword("ssl.keystore.password")));
    assert!(matches!(fault(store("ec-java.p12", None)), StoreFault::NeedsPassword("ssl.keystore.password")));
    for name in ["ec-aes.pem", "ec-des3.pem", "ec-pkcs12-3des.pem"] {
        let with =
            |password| pem(Material::File(fixture("ec-cert.pem")), Some(Material::File(fixture(name))), password);
        assert!(matches!(fault(with(Some("x"))), StoreFault::WrongPassword("ssl.key.password")), "{name}");
        assert!(matches!(fault(with(None)), StoreFault::NeedsPassword("ssl.key.password")), "{name}");
    }
}

#[test]
fn what_cannot_be_read_comes_with_the_command_that_converts_it() {
    let jks = store("own.jks", Some("changeit")).unwrap_err();
    let said = describe(&jks);
    assert!(said.starts_with("ssl.keystore.location ("), "{said}");
    assert!(said.contains("keytool -importkeystore -srckeystore ") && said.contains("-deststoretype PKCS12"), "{said}");
    for name in ["ec-old.pem", "ec-md5-des.pem"] {
        let key = Some(Material::File(fixture(name)));
        let said = describe(&pem(Material::File(fixture("ec-cert.pem")), key, Some("key-secret")).unwrap_err());
        assert!(said.starts_with("ssl.keystore.key (") && said.contains("openssl pkcs8 -topk8"), "{said}");
    }
}

#[test]
fn what_is_missing_or_does_not_fit_is_said() {
    let file = |name| Material::File(fixture(name));
    assert!(matches!(fault(trust_file("ec-pkcs8.pem", None)), StoreFault::NoCertificate));
    assert!(matches!(fault(pem(file("ca.pem"), None, None)), StoreFault::NoKey));
    assert!(matches!(fault(pem(file("ec-pkcs8.pem"), None, None)), StoreFault::NoCertificate));
    assert!(matches!(fault(pem(file("ca.pem"), Some(file("ec-pkcs8.pem")), None)), StoreFault::KeyMismatch));
    assert!(matches!(fault(store("trust.p12", Some("changeit"))), StoreFault::NoKey));
    assert!(matches!(fault(store("trust.jks", None)), StoreFault::NoKey));
    assert!(matches!(fault(trust(Material::Inline(Secret::new("")), None)), StoreFault::Unknown));
    let none = describe(&trust_file("there-is-none.pem", None).unwrap_err());
    assert!(none.starts_with("ssl.truststore.location (") && none.contains("there-is-none.pem"), "{none}");
    let inline = describe(&trust(Material::Inline(Secret::new("x")), None).unwrap_err());
    assert!(inline.starts_with("ssl.truststore.certificates (PEM in the configuration)"), "{inline}");
}

/// Every store cut at every place, and with every byte changed, ends in a store or an error, never in a panic.
#[test]
fn damaged_stores_are_refused_or_read_but_never_trip_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut refused = 0;
    for name in ["ca.pem", "trust.jks", "own.jks", "ec-pkcs8.pem", "trust-openssl.p12"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        // Opening a PKCS #12 store costs a password hash each time.
        let step = match Path::new(name).extension().and_then(|kind| kind.to_str()) {
            Some("p12") => 171,
            Some("pem") => 5,
            _ => 1,
        };
        for at in (0..whole.len()).step_by(step) {
            let mut changed = whole.clone();
            changed[at] ^= 0x81;
            for bytes in [&whole[..at], &changed] {
                std::fs::write(&path, bytes).unwrap();
                let password = name.ends_with("p12").then_some("changeit");
                let trusted = trust(Material::File(path.clone()), password);
                let shown = pem(Material::File(path.clone()), None, None);
                refused += usize::from(trusted.is_err()) + usize::from(shown.is_err());
            }
        }
    }
    assert!(refused > 2_000, "{refused}");
}

#[test]
fn lengths_in_a_jks_store_are_not_believed() {
    let whole = std::fs::read(fixture("trust.jks")).unwrap();
    // The number of entries, and the length of the first certificate: after tag, alias `ca`, date and `X.509`.
    for at in [8, 35] {
        let mut huge = whole.clone();
        huge[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        std::fs::write(&path, huge).unwrap();
        assert!(matches!(fault(trust(Material::File(path), None)), StoreFault::Damaged { kind: "JKS", .. }), "{at}");
    }
}

#[test]
fn settings_that_cannot_work_are_told_before_any_connection() {
    let settings = TlsSettings { versions: Vec::new(), ..TlsSettings::default() };
    let settings = TlsSettings {
        trust: Some(TrustStore { material: Material::File(fixture("ca.pem")), password: None, kind: None }),
        ..settings
    };
    assert!(matches!(settings.client(), Err(TlsError::Setup(_))));
}
