//! Java's own store format, read for its certificates (JDK class `JavaKeyStore`; JCEKS differs in the magic number).
//!
//! `magic:u32 version:u32 count:u32 entry* sha1`; an entry is `tag:u32 alias:utf date:i64` and then a certificate (tag 2) or a
//! private key with its chain (tag 1). `utf` is a length in two bytes and so many bytes.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA1_OUTPUT_LEN};
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::StoreFault;
use crate::model::Secret;

/// One entry of a store.
pub(in crate::security::tls) enum JksEntry {
    /// A certificate that is trusted.
    Trusted(CertificateDer<'static>),
    /// A private key, which is not read; the first certificate of its chain.
    Key(Option<CertificateDer<'static>>),
}

const PRIVATE_KEY: u32 = 1;
const CERTIFICATE: u32 = 2;
/// Words that Java puts between password and content.
const SALT: &[u8] = b"Mighty Aphrodite";

/// All entries. Without a password the digest is not checked, as in Java; `property` is where it stands.
pub(in crate::security::tls) fn read(
    bytes: &[u8],
    password: Option<&Secret>,
    property: &'static str,
) -> Result<Vec<JksEntry>, StoreFault> {
    let ends = || StoreFault::damaged("JKS", "it ends too early");
    let (content, digest) = bytes.split_last_chunk::<SHA1_OUTPUT_LEN>().ok_or_else(ends)?;
    if let Some(password) = password
        && seal(content, password.expose()) != *digest
    {
        return Err(StoreFault::WrongPassword(property));
    }
    let mut reader = Reader(content);
    let (_magic, version, count) = reader.head().ok_or_else(ends)?;
    if !(1..=2).contains(&version) {
        return Err(StoreFault::damaged("JKS", &format!("version {version} is not known")));
    }
    let mut entries = Vec::new();
    for _ in 0..count {
        let entry = reader.entry(version)?.ok_or_else(ends)?;
        entries.push(entry);
    }
    Ok(entries)
}

/// SHA-1 over the password in UTF-16, the salt and the content.
fn seal(content: &[u8], password: &str) -> [u8; SHA1_OUTPUT_LEN] {
    let wide: Zeroizing<Vec<u8>> = Zeroizing::new(password.encode_utf16().flat_map(u16::to_be_bytes).collect());
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in [wide.as_slice(), SALT, content] {
        hash.update(part);
    }
    let mut digest = [0; SHA1_OUTPUT_LEN];
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}

/// Takes bytes from the front; `None` where there are too few. Every entry takes some, so no loop is endless.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    fn number(&mut self) -> Option<u32> {
        let (front, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*front))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        self.bytes(u16::from_be_bytes(*front).into())
    }

    fn blob(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.bytes(length)
    }

    fn head(&mut self) -> Option<(u32, u32, u32)> {
        Some((self.number()?, self.number()?, self.number()?))
    }

    /// `Ok(None)` where the bytes end.
    fn entry(&mut self, version: u32) -> Result<Option<JksEntry>, StoreFault> {
        let Some(tag) = self.number() else { return Ok(None) };
        if self.text().and_then(|_alias| self.bytes(8)).is_none() {
            return Ok(None);
        }
        match tag {
            CERTIFICATE => Ok(self.certificate(version).map(JksEntry::Trusted)),
            PRIVATE_KEY => Ok(self.key(version)),
            other => Err(StoreFault::damaged("JKS", &format!("an entry of kind {other} is not known"))),
        }
    }

    fn key(&mut self, version: u32) -> Option<JksEntry> {
        self.blob()?;
        let count = self.number()?;
        let mut first = None;
        for index in 0..count {
            let certificate = self.certificate(version)?;
            if index == 0 {
                first = Some(certificate);
            }
        }
        Some(JksEntry::Key(first))
    }

    fn certificate(&mut self, version: u32) -> Option<CertificateDer<'static>> {
        if version == 2 {
            self.text()?;
        }
        self.blob().map(|der| CertificateDer::from(der.to_vec()))
    }
}
