//! Whether a broker's certificate is accepted: as Java does it, where webpki is stricter.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::TlsError;
use super::facts::Facts;
use super::seen::Seen;
use super::trust::Trusted;
use crate::model::Timestamp;

/// Checks certificates, and keeps why one was not accepted.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) trusted: Trusted,
    pub(super) check_name: bool,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) seen: Arc<Seen>,
}

impl Verifier {
    fn check(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let certificate = ParsedCertificate::try_from(leaf)?;
        if self.trusted.certificates.iter().any(|trusted| trusted == leaf) {
            // Java accepts a certificate that stands in the trust store itself; webpki wants an authority above it.
            in_force(leaf, now)?;
        } else {
            let roots = &self.trusted.roots;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, others, now, self.algorithms.all)?;
        }
        match verify_server_name(&certificate, host) {
            Err(error) if self.check_name && !common_name_fits(leaf, host) => Err(error),
            _ => Ok(()),
        }
    }
}

/// What `openssl x509 -req` makes where nobody asks for more.
const FIRST_VERSION: &str = "it is of X.509 version 1; sign it again with extensions, such as subjectAltName";

/// The same refusal in words.
fn explain(error: &Error, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>], host: &ServerName<'_>) -> TlsError {
    let chain: Vec<Facts> = std::iter::once(leaf).chain(others).filter_map(Facts::of).collect();
    let subject = Facts::subject_of(leaf);
    let moment = |time: &UnixTime| Timestamp(i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1000));
    let whose = |fits: &dyn Fn(&Facts) -> bool| {
        chain.iter().find(|facts| fits(facts)).map_or_else(|| subject.clone(), |facts| facts.subject.clone())
    };
    let unknown_issuer = || {
        let issuer = chain.last().map_or_else(|| "nobody".to_owned(), |last| last.issuer.clone());
        TlsError::UnknownIssuer { subject: subject.clone(), issuer }
    };
    let Error::InvalidCertificate(cause) = error else {
        return TlsError::Certificate { subject, why: error.to_string() };
    };
    match cause {
        CertificateError::ExpiredContext { not_after, .. } => {
            let until = moment(not_after);
            TlsError::Expired { subject: whose(&|facts| facts.until == until), until }
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            let from = moment(not_before);
            TlsError::NotYetValid { subject: whose(&|facts| facts.from == from), from }
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let names = Facts::of(leaf).map(|facts| [facts.names, facts.common_name.into_iter().collect()].concat());
            TlsError::WrongName { host: host.to_str().into_owned(), names: names.unwrap_or_default() }
        }
        CertificateError::UnknownIssuer => unknown_issuer(),
        // One that signed itself is no authority's, whatever webpki dislikes about it first.
        CertificateError::Other(_) if Facts::of(leaf).is_some_and(|facts| facts.self_issued) => unknown_issuer(),
        _ if Facts::of(leaf).is_some_and(|facts| facts.first_version) => {
            TlsError::Certificate { subject, why: FIRST_VERSION.to_owned() }
        }
        other => TlsError::Certificate { subject, why: other.to_string() },
    }
}

fn in_force(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let facts = Facts::of(certificate).ok_or(CertificateError::BadEncoding)?;
    let moment = |time: Timestamp| UnixTime::since_unix_epoch(std::time::Duration::from_millis(time.0.max(0) as u64));
    let (not_before, not_after) = (moment(facts.from), moment(facts.until));
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    Ok(())
}

/// Certificates without a host among the alternative names: Java looks at the common name then. An asterisk stands for one
/// label.
fn common_name_fits(certificate: &CertificateDer<'_>, host: &ServerName<'_>) -> bool {
    let ServerName::DnsName(host) = host else { return false };
    let Some(name) = Facts::of(certificate).and_then(|facts| facts.common_name) else { return false };
    let host = host.as_ref().trim_end_matches('.');
    match name.strip_prefix("*.") {
        Some(parent) => {
            host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(parent))
        }
        None => name.eq_ignore_ascii_case(host),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.seen.broker_certificate();
        match self.check(leaf, others, host, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(error) => {
                self.seen.refused(explain(&error, leaf, others, host));
                Err(error)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
