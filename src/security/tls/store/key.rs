//! Private keys.

use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Section, StoreFault, der, read_pkcs12};
use crate::model::Secret;

/// The property with a key's password.
const PASSWORD: &str = "ssl.key.password";
/// More rounds of a password hash than anybody uses would only hold up the run.
const MOST_ROUNDS: u32 = 10_000_000;
/// Memory that scrypt may take: 128 * N * r.
const MOST_SCRYPT: u64 = 256 << 20;
/// Public key on an elliptic curve.
const EC: &str = "1.2.840.10045.2.1";

/// The first private key among the sections.
pub(in crate::security::tls) fn from_pem(
    sections: &[Section],
    password: Option<&Secret>,
    place: &str,
) -> Result<PrivateKeyDer<'static>, StoreFault> {
    let section = sections.iter().find(|section| section.label.ends_with("PRIVATE KEY")).ok_or(StoreFault::NoKey)?;
    if section.old_encryption {
        return Err(convert("OpenSSL's old PEM encryption", place));
    }
    let der = section.der.to_vec();
    match section.label.as_str() {
        "PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs8(der.into())),
        "RSA PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs1(der.into())),
        "EC PRIVATE KEY" => Ok(PrivateKeyDer::Sec1(der.into())),
        "ENCRYPTED PRIVATE KEY" => decrypt(&section.der, password, place),
        _ => Err(StoreFault::KeyKind),
    }
}

fn decrypt(der: &[u8], password: Option<&Secret>, place: &str) -> Result<PrivateKeyDer<'static>, StoreFault> {
    let password = password.ok_or(StoreFault::NeedsPassword(PASSWORD))?;
    let Ok(info) = EncryptedPrivateKeyInfoRef::try_from(der) else { return decrypt_as_java(der, password, place) };
    match &info.encryption_algorithm {
        EncryptionScheme::Pbes2(scheme) if is_bearable(&scheme.kdf) => {}
        EncryptionScheme::Pbes2(_) => return Err(convert("a huge iteration count", place)),
        _ => return Err(convert("PKCS #5 version 1", place)),
    }
    let plain = info.decrypt(password.expose()).map_err(|_| StoreFault::WrongPassword(PASSWORD))?;
    Ok(PrivateKeyDer::Pkcs8(plain.as_bytes().to_vec().into()))
}

/// `PBE-SHA1-3DES` of PKCS #12: for long nothing newer could be decrypted by Java.
fn decrypt_as_java(der: &[u8], password: &Secret, place: &str) -> Result<PrivateKeyDer<'static>, StoreFault> {
    let unknown = || convert("not PKCS #5 version 2", place);
    let store = der::pkcs12_around(der).ok_or_else(unknown)?;
    match read_pkcs12(&store, Some(password), PASSWORD, place) {
        Ok(found) => found.keys.into_iter().next().ok_or_else(unknown),
        Err(StoreFault::WrongPassword(property)) => Err(StoreFault::WrongPassword(property)),
        Err(_) => Err(unknown()),
    }
}

fn convert(what: &str, place: &str) -> StoreFault {
    let command = format!("openssl pkcs8 -topk8 -v2 aes-256-cbc -in {place} -out NEW.pem");
    StoreFault::Protection { what: what.to_owned(), command }
}

fn is_bearable(kdf: &Kdf) -> bool {
    match kdf {
        Kdf::Pbkdf2(hash) => hash.iteration_count <= MOST_ROUNDS,
        Kdf::Scrypt(scrypt) => {
            let memory = 128_u64.saturating_mul(scrypt.cost_parameter).saturating_mul(scrypt.block_size.into());
            memory <= MOST_SCRYPT && scrypt.parallelization <= 16
        }
        _ => false,
    }
}

/// Java leaves the public half out of keys on elliptic curves, ring wants it: it stands in the certificate.
pub(in crate::security::tls) fn complete(
    key: &PrivateKeyDer<'_>,
    certificate: &CertificateDer<'_>,
) -> Option<PrivateKeyDer<'static>> {
    let PrivateKeyDer::Pkcs8(der) = key else { return None };
    let info = PrivateKeyInfoRef::try_from(der.secret_pkcs8_der()).ok()?;
    if info.algorithm.oid.to_string() != EC {
        return None;
    }
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let public = &certificate.public_key().subject_public_key.data;
    let whole = der::with_public_half(info.private_key.as_bytes(), public)?;
    Some(PrivateKeyDer::Sec1(whole.into()))
}
