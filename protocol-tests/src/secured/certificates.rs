//! Certificates of a cluster and its clients, made anew for each.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

use crate::error::{HarnessError, on};

/// A certificate and its private key in PEM; the key is PKCS #8.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Identity {
    /// Both in one text, as Kafka's PEM key stores have them.
    pub fn store(&self) -> String {
        format!("{}{}", self.key, self.certificate)
    }
}

/// The authority that the cluster trusts, and files in the cluster's folder.
pub struct Certificates {
    issuer: Issuer<'static, KeyPair>,
    folder: PathBuf,
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Names of a certificate of a server on loopback.
const LOOPBACK: &[&str] = &["localhost", "127.0.0.1"];
/// The name that the certificate of the wrong name has.
pub const ELSEWHERE: &str = "elsewhere.example";

impl Certificates {
    /// Makes the authority, another one that nobody trusts, and the broker's key stores.
    pub(super) fn create(folder: &Path) -> Result<Self, HarnessError> {
        let (issuer, authority) = authority("ktape test authority")?;
        let (_, other) = authority_of_nobody()?;
        let certificates = Self { issuer, folder: folder.to_owned() };
        let expired = server(LOOPBACK, "expired broker")?;
        let files = [
            (certificates.authority(), authority),
            (certificates.other_authority(), other),
            (certificates.broker(), certificates.sign(server(LOOPBACK, "broker")?, false)?.store()),
            (certificates.wrong_name(), certificates.sign(server(&[ELSEWHERE], "broker")?, false)?.store()),
            (certificates.expired(), certificates.sign(expired, true)?.store()),
        ];
        for (path, text) in files {
            fs::write(&path, text).map_err(on("write", &path))?;
        }
        Ok(certificates)
    }

    /// The authority's certificate: what clients trust.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The certificate of an authority that signed nothing here.
    pub fn other_authority(&self) -> PathBuf {
        self.folder.join("other-ca.pem")
    }

    /// The key and the certificate of the broker, for `localhost` and 127.0.0.1.
    pub fn broker(&self) -> PathBuf {
        self.folder.join("broker.pem")
    }

    pub(super) fn wrong_name(&self) -> PathBuf {
        self.folder.join("wrong-name.pem")
    }

    pub(super) fn expired(&self) -> PathBuf {
        self.folder.join("expired.pem")
    }

    /// A client's certificate `CN=name`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn client(&self, name: &str) -> Result<Identity, HarnessError> {
        self.sign(client(name)?, false)
    }

    /// A client's certificate that has expired.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn expired_client(&self, name: &str) -> Result<Identity, HarnessError> {
        self.sign(client(name)?, true)
    }

    fn sign(&self, mut params: CertificateParams, expired: bool) -> Result<Identity, HarnessError> {
        if expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().map_err(failed("a key"))?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed("a certificate"))?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// A client's certificate from an authority that the cluster does not trust.
///
/// # Errors
/// It cannot be made.
pub fn strange_client(name: &str) -> Result<Identity, HarnessError> {
    let (issuer, _) = authority_of_nobody()?;
    Certificates { issuer, folder: PathBuf::new() }.sign(client(name)?, false)
}

fn authority_of_nobody() -> Result<(Issuer<'static, KeyPair>, String), HarnessError> {
    authority("another authority")
}

fn authority(name: &str) -> Result<(Issuer<'static, KeyPair>, String), HarnessError> {
    let mut params = named(&[], name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(failed("a key"))?;
    let certificate = params.self_signed(&key).map_err(failed("an authority"))?;
    Ok((Issuer::new(params, key), certificate.pem()))
}

fn server(names: &[&str], common_name: &str) -> Result<CertificateParams, HarnessError> {
    let mut params = named(names, common_name)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn client(name: &str) -> Result<CertificateParams, HarnessError> {
    let mut params = named(&[], name)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn named(names: &[&str], common_name: &str) -> Result<CertificateParams, HarnessError> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(failed("a certificate"))?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn failed(what: &str) -> impl FnOnce(rcgen::Error) -> HarnessError {
    let what = what.to_owned();
    move |error| HarnessError::Certificate { what, reason: error.to_string() }
}
