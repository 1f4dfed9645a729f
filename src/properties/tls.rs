//! `ssl.*`: Kafka's `SslConfigs` and `DefaultSslEngineFactory`, and librdkafka's names for the same.

use std::fmt::Write as _;

use super::PropertiesError;
use super::values::{Values, file_of};
use super::warning::Warning;
use crate::model::Secret;
use crate::security::tls::{IdentityStore, Material, StoreKind, TlsSettings, TlsVersion, TrustStore};

/// What the properties say about TLS.
pub(super) fn settings(values: &Values<'_>) -> Result<TlsSettings, PropertiesError> {
    refuse(values)?;
    Ok(TlsSettings {
        trust: trust(values)?,
        identity: identity(values)?,
        verify_hostname: verify_hostname(values)?,
        versions: versions(values)?,
    })
}

fn refuse(values: &Values<'_>) -> Result<(), PropertiesError> {
    const OURS: &str = "leave it out: ktape speaks TLS 1.2 and 1.3 itself (rustls), and loads no Java or OpenSSL code";
    for name in ["ssl.engine.factory.class", "ssl.provider", "ssl.engine.location", "security.providers"] {
        values.refuse(name, OURS)?;
    }
    values.refuse(
        "ssl.cipher.suites",
        "leave it out: ktape offers only suites with forward secrecy and authenticated encryption (AES-GCM, \
         ChaCha20-Poly1305), and the broker's ssl.cipher.suites chooses among them",
    )?;
    values.refuse("ssl.crl.location", "leave it out: ktape does not read revocation lists")?;
    if let Some(name) = values.text("ssl.trustmanager.algorithm")?
        && !["PKIX", "SunX509"].iter().any(|known| known.eq_ignore_ascii_case(&name))
    {
        return Err(PropertiesError::unsupported(values.shown("ssl.trustmanager.algorithm"), &name, OURS));
    }
    if values.flag("enable.ssl.certificate.verification")? == Some(false) {
        return Err(PropertiesError::unsupported(
            "enable.ssl.certificate.verification",
            "false",
            "name the certificate to trust in ssl.truststore.location or ssl.ca.location; that it names another host \
             can be accepted with ssl.endpoint.identification.algorithm=",
        ));
    }
    Ok(())
}

fn trust(values: &Values<'_>) -> Result<Option<TrustStore>, PropertiesError> {
    values.one_of(&["ssl.truststore.certificates", "ssl.truststore.location", "ssl.ca.pem", "ssl.ca.location"])?;
    let kind = kind(values, "ssl.truststore.type", "PEM, PKCS12 and JKS trust stores can be read")?;
    let material = match inline(values, "ssl.truststore.certificates")? {
        Some(material) => Some(material),
        None => inline(values, "ssl.ca.pem")?,
    };
    let material = match (material, values.path("ssl.truststore.location")?) {
        (Some(material), _) => Some(material),
        (None, Some(path)) => Some(Material::File(path)),
        (None, None) => ca_location(values, "ssl.ca.location")?,
    };
    let password = values.secret("ssl.truststore.password")?;
    Ok(material.map(|material| TrustStore { material, password, kind }))
}

/// librdkafka's: a file; `probe` looks for the system's.
pub(super) fn ca_location(values: &Values<'_>, name: &str) -> Result<Option<Material>, PropertiesError> {
    match values.path(name)? {
        Some(path) if path.is_dir() => {
            let shown = path.display().to_string();
            Err(PropertiesError::unsupported(name, &shown, "name one file with all certificates, not a folder"))
        }
        Some(path) => Ok((path.as_os_str() != "probe").then_some(Material::File(path))),
        None => Ok(None),
    }
}

fn identity(values: &Values<'_>) -> Result<Option<IdentityStore>, PropertiesError> {
    const CHAINS: [&str; 4] =
        ["ssl.keystore.certificate.chain", "ssl.keystore.location", "ssl.certificate.pem", "ssl.certificate.location"];
    const KEYS: [&str; 3] = ["ssl.keystore.key", "ssl.key.pem", "ssl.key.location"];
    values.one_of(&CHAINS)?;
    values.one_of(&KEYS)?;
    let kind = kind(values, "ssl.keystore.type", "use PEM or PKCS12")?;
    let key = match (inline(values, KEYS[0])?, inline(values, KEYS[1])?) {
        (None, None) => values.secret_path(KEYS[2])?.map(Material::File),
        (one, other) => one.or(other),
    };
    let material = match (inline(values, CHAINS[0])?, inline(values, CHAINS[2])?) {
        (None, None) => match values.secret_path(CHAINS[1])? {
            Some(path) => Some(Material::File(path)),
            None => values.path(CHAINS[3])?.map(Material::File),
        },
        (one, other) => one.or(other),
    };
    let named = |names: &[&'static str]| names.iter().copied().find(|name| values.has(name)).unwrap_or_default();
    match (material, key) {
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let because = format!("{} has a private key, and no certificate belongs to it", named(&KEYS));
            Err(PropertiesError::missing(values.shown("ssl.keystore.certificate.chain"), because))
        }
        (Some(Material::Inline(_)), None) if named(&CHAINS) == CHAINS[0] => Err(PropertiesError::missing(
            values.shown("ssl.keystore.key"),
            "ssl.keystore.certificate.chain has a certificate, and no private key belongs to it",
        )),
        (Some(material), key) => Ok(Some(IdentityStore {
            material,
            key,
            store_password: values.secret("ssl.keystore.password")?,
            key_password: values.secret("ssl.key.password")?,
            kind,
        })),
    }
}

