//! What a certificate says, for errors. Its bytes may be anybody's.

use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

use crate::model::Timestamp;

/// What a certificate says.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// Whose it is.
    pub(super) subject: String,
    /// Who signed it.
    pub(super) issuer: String,
    /// Whether it says to be signed by itself.
    pub(super) self_issued: bool,
    /// Whether it is of X.509 version 1, which knows no extensions.
    pub(super) first_version: bool,
    /// Its first moment.
    pub(super) from: Timestamp,
    /// Its last moment.
    pub(super) until: Timestamp,
    /// The hosts it names.
    pub(super) names: Vec<String>,
    /// The common name, if it names no host otherwise: old certificates have the host there.
    pub(super) common_name: Option<String>,
}

/// Names that are listed; more help nobody.
const MOST_NAMES: usize = 20;
/// Characters of one name.
const LONGEST: usize = 200;

impl Facts {
    /// `None` if it cannot be decoded.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let moment = |time: x509_parser::time::ASN1Time| Timestamp(time.timestamp().saturating_mul(1000));
        let alternatives = certificate.subject_alternative_name().ok()?;
        let general = alternatives.iter().flat_map(|names| names.value.general_names.iter());
        let has_dns = general.clone().any(|name| matches!(name, GeneralName::DNSName(_)));
        let common_name = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        Some(Self {
            subject: clean(&certificate.subject().to_string()),
            issuer: clean(&certificate.issuer().to_string()),
            self_issued: certificate.subject().as_raw() == certificate.issuer().as_raw(),
            first_version: certificate.version() == X509Version::V1,
            from: moment(certificate.validity().not_before),
            until: moment(certificate.validity().not_after),
            names: general.filter_map(host).take(MOST_NAMES).collect(),
            common_name: common_name.filter(|_| !has_dns).map(clean),
        })
    }

    /// The subject, or that there is none to be read.
    pub(super) fn subject_of(certificate: &CertificateDer<'_>) -> String {
        Self::of(certificate).map_or_else(|| "it cannot be decoded".to_owned(), |facts| facts.subject)
    }
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(clean(name)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|octets| std::net::Ipv6Addr::from(octets).to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// No control characters, no endless text.
fn clean(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect()
}
