//! The certificate this client shows.

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::store::{
    Content, JksEntry, StoreFault, complete_key, content, key_from_pem, read_jks, read_pkcs12, sections,
};
use super::{IdentityStore, TlsError};

const LOCATION: &str = "ssl.keystore.location";
const CHAIN: &str = "ssl.keystore.certificate.chain";
const KEY: &str = "ssl.keystore.key";
const PASSWORD: &str = "ssl.keystore.password";
/// Longer chains than this are not shown.
const LONGEST_CHAIN: usize = 16;

/// Reads certificate chain and private key.
pub(super) fn identity(store: &IdentityStore, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let in_store = |fault| TlsError::Store {
        property: store.material.property(LOCATION, CHAIN),
        place: store.material.place(),
        fault,
    };
    let (mut keys, certificates) = read(store).map_err(in_store)?;
    if let Some(material) = &store.key {
        let read = material
            .bytes()
            .and_then(|bytes| key_from_pem(&sections(&bytes)?, store.key_password.as_ref(), &material.place()));
        let place = || material.place();
        keys = vec![read.map_err(|fault| TlsError::Store { property: KEY, place: place(), fault })?];
    }
    certified(&keys, &certificates, provider).map_err(in_store)
}

type Found = (Vec<PrivateKeyDer<'static>>, Vec<CertificateDer<'static>>);

fn read(store: &IdentityStore) -> Result<Found, StoreFault> {
    let bytes = store.material.bytes()?;
    let place = store.material.place();
    match content(&bytes)? {
        Content::Pem => {
            let sections = sections(&bytes)?;
            let keys = match &store.key {
                Some(_) => Vec::new(),
                None => vec![key_from_pem(&sections, store.key_password.as_ref(), &place)?],
            };
            let certificates = sections.into_iter().filter(|section| section.label.ends_with("CERTIFICATE"));
            Ok((keys, certificates.map(|section| section.der.to_vec().into()).collect()))
        }
        Content::Pkcs12 => {
            let password = store.store_password.as_ref().or(store.key_password.as_ref());
            let found = read_pkcs12(&bytes, password, PASSWORD, &place)?;
            Ok((found.keys, found.certificates.into_iter().map(|(certificate, _)| certificate).collect()))
        }
        Content::Jks => {
            let entries = read_jks(&bytes, store.store_password.as_ref(), PASSWORD)?;
            if !entries.iter().any(|entry| matches!(entry, JksEntry::Key(_))) {
                return Err(StoreFault::NoKey);
            }
            let command =
                format!("keytool -importkeystore -srckeystore {place} -destkeystore NEW.p12 -deststoretype PKCS12");
            Err(StoreFault::JavaKey { command })
        }
    }
}

/// The first key that has a certificate, with its chain.
fn certified(
    keys: &[PrivateKeyDer<'static>],
    certificates: &[CertificateDer<'static>],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, StoreFault> {
    if keys.is_empty() {
        return Err(StoreFault::NoKey);
    }
    if certificates.is_empty() {
        return Err(StoreFault::NoCertificate);
    }
    let mut usable = false;
    for key in keys {
        // A key of a curve may lack its public half, which stands in the certificate it belongs to.
        let whole = certificates.iter().filter_map(|certificate| complete_key(key, certificate));
        for key in std::iter::once(key.clone_key()).chain(whole) {
            let Ok(key) = provider.key_provider.load_private_key(key) else { continue };
            usable = true;
            for leaf in certificates {
                if fits(key.as_ref(), leaf) {
                    return Ok(CertifiedKey::new(chain(leaf, certificates), key));
                }
            }
        }
    }
    Err(if usable { StoreFault::KeyMismatch } else { StoreFault::KeyKind })
}

/// Whether a certificate has the key's public half.
fn fits(key: &dyn SigningKey, certificate: &CertificateDer<'_>) -> bool {
    match (key.public_key(), X509Certificate::from_der(certificate)) {
        (Some(public), Ok((_, certificate))) => public.as_ref() == certificate.public_key().raw,
        _ => false,
    }
}

/// From the leaf up to where the store has no issuer, or the issuer is the certificate itself.
fn chain(leaf: &CertificateDer<'static>, all: &[CertificateDer<'static>]) -> Vec<CertificateDer<'static>> {
    let mut chain = vec![leaf.clone()];
    while let Some(last) = chain.last().filter(|_| chain.len() < LONGEST_CHAIN) {
        let next = all.iter().find(|candidate| !chain.contains(candidate) && issued(candidate, last));
        match next {
            Some(next) => chain.push(next.clone()),
            None => break,
        }
    }
    chain
}

fn issued(issuer: &CertificateDer<'_>, certificate: &CertificateDer<'_>) -> bool {
    match (X509Certificate::from_der(issuer), X509Certificate::from_der(certificate)) {
        (Ok((_, issuer)), Ok((_, certificate))) => issuer.subject().as_raw() == certificate.issuer().as_raw(),
        _ => false,
    }
}
