//! Whom to trust.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{StoreFault, TlsError, TrustStore};

/// The property that names the trust store.
const LOCATION: &str = "ssl.truststore.location";

/// The trust anchors of a store, or those of the system.
pub(super) fn anchors(store: Option<&TrustStore>) -> Result<RootCertStore, TlsError> {
    let Some(store) = store else { return system() };
    let failed = |fault| TlsError::Store { property: LOCATION, place: store.material.place(), fault };
    let bytes = store.material.bytes().map_err(failed)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates = certificates.map_err(|error| failed(StoreFault::Pem(error.to_string())))?;
    if certificates.is_empty() {
        return Err(failed(StoreFault::NoCertificate));
    }
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates.into_iter().enumerate() {
        roots.add(certificate).map_err(|_| failed(StoreFault::Certificate(index + 1)))?;
    }
    Ok(roots)
}

/// Certificates that cannot be decoded are passed over: systems have some.
fn system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or_else(|| "none was found".to_owned(), ToString::to_string);
        return Err(TlsError::NoSystemTrust(why));
    }
    Ok(roots)
}
