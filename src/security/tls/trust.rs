//! Whom to trust.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::store::{Content, JksEntry, Pkcs12, StoreFault, content, read_jks, read_pkcs12, sections};
use super::{TlsError, TrustStore};

const LOCATION: &str = "ssl.truststore.location";
const INLINE: &str = "ssl.truststore.certificates";
const PASSWORD: &str = "ssl.truststore.password";

/// What is trusted.
#[derive(Debug)]
pub(super) struct Trusted {
    /// Authorities whose signatures count.
    pub(super) roots: RootCertStore,
    /// The same certificates, whole: whoever shows one of them is trusted as well.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// The certificates of a store, or those of the system.
pub(super) fn trusted(store: Option<&TrustStore>) -> Result<Trusted, TlsError> {
    let Some(store) = store else { return system() };
    read(store).map_err(|fault| TlsError::Store {
        property: store.material.property(LOCATION, INLINE),
        place: store.material.place(),
        fault,
    })
}

fn read(store: &TrustStore) -> Result<Trusted, StoreFault> {
    let bytes = store.material.bytes()?;
    let certificates = match content(&bytes)? {
        Content::Pem => pem(&bytes)?,
        Content::Pkcs12 => pkcs12(read_pkcs12(&bytes, store.password.as_ref(), PASSWORD, &store.material.place())?),
        Content::Jks => read_jks(&bytes, store.password.as_ref(), PASSWORD)?.into_iter().filter_map(jks).collect(),
    };
    if certificates.is_empty() {
        return Err(StoreFault::NoCertificate);
    }
    let mut roots = RootCertStore::empty();
    let (_, passed_over) = roots.add_parsable_certificates(certificates.iter().cloned());
    if roots.is_empty() {
        return Err(StoreFault::Certificates(certificates.len()));
    }
    if passed_over > 0 {
        tracing::warn!(
            passed_over,
            place = store.material.place(),
            "certificates that cannot be decoded are not trusted"
        );
    }
    Ok(Trusted { roots, certificates })
}

fn pem(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, StoreFault> {
    let is_certificate = |label: &str| matches!(label, "CERTIFICATE" | "X509 CERTIFICATE");
    let found = sections(bytes)?.into_iter().filter(|section| is_certificate(&section.label));
    Ok(found.map(|section| section.der.to_vec().into()).collect())
}

/// Java trusts what is marked as trusted, and its own certificates. OpenSSL knows no such mark: then all of a store without
/// keys are meant.
fn pkcs12(store: Pkcs12) -> Vec<CertificateDer<'static>> {
    let all_meant = store.keys.is_empty() && !store.certificates.iter().any(|(_, marked)| *marked);
    let meant = store.certificates.into_iter().filter(|(_, marked)| *marked || all_meant);
    meant.map(|(certificate, _)| certificate).chain(store.own).collect()
}

fn jks(entry: JksEntry) -> Option<CertificateDer<'static>> {
    match entry {
        JksEntry::Trusted(certificate) => Some(certificate),
        JksEntry::Key(certificate) => certificate,
    }
}

/// Certificates that cannot be decoded are passed over: systems have some.
fn system() -> Result<Trusted, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs.iter().cloned());
    if roots.is_empty() {
        let why = found.errors.first().map_or_else(|| "none was found".to_owned(), ToString::to_string);
        return Err(TlsError::NoSystemTrust(why));
    }
    Ok(Trusted { roots, certificates: found.certs })
}
