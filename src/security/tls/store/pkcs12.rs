//! PKCS #12 stores, as Java and OpenSSL write them.

use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::StoreFault;
use crate::model::Secret;

/// What is in a store.
pub(in crate::security::tls) struct Pkcs12 {
    /// Certificates, and whether Java's mark of a trusted one is on it.
    pub(in crate::security::tls) certificates: Vec<(CertificateDer<'static>, bool)>,
    /// Private keys in PKCS #8.
    pub(in crate::security::tls) keys: Vec<PrivateKeyDer<'static>>,
    /// The certificates that stand beside a key under the same id.
    pub(in crate::security::tls) own: Vec<CertificateDer<'static>>,
}

/// Opens a store; `property` is where its password stands.
pub(in crate::security::tls) fn read(
    bytes: &[u8],
    password: Option<&Secret>,
    property: &'static str,
    place: &str,
) -> Result<Pkcs12, StoreFault> {
    let text = password.map_or("", Secret::expose);
    let archive = Pkcs12Archive::from_pkcs12(bytes, text).map_err(|error| match error {
        Error::MacError(_) | Error::Pkcs5Error(_) | Error::UnpadError | Error::InvalidPrivateKey => match password {
            Some(_) => StoreFault::WrongPassword(property),
            None => StoreFault::NeedsPassword(property),
        },
        Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm | Error::InvalidParameters => {
            let command = format!(
                "keytool -importkeystore -srckeystore {place} -destkeystore NEW.p12 -deststoretype PKCS12 \
                 -J-Dkeystore.pkcs12.macAlgorithm=HmacPBESHA256"
            );
            StoreFault::Protection { what: error.to_string().to_lowercase(), command }
        }
        other => StoreFault::damaged("PKCS12", &other),
    })?;
    let der = |bag: &p12_keystore::CertificateBag| CertificateDer::from(bag.cert.as_der().to_vec());
    let is_own = |bag: &&p12_keystore::CertificateBag| {
        let id = bag.local_key_id.as_deref();
        let ids = archive.keys.iter().filter_map(|key| key.local_key_id.as_ref());
        id.is_some_and(|id| ids.into_iter().any(|of_key| of_key.as_ref() == id))
    };
    Ok(Pkcs12 {
        certificates: archive.certs.iter().map(|bag| (der(bag), bag.trusted)).collect(),
        keys: archive.keys.iter().map(|bag| PrivateKeyDer::Pkcs8(bag.key.as_der().to_vec().into())).collect(),
        own: archive.certs.iter().filter(is_own).map(der).collect(),
    })
}