fn kind(values: &Values<'_>, name: &str, instead: &str) -> Result<Option<StoreKind>, PropertiesError> {
    let Some(text) = values.text(name)? else { return Ok(None) };
    match text.to_ascii_uppercase().as_str() {
        "PEM" => Ok(Some(StoreKind::Pem)),
        "PKCS12" => Ok(Some(StoreKind::Pkcs12)),
        "JKS" => Ok(Some(StoreKind::Jks)),
        _ => Err(PropertiesError::unsupported(values.shown(name), &text, instead)),
    }
}

fn verify_hostname(values: &Values<'_>) -> Result<bool, PropertiesError> {
    const NAME: &str = "ssl.endpoint.identification.algorithm";
    let Some(value) = values.raw(NAME)? else { return Ok(true) };
    match value.expose().trim().to_ascii_lowercase().as_str() {
        "https" => Ok(true),
        "" | "none" => Ok(false),
        _ => Err(PropertiesError::unsupported(
            values.shown(NAME),
            value.expose(),
            "https checks that a certificate names the host, an empty value does not",
        )),
    }
}

fn versions(values: &Values<'_>) -> Result<Vec<TlsVersion>, PropertiesError> {
    const NAME: &str = "ssl.enabled.protocols";
    let Some(text) = values.text(NAME)? else { return Ok(TlsSettings::default().versions) };
    let mut versions = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part {
            "TLSv1.2" => versions.push(TlsVersion::V12),
            "TLSv1.3" => versions.push(TlsVersion::V13),
            part => values.notes().warn(Warning::LeftOut {
                name: values.shown(NAME),
                part: part.chars().take(20).collect(),
                because: "ktape speaks TLSv1.2 and TLSv1.3",
            }),
        }
    }
    if versions.is_empty() {
        return Err(PropertiesError::unsupported(values.shown(NAME), &text, "ktape speaks TLSv1.2 and TLSv1.3"));
    }
    Ok(versions)
}

/// PEM text inside a property, or in a file that it names.
pub(super) fn inline(values: &Values<'_>, name: &str) -> Result<Option<Material>, PropertiesError> {
    let Some(text) = values.raw(name)?.filter(|text| !text.expose().is_empty()) else { return Ok(None) };
    if let Some(path) = file_of(text.expose()) {
        if name.contains("key") {
            values.notes().secret_file(&path);
        }
        return Ok(Some(Material::File(path)));
    }
    let expected = "text in PEM is expected, from -----BEGIN to -----END; in a file of properties every line but \
                    the last ends with a backslash";
    let pem = broken_into_lines(text.expose()).ok_or_else(|| PropertiesError::invalid(values.shown(name), expected))?;
    Ok(Some(Material::Inline(pem)))
}

/// PEM with its lines again: a value that goes on over several lines of a file has lost their ends.
fn broken_into_lines(text: &str) -> Option<Secret> {
    let mut lines = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text;
    while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
        let (label, body) = begun.split_once("-----")?;
        let (body, after) = body.split_once("-----END ")?;
        let after = after.trim_start().strip_prefix(label)?.strip_prefix("-----")?;
        let _ = writeln!(lines, "-----BEGIN {label}-----");
        body.split_whitespace().for_each(|part| {
            let _ = writeln!(lines, "{part}");
        });
        let _ = writeln!(lines, "-----END {label}-----");
        rest = after;
    }
    (!lines.is_empty()).then(|| Secret::new(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_gets_its_lines_back() {
        let expected = "-----BEGIN PRIVATE KEY-----\nAAAA\nBB==\n-----END PRIVATE KEY-----\n";
        for text in [
            "-----BEGIN PRIVATE KEY----- AAAA BB== -----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAAAA\nBB==\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----\r\nAAAA\r\nBB==\r\n-----END PRIVATE KEY-----",
        ] {
            assert_eq!(broken_into_lines(text).unwrap().expose(), expected, "{text:?}");
        }
        let two = "-----BEGIN A-----AAAA-----END A----------BEGIN B-----BBBB-----END B-----";
        assert_eq!(
            broken_into_lines(two).unwrap().expose(),
            "-----BEGIN A-----\nAAAA\n-----END A-----\n-----BEGIN B-----\nBBBB\n-----END B-----\n"
        );
        for bad in ["", "hunter2", "-----BEGIN A-----", "-----BEGIN A-----AAAA", "-----BEGIN A-----AAAA-----END B-----"]
        {
            assert!(broken_into_lines(bad).is_none(), "{bad}");
        }
    }
}
