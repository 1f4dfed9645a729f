//! Certificates and keys: PEM, PKCS #12 and JKS, as whom to trust and as who this client is.

use std::io::Write;

use ktape::model::Secret;
use ktape::security::tls::{IdentityStore, Material, TlsSettings, TrustStore};

pub(super) fn run(data: &[u8]) {
    let Some((how, bytes)) = data.split_first() else { return };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let material = Material::File(file.path().to_owned());
    let password = (how & 1 == 1).then(|| Secret::new("changeit"));
    let trust = TrustStore { material: material.clone(), password: password.clone(), kind: None };
    let _ = TlsSettings { trust: Some(trust), ..TlsSettings::default() }.client();
    let identity = IdentityStore {
        material: material.clone(),
        key: (how & 2 == 2).then_some(material),
        store_password: password.clone(),
        key_password: password,
        kind: None,
    };
    // Somebody has to be trusted before the identity is looked at.
    let trust = TrustStore { material: Material::Inline(Secret::new(AUTHORITY)), password: None, kind: None };
    let _ = TlsSettings { trust: Some(trust), identity: Some(identity), ..TlsSettings::default() }.client();
}

/// A certificate of nobody.
const AUTHORITY: &str = include_str!("authority.pem");
